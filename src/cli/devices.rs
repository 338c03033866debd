//! `endo devices`: the user devices, which use stored credentials.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::arguments::ListArguments;
use super::consent::{self, ConsentArguments};
use super::credentials::secret_of;
use super::operation::{AddedDevice, AtStake, DeviceRow, DeviceRows, NewDevice, Operation};
use super::{CommandError, json_lines, reach, receipts, table};
use crate::config::Config;
use crate::legible;
use crate::message::DeviceUuid;

/// What `endo devices` can do.
#[derive(Debug, Subcommand)]
pub(super) enum DevicesCommand {
    /// Make a user device that uses stored credentials
    Add(DevicesAddArguments),
    /// List the user devices, those that were cut off too
    Ls(ListArguments),
    /// Cut a user device off from its credentials, or all off from some
    ///
    /// At a terminal it asks first where it cuts off all.
    Revoke(DevicesRevokeArguments),
}

/// What `endo devices add` takes.
#[derive(Debug, Args)]
pub(super) struct DevicesAddArguments {
    /// The credentials device whose credentials it shall use; without it, the only one
    #[arg(long, value_name = "UUID")]
    credentials: Option<String>,
    /// What people shall call it
    #[arg(long, value_name = "NAME", value_parser = legible::given)]
    name: Option<String>,
    /// The device that owns it; without it, the owner made on first start
    #[arg(long, value_name = "UUID")]
    owner: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// What `endo devices revoke` takes.
#[derive(Debug, Args)]
pub(super) struct DevicesRevokeArguments {
    #[command(flatten)]
    which: WhichDevices,
    #[command(flatten)]
    consent: ConsentArguments,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WhichDevices {
    /// The user device
    uuid: Option<String>,
    /// Cut off all that use the credentials of this credentials device, those included that are only being made
    #[arg(long, value_name = "UUID")]
    credentials: Option<String>,
}

/// Does what this command says.
///
/// # Errors
/// [`CommandError`].
pub(super) async fn run(
    command: &DevicesCommand,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    match command {
        DevicesCommand::Add(command) => add(command, config, out).await,
        DevicesCommand::Ls(command) => list(command, config, out).await,
        DevicesCommand::Revoke(command) => match (&command.which.uuid, &command.which.credentials) {
            (_, Some(credentials)) => {
                if command.consent.is_open() {
                    ask_about_all(credentials, config).await?;
                }
                revoke_all(credentials, config, out).await
            }
            (uuid, None) => {
                let uuid = uuid.as_deref().expect("arguments without either are refused");
                revoke(uuid, config, out).await
            }
        },
    }
}

async fn add(
    command: &DevicesAddArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let operation = Operation::AddDevice(NewDevice {
        credentials: command.credentials.as_deref().map(DeviceUuid::from),
        owner: command.owner.as_deref().map(DeviceUuid::from),
        name: command.name.clone(),
    });
    let added: AddedDevice = reach::perform(config, operation).await?;
    if command.json {
        return Ok(json_lines::print(&[added], out)?);
    }
    let AddedDevice { uuid, credentials, status_device } = added;
    writeln!(out, "user device         {uuid}")?;
    writeln!(out, "credentials device  {credentials}")?;
    Ok(writeln!(out, "status device       {status_device}")?)
}

async fn list(command: &ListArguments, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let DeviceRows { rows, missing } = reach::perform(config, Operation::ListDevices).await?;
    if command.json {
        json_lines::print(&rows, out)?;
    } else {
        let rows: Vec<_> = rows.into_iter().map(cells).collect();
        table::print(["USER DEVICE", "CREDENTIALS DEVICE", "NAME", "BOUND", "REVOKED"], &rows, out)?;
    }
    if let Some(missing) = missing {
        // The list is as good as it can be, also where nobody reads this.
        let _ = writeln!(io::stderr(), "endo: there may be more: {missing}");
    }
    Ok(())
}

fn cells(row: DeviceRow) -> [String; 5] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let instead = match (row.unfinished, row.gone) {
        (true, _) => Some("half made: no right yet; add it again"),
        (_, true) => Some("gone: its owner removed it from the bus"),
        _ => None,
    };
    let row = DeviceRow { revoked: instead.map(str::to_owned).or(row.revoked), ..row };
    let (bound, revoked) = (or_dash(row.bound), or_dash(row.revoked));
    let name = table::strangers_cell(or_dash(row.name));
    [row.uuid.to_string(), row.credentials.to_string(), name, bound, revoked]
}

async fn ask_about_all(credentials: &str, config: &Config) -> Result<(), CommandError> {
    let weigh = Operation::WeighForgetting(credentials.into());
    let at_stake: AtStake = reach::perform(config, weigh).await?;
    let secret = secret_of(&at_stake);
    let question = match at_stake.devices {
        // There is nothing to ask about.
        Some(0) => return Ok(()),
        Some(1) => format!("1 device that uses the {secret} stops working. Cut it off?"),
        Some(devices) => format!("{devices} devices that use the {secret} stop working. Cut them off?"),
        None => format!("Every device that uses the {secret} stops working. Cut them off?"),
    };
    consent::ask(&legible::marked(&question))
}

async fn revoke_all(credentials: &str, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    match reach::perform(config, Operation::RevokeAllDevices(credentials.into())).await? {
        Some(receipt) => Ok(receipts::tell(&receipt, out)?),
        None => Ok(writeln!(out, "no device uses the credentials of {credentials}")?),
    }
}

async fn revoke(uuid: &str, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let revoked = reach::perform(config, Operation::RevokeDevice(uuid.into())).await?;
    let DeviceRows { rows, missing } = revoked;
    for row in rows {
        let since = row.revoked.unwrap_or_default();
        writeln!(out, "{} is cut off from {} since {since}", row.uuid, row.credentials)?;
    }
    match missing {
        None => Ok(()),
        Some(missing) => Err(CommandError::NotCutOffEverywhere { device: uuid.to_owned(), missing }),
    }
}
