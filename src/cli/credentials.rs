//! `endo credentials`: what the gateway keeps of accounts at the API.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use zeroize::Zeroizing;

use super::arguments::{CredentialsAddArguments, CredentialsCommand};
use super::operation::{HandedSecret, NewCredentials, Operation};
use super::{CommandError, reach};
use crate::config::Config;
use crate::message::DeviceUuid;

/// The longest secret that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// Does what this command says.
///
/// # Errors
/// [`CommandError`]; nothing is kept then.
pub(super) async fn run(
    command: &CredentialsCommand,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    match command {
        CredentialsCommand::Add(command) => add(command, config, out).await,
    }
}

async fn add(
    command: &CredentialsAddArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let operation = Operation::AddCredentials(NewCredentials {
        id: command.id.clone(),
        username: command.username.clone(),
        owner: command.owner.as_deref().map(DeviceUuid::from),
        secret: secret()?,
    });
    let device: DeviceUuid = reach::perform(config, operation).await?;
    Ok(writeln!(out, "credentials device {device}")?)
}

/// The secret from standard input, without the end of its line.
fn secret() -> io::Result<HandedSecret> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let input = io::stdin().lock();
    if input.is_terminal() {
        write!(io::stderr(), "Secret (it will be visible), then Enter: ")?;
        input.take(LONGEST).read_line(&mut text)?;
    } else {
        input.take(LONGEST).read_to_string(&mut text)?;
    }
    Ok(HandedSecret::from(text.trim().to_owned()))
}
