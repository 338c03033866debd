//! A terminal for a program that behaves differently at one.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A terminal: our side of it, and what a program has for its input or output.
pub(crate) fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (File::from(ours), theirs)
}

/// What a program says up to this.
pub(crate) fn said_until(end: &str, dialogue: &mut impl Read) -> Vec<u8> {
    let mut said = Vec::new();
    while !said.ends_with(end.as_bytes()) {
        let mut byte = [0];
        dialogue.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
    said
}

/// Types `answer` when the program asks for a yes or no; what it said, and how it ended.
pub(crate) fn answered(mut command: Command, answer: &str) -> Output {
    let (mut ours, theirs) = terminal();
    command.stdin(theirs).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut dialogue = child.stderr.take().unwrap();
    let mut said = said_until("[y/N] ", &mut dialogue);
    ours.write_all(answer.as_bytes()).unwrap();
    dialogue.read_to_end(&mut said).unwrap();
    Output { stderr: said, ..child.wait_with_output().unwrap() }
}

/// The program at a terminal of its own; it ends when dropped.
pub(crate) struct AtTerminal {
    pub(crate) child: Child,
    /// The link that it printed, which signs somebody in.
    pub(crate) link: String,
    /// It may print more, and must not find the terminal gone.
    _lines: Lines<BufReader<File>>,
}

impl AtTerminal {
    /// Starts `endo serve`, and waits for the link.
    pub(crate) fn start(mut command: Command) -> Self {
        let (ours, theirs) = terminal();
        let child = command.stdout(theirs).spawn().unwrap();
        let mut lines = BufReader::new(ours).lines();
        let mut printed = lines.by_ref().map(Result::unwrap);
        let link = printed.find(|line| line.contains("/sign-in?once=")).unwrap().trim().to_owned();
        Self { child, link, _lines: lines }
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
