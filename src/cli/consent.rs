//! Asking whoever sits at the terminal before something is changed.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use super::CommandError;

/// What every command takes that asks first.
#[derive(Debug, Args)]
pub(super) struct ConsentArguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl ConsentArguments {
    /// Whether there is somebody to ask who has not said yes before.
    pub(super) fn is_open(&self) -> bool {
        !self.yes && somebody_is_there()
    }
}

/// Goes on where whoever sits at the terminal agrees.
///
/// # Errors
/// [`CommandError::Declined`].
pub(super) fn ask(question: &str) -> Result<(), CommandError> {
    match agreed(question, &mut io::stderr())? {
        true => Ok(()),
        false => Err(CommandError::Declined),
    }
}

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
