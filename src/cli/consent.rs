//! Asking whoever sits at the terminal before something is changed.

use std::io::{self, IsTerminal, Write};

/// Whether there is anybody to ask.
pub(super) fn somebody_is_there() -> bool {
    io::stdin().is_terminal()
}

/// Whether they say yes; anything else is a no.
pub(super) fn agreed(question: &str, dialogue: &mut dyn Write) -> io::Result<bool> {
    write!(dialogue, "{question} [y/N] ")?;
    dialogue.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
