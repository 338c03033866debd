//! `endo send`: one message to a user device, and its reply.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::bus_client::BusClient;
use super::operation::{Addresses, DeviceRow, DeviceRows, Operation};
use super::{CommandError, reach};
use crate::ambient::Random;
use crate::bus::Login;
use crate::config::{BusKind, Config};
use crate::gateway::FirstOwner;

/// What `endo send` takes.
#[derive(Debug, Args)]
pub(super) struct SendArguments {
    /// The job to run, such as ListEventsByUser
    job_type: String,
    /// Members of the job's data: `username=octocat` is text, `limit:=5` is JSON
    #[arg(value_name = "NAME=TEXT", value_parser = member, conflicts_with = "data")]
    members: Vec<(String, Value)>,
    /// The user device to send to; without it, the only one that the sender owns
    #[arg(long, value_name = "UUID")]
    to: Option<String>,
    /// All of the job's data as JSON; `-` reads them from standard input
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Send as this device, which is subscribed to itself, instead of the owner that was made on first start
    #[arg(long, value_name = "UUID", requires = "token_file")]
    as_device: Option<String>,
    /// The file with the token of that device
    #[arg(long, value_name = "FILE", requires = "as_device")]
    token_file: Option<PathBuf>,
    /// Wait so many seconds for the reply
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

fn member(text: &str) -> Result<(String, Value), String> {
    let wrong = || "write it as NAME=TEXT, or as NAME:=JSON".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    match name.strip_suffix(':') {
        Some(name) => serde_json::from_str(value)
            .map(|value| (name.to_owned(), value))
            .map_err(|error| error.to_string()),
        None => Ok((name.to_owned(), Value::from(value))),
    }
}

/// Sends the message and prints the reply.
///
/// # Errors
/// [`CommandError::ErrorReply`] when the reply, which is printed, tells of an error; [`CommandError::NoReply`] when
/// none comes in time; else whatever kept the message from being sent.
pub(super) async fn run(
    command: &SendArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    if config.bus.kind == BusKind::Meshblu {
        return Err(CommandError::SendElsewhere);
    }
    let data = data(command)?;
    let addresses: Addresses = reach::ask_running(config, Operation::Locate).await?;
    let sender = sender(command, config)?;
    let DeviceRows { rows, .. } = reach::ask_running(config, Operation::ListDevices).await?;
    let to = match &command.to {
        Some(to) => not_cut_off(to, &rows)?,
        None => only_device(rows, &sender)?,
    };
    let respond_to = json!(Random::system().uuid());
    let mut message =
        json!({"devices": [to], "metadata": {"jobType": command.job_type, "respondTo": respond_to}});
    if let Some(data) = data {
        message["data"] = data;
    }
    let bus = BusClient::new(addresses.bus.clone())?;
    let exchange = async {
        let mut listening = bus.listen(&sender).await?;
        if !bus.hears(&sender).await? {
            return Err(CommandError::Unheard { sender: sender.uuid.clone(), bus: addresses.bus });
        }
        bus.send(&sender, &message).await?;
        Ok::<_, CommandError>(listening.reply(&respond_to).await?)
    };
    let waited = Duration::from_secs(command.timeout);
    let reply = timeout(waited, exchange).await.map_err(|_| CommandError::NoReply { to, waited })??;
    writeln!(out, "{reply:#}")?;
    told(&reply)
}

/// An error where the reply tells of one.
fn told(reply: &Value) -> Result<(), CommandError> {
    let metadata = &reply["metadata"];
    let code = metadata["code"].as_u64().unwrap_or_default();
    if code < 400 && metadata.get("error").is_none() {
        return Ok(());
    }
    let text = metadata["error"]["message"].as_str().or_else(|| metadata["status"].as_str());
    Err(CommandError::ErrorReply { code, text: text.unwrap_or_default().to_owned() })
}

/// `name=text` and `name:=JSON`, or the whole as JSON.
fn data(command: &SendArguments) -> Result<Option<Value>, CommandError> {
    if let Some(text) = &command.data {
        let text = if text == "-" {
            std::io::read_to_string(std::io::stdin()).map_err(CommandError::Input)?
        } else {
            text.clone()
        };
        return serde_json::from_str(&text).map(Some).map_err(CommandError::Data);
    }
    let members: Map<String, Value> = command.members.iter().cloned().collect();
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}

fn sender(command: &SendArguments, config: &Config) -> Result<Login, CommandError> {
    if let (Some(uuid), Some(path)) = (&command.as_device, &command.token_file) {
        let token = std::fs::read_to_string(path)
            .map_err(|source| CommandError::File { path: path.clone(), source })?;
        let token = Zeroizing::new(token);
        return Ok(Login { uuid: uuid.as_str().into(), token: Zeroizing::new(token.trim().to_owned()) });
    }
    let owner = FirstOwner::read(&config.data_dir)?
        .ok_or_else(|| CommandError::NotRunning(config.data_dir.clone()))?;
    Ok(Login { uuid: owner.uuid, token: Zeroizing::new(owner.token) })
}

/// This device, unless it was cut off from all that it could use: nobody would answer.
fn not_cut_off(to: &str, rows: &[DeviceRow]) -> Result<String, CommandError> {
    let mut rights = rows.iter().filter(|row| row.uuid.as_str() == to).map(|row| row.revoked.as_ref());
    match rights.next() {
        Some(Some(since)) if rights.all(|revoked| revoked.is_some()) => {
            Err(CommandError::CutOff { device: to.to_owned(), since: since.clone() })
        }
        _ => Ok(to.to_owned()),
    }
}

/// The one device that the sender owns and that is not cut off.
fn only_device(rows: Vec<DeviceRow>, sender: &Login) -> Result<String, CommandError> {
    let mut uuids: Vec<_> = rows
        .into_iter()
        .filter(|row| row.revoked.is_none() && row.owner.as_deref() == Some(sender.uuid.as_str()))
        .map(|row| row.uuid.to_string())
        .collect();
    match uuids.len() {
        0 => Err(CommandError::NoDevice),
        1 => Ok(uuids.remove(0)),
        _ => Err(CommandError::SeveralDevices(uuids.join(", "))),
    }
}
