//! Processes of their own for what is measured, so that its processor time is its own: this program, with another part.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use super::{gateway, yardstick};

const GATEWAY: &str = "play-gateway";
const YARDSTICK: &str = "play-yardstick";

/// Plays the part that these words name; `false` where they name none.
pub(crate) fn play(words: &[String]) -> bool {
    match words {
        [part, bus, directory] if part == GATEWAY => gateway::run(bus, Path::new(directory)),
        [part, bus] if part == YARDSTICK => yardstick::run(bus),
        _ => return false,
    }
    true
}

/// Tells the process that started this one something.
pub(super) fn tell(what: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}").unwrap();
    out.flush().unwrap();
}

/// Calls `asked` each time that process asks, until it is gone.
pub(super) fn answer(mut asked: impl FnMut()) {
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        asked();
    }
}

/// A running process; ends when dropped.
pub(super) struct Child {
    process: Process,
    asking: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Child {
    /// A gateway on the bus at this URL.
    pub(super) fn gateway(bus: &str, directory: &Path) -> Self {
        Self::start(Command::new(this_program()).args([GATEWAY, bus]).arg(directory))
    }

    /// A handler that does nothing but call the bus at this URL.
    pub(super) fn yardstick(bus: &str) -> Self {
        Self::start(Command::new(this_program()).args([YARDSTICK, bus]))
    }

    fn start(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let asking = process.stdin.take().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.next().expect("it says where it listens").unwrap().parse().unwrap();
        Self { process, asking, lines, address }
    }

    /// The number of the process.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it answers when it is asked.
    pub(super) fn ask(&mut self) -> u64 {
        self.asking.write_all(b"\n").unwrap();
        self.lines.next().expect("it answers").unwrap().parse().unwrap()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // What it has on disk is thrown away too.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn this_program() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}
