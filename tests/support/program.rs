//! The shipped program, started on a directory and killed at will.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use tokio::task::spawn_blocking;

/// `endo serve`, on ports of its own; killed when dropped.
pub(crate) struct Program {
    pub(crate) gateway: String,
    pub(crate) bus: String,
    child: Child,
}

impl Program {
    /// Starts the program and waits until it says where it listens. Its log goes to `log`.
    pub(crate) async fn start(directory: &Path, settings: &[String], log: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
        command.env_clear().arg("--data-dir").arg(directory);
        for setting in ["listen.gateway=127.0.0.1:0", "listen.bus=127.0.0.1:0"] {
            command.args(["--set", setting]);
        }
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (gateway, bus) = spawn_blocking(|| addresses(lines)).await.unwrap();
        Self { gateway, bus, child }
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; answers how it ended.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the two addresses, and leaves somebody reading: the program must not find its output closed.
fn addresses(mut lines: Lines<BufReader<ChildStdout>>) -> (String, String) {
    let (mut gateway, mut bus) = (None, None);
    while gateway.is_none() || bus.is_none() {
        let line = lines.next().expect("the program says where it listens").unwrap();
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("gateway"), Some(url)) => gateway = Some(url.to_owned()),
            (Some("bus"), Some(url)) => bus = Some(url.to_owned()),
            _ => {}
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    (gateway.unwrap(), bus.unwrap())
}
