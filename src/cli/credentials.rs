//! `endo credentials`: what the gateway keeps of accounts at the API.

use std::io::{self, Read, Write};

use clap::{Args, Subcommand};
use serde_json::Value;
use zeroize::Zeroizing;

use super::arguments::ListArguments;
use super::consent::{self, ConsentArguments};
use super::operation::{AtStake, CredentialsRow, HandedSecret, NewCredentials, Operation, Shown};
use super::{CommandError, json_lines, reach, receipts, table, unseen};
use crate::config::Config;
use crate::credentials::{ApiVerdict, Receipt};
use crate::legible;
use crate::message::DeviceUuid;
use crate::vault::ResourceOwnerId;

/// What whoever forgot a secret has to know then.
const NOBODY_TELLS: &str = "no gateway runs, so nobody tells the API until one does: start one within a day (`endo serve`), for \
                            then the copy of the tokens that this takes is erased";
/// The longest secret that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// What `endo credentials` can do.
#[derive(Debug, Subcommand)]
pub(super) enum CredentialsCommand {
    /// Store credentials; their secret is read from standard input
    Add(CredentialsAddArguments),
    /// List the accounts whose credentials are kept
    Ls(ListArguments),
    /// Print everything about the credentials of one account, but for the secret
    Show {
        /// The credentials device
        uuid: String,
    },
    /// Forget a secret for ever: its devices are cut off, and the API is told
    ///
    /// At a terminal it asks first. With no gateway running the API is told at once or, where it does not answer, when one
    /// runs within a day.
    Forget(ForgetArguments),
}

/// What `endo credentials add` takes.
#[derive(Debug, Args)]
pub(super) struct CredentialsAddArguments {
    /// The account's id at the API, such as 583231; digits are taken as a number, and as text where they stand in quotes,
    /// "583231", as `endo credentials ls` shows such
    #[arg(long, value_name = "ID")]
    id: String,
    /// The account's name at the API, such as octocat
    #[arg(long, value_name = "NAME", value_parser = legible::given)]
    username: Option<String>,
    /// The device that may manage these credentials; without it, the owner made on first start
    #[arg(long, value_name = "UUID")]
    owner: Option<String>,
    /// How many seconds the secret lives from now on; without it, it is renewed when the API refuses it
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    expires_in: Option<u32>,
    /// Read a second line from standard input: the refresh token
    #[arg(long)]
    with_refresh_token: bool,
}

/// What `endo credentials forget` takes.
#[derive(Debug, Args)]
pub(super) struct ForgetArguments {
    /// The credentials device
    uuid: String,
    #[command(flatten)]
    consent: ConsentArguments,
}

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
        CredentialsCommand::Forget(command) => forget(command, config, out).await,
    }
}

async fn list(command: &ListArguments, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let rows: Vec<CredentialsRow> = reach::perform(config, Operation::ListCredentials).await?;
    if command.json {
        return Ok(json_lines::print(&rows, out)?);
    }
    let rows: Vec<_> = rows.into_iter().map(cells).collect();
    Ok(table::print(["CREDENTIALS DEVICE", "ACCOUNT", "ID", "DEVICES", "LAST USE", "STATE"], &rows, out)?)
}

fn cells(row: CredentialsRow) -> [String; 6] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let [account, id] = [row.username, row.account.map(id)].map(|text| table::strangers_cell(or_dash(text)));
    let last_use = or_dash(row.last_use);
    [row.uuid.to_string(), account, id, row.devices.to_string(), last_use, row.state]
}

/// Text that could be a number stands in quotes: it is another account.
fn id(id: Value) -> String {
    let is_number = |text: &str| matches!(ResourceOwnerId::of_integer(text), Ok(ResourceOwnerId::Number(_)));
    match id {
        Value::String(text) if !is_number(&text) => text,
        id => id.to_string(),
    }
}

async fn show(uuid: &str, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let mut shown: Shown = reach::perform(config, Operation::ShowCredentials(uuid.into())).await?;
    let mut pages = receipts::all(Some(uuid));
    while let Some(mut receipts) = pages.next(config).await? {
        shown.receipts.append(&mut receipts);
    }
    let text = serde_json::to_string_pretty(&shown).expect("texts and numbers are JSON");
    Ok(writeln!(out, "{text}")?)
}

async fn forget(command: &ForgetArguments, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let device = DeviceUuid::from(command.uuid.as_str());
    if command.consent.is_open() {
        let at_stake: AtStake = reach::perform(config, Operation::WeighForgetting(device.clone())).await?;
        consent::ask(&what_ends(&at_stake))?;
    }
    let receipt: Receipt = reach::perform(config, Operation::ForgetCredentials(device)).await?;
    // The API may take its time to answer, and is not waited for to say what is done already.
    receipts::tell_ends(&receipt, out)?;
    // Where nobody says more, what was known when it was done still holds.
    let told: Option<Receipt> =
        reach::perform(config, Operation::CatchUp(receipt.id)).await.unwrap_or_default();
    let known = told.unwrap_or(receipt);
    receipts::tell_answer(&known, out)?;
    let is_pending = known.api.is_some_and(|api| api.verdict == ApiVerdict::Pending);
    if is_pending && reach::runs_nowhere(config).await {
        // It is done, also where nobody reads this.
        let _ = writeln!(io::stderr(), "endo: {}", NOBODY_TELLS);
    }
    Ok(())
}

/// The secret with its account, as far as that is known.
pub(super) fn secret_of(at_stake: &AtStake) -> String {
    // Names change hands at APIs, and ids do not.
    match (&at_stake.username, at_stake.account.clone().map(id)) {
        (Some(name), Some(id)) => format!("secret of {name} (id {id})"),
        (Some(known), None) => format!("secret of {known}"),
        (None, Some(known)) => format!("secret of {known}"),
        (None, None) => "secret".to_owned(),
    }
}

fn what_ends(at_stake: &AtStake) -> String {
    let stops = match at_stake.devices {
        Some(0) => String::new(),
        Some(1) => ", and 1 device stops working".to_owned(),
        Some(devices) => format!(", and {devices} devices stop working"),
        None => ", and every device that uses it stops working".to_owned(),
    };
    legible::marked(&format!("The {} is forgotten for ever{stops}. Forget it?", secret_of(at_stake)))
}

async fn add(
    command: &CredentialsAddArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let text = input(command.with_refresh_token).await.map_err(CommandError::Input)?;
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
async fn input(with_refresh_token: bool) -> io::Result<Zeroizing<String>> {
    if consent::somebody_is_there() {
        let asked: &[_] = if with_refresh_token { &["Secret", "Refresh token"] } else { &["Secret"] };
        return unseen::lines(asked, LONGEST).await;
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}
