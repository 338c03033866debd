//! Lines that are typed at a terminal and not shown there.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// A terminal that does not show what is typed; it is as it was once this is dropped.
struct Unseen<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> Unseen<T> {
    fn on(terminal: T) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that what comes next stands on the next.
        modes.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for Unseen<T> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// The lines that are typed when asked for each of these, of at most so many bytes; standard input has to be a terminal.
pub(super) fn lines(asked: &[&str], most: u64, text: &mut String) -> io::Result<()> {
    let input = io::stdin();
    let _unseen = Unseen::on(&input)?;
    let mut typed = input.lock().take(most);
    for what in asked {
        write!(io::stderr(), "{what} (it is not shown), then Enter: ")?;
        typed.read_line(text)?;
    }
    Ok(())
}
