//! `endo sign-in-link`: a new link that signs the first owner in.

use std::io::{self, IsTerminal, Write};

use super::operation::Operation;
use super::{CommandError, reach};
use crate::config::Config;

/// Prints a new link of the gateway that runs; the one before ends.
///
/// # Errors
/// [`CommandError`]; no link is made then.
pub(super) async fn run(config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    // What is no terminal may be a log, where a link that signs somebody in has no place.
    if !io::stdout().is_terminal() {
        return Err(CommandError::NoTerminal);
    }
    let link: String = reach::ask_running(config, Operation::MakeSignInLink).await?;
    Ok(writeln!(out, "Open your credentials in a browser, once, within ten minutes:\n  {link}")?)
}
