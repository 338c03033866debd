//! `endo credentials`: what the gateway keeps of accounts at the API.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use zeroize::Zeroizing;

use super::arguments::{CredentialsAddArguments, CredentialsCommand, ListArguments};
use super::operation::{CredentialsRow, HandedSecret, NewCredentials, Operation, Shown};
use super::receipts::Reading;
use super::{CommandError, json_lines, reach, receipts, table};
use crate::config::Config;
use crate::credentials::Receipt;
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
        CredentialsCommand::Ls(command) => list(command, config, out).await,
        CredentialsCommand::Show { uuid } => show(uuid, config, out).await,
        CredentialsCommand::Forget { uuid } => forget(uuid, config, out).await,
    }
}

async fn list(command: &ListArguments, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let rows: Vec<CredentialsRow> = reach::perform(config, Operation::ListCredentials).await?;
    if command.json {
        return Ok(json_lines::print(&rows, out)?);
    }
    let rows: Vec<_> = rows.into_iter().map(cells).collect();
    Ok(table::print(["CREDENTIALS DEVICE", "ACCOUNT", "DEVICES", "LAST USE", "STATE"], &rows, out)?)
}

fn cells(row: CredentialsRow) -> [String; 5] {
    let account = row.username.or_else(|| row.account.map(|id| id.to_string()));
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [row.uuid.to_string(), or_dash(account), row.devices.to_string(), or_dash(row.last_use), row.state]
}

async fn show(uuid: &str, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let mut shown: Shown = reach::perform(config, Operation::ShowCredentials(uuid.into())).await?;
    let mut reading = Reading::of(Some(uuid));
    while let Some(mut receipts) = reading.next(config).await? {
        shown.receipts.append(&mut receipts);
    }
    let text = serde_json::to_string_pretty(&shown).expect("texts and numbers are JSON");
    Ok(writeln!(out, "{text}")?)
}

async fn forget(uuid: &str, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let receipt: Receipt = reach::perform(config, Operation::ForgetCredentials(uuid.into())).await?;
    Ok(receipts::tell(&receipt, out)?)
}

async fn add(
    command: &CredentialsAddArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let text = input(command.with_refresh_token).map_err(CommandError::Input)?;
    let (secret, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let (refresh_token, rest, wanted) = match command.with_refresh_token {
        true => {
            let (token, rest) = rest.split_once('\n').unwrap_or((rest, ""));
            (token, rest, "the secret and the refresh token")
        }
        false => ("", rest, "the secret"),
    };
    if !rest.trim().is_empty() {
        return Err(CommandError::MoreLines { wanted });
    }
    let handed = |text: &str| HandedSecret::from(text.trim().to_owned());
    let operation = Operation::AddCredentials(NewCredentials {
        id: command.id.clone(),
        username: command.username.clone(),
        owner: command.owner.as_deref().map(DeviceUuid::from),
        secret: handed(secret),
        refresh_token: command.with_refresh_token.then(|| handed(refresh_token)),
        expires_in: command.expires_in,
    });
    let device: DeviceUuid = reach::perform(config, operation).await?;
    Ok(writeln!(out, "credentials device {device}")?)
}

/// The secret from standard input, and the refresh token on a line of its own where one is to come.
fn input(with_refresh_token: bool) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let input = io::stdin().lock();
    if input.is_terminal() {
        let mut input = input.take(LONGEST);
        write!(io::stderr(), "Secret (it will be visible), then Enter: ")?;
        input.read_line(&mut text)?;
        if with_refresh_token {
            write!(io::stderr(), "Refresh token (it will be visible), then Enter: ")?;
            input.read_line(&mut text)?;
        }
    } else {
        input.take(LONGEST).read_to_string(&mut text)?;
    }
    Ok(text)
}
