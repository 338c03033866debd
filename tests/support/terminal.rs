//! A terminal for a program that behaves differently at one.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, Command};

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
