//! Lines that are typed at a terminal and not shown there.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::signals::{Deferred, end_by};

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

/// The lines that are typed when asked for each of these, of at most so many bytes; standard input has to be a terminal. Who
/// interrupts it has the terminal back as it was.
pub(super) async fn lines(asked: &'static [&'static str], most: u64) -> io::Result<Zeroizing<String>> {
    // First: a signal finds the terminal as it was, or somebody who makes it so again.
    let mut signals = Deferred::take()?;
    let unseen = Unseen::on(io::stdin())?;
    tokio::select! {
        typed = spawn_blocking(move || typed(asked, most)) => typed.map_err(io::Error::other)?,
        signal = signals.next() => {
            drop(unseen);
            // What comes next stands on the next line.
            let _ = writeln!(io::stderr());
            Err(end_by(signal))
        }
    }
}

fn typed(asked: &[&str], most: u64) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let mut typed = io::stdin().lock().take(most);
    for what in asked {
        write!(io::stderr(), "{what} (it is not shown), then Enter: ")?;
        typed.read_line(&mut text)?;
    }
    Ok(text)
}
