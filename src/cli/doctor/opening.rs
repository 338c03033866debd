//! What keeps a gateway from being opened at all, as findings, and what can be looked at and mended all the same.

use serde_json::Value;

use super::examine::{IDENTITY, IDENTITY_WHY, KEY, Scene};
use super::files::{close, files};
use super::finding::{Change, Check};
use super::mend::on_the_bus;
use crate::ambient::Ambient;
use crate::bus::Bus;
use crate::cli::error::sentence;
use crate::cli::{CommandError, reach};
use crate::config::Config;
use crate::gateway::{Gateway, GatewayError};

const KEY_WHY: &str = "without the key that sealed them no stored credentials can be opened";

/// The check that found why, and those that can be made all the same: a key that is missing or no good keeps nobody from asking
/// the bus.
///
/// # Errors
/// The error itself where that is none of the doctor's matters.
pub(super) async fn examined(error: CommandError, config: &Config) -> Result<Vec<Check>, CommandError> {
    let is_keyless = is_keyless(&error);
    let first = finding(error)?;
    if !is_keyless {
        return Ok(vec![first]);
    }
    let others = match bus(config).await {
        Ok(bus) => {
            let (gateway, now) = (reach::of_settings(config).gateway, Ambient::system().clock.now());
            Scene { bus: &bus, config, gateway: &gateway, now }.examined().await?
        }
        Err(error) => vec![finding(error)?],
    };
    Ok([first, files(config)?].into_iter().chain(others).collect())
}

/// Makes the change where a missing key alone is in the way.
///
/// # Errors
/// The error itself where something else is, else what the bus says.
pub(super) async fn mended(
    error: CommandError,
    change: Change,
    config: &Config,
) -> Result<Value, CommandError> {
    if !is_keyless(&error) {
        return Err(error);
    }
    if let Change::Close(these) = &change {
        return Ok(close(these, config)?);
    }
    Ok(on_the_bus(&bus(config).await?, change).await?)
}

async fn bus(config: &Config) -> Result<Bus, CommandError> {
    Ok(Gateway::bus_alone(config, &Ambient::system()).await?)
}

fn is_keyless(error: &CommandError) -> bool {
    matches!(error, CommandError::Gateway(cause) if is_of_key(cause))
}

fn is_of_key(cause: &GatewayError) -> bool {
    matches!(
        cause,
        GatewayError::NoImportedKey(_)
            | GatewayError::ImportedKey(_)
            | GatewayError::Key { .. }
            | GatewayError::NoKey { .. }
            | GatewayError::OtherKey { .. }
    )
}

/// The check that found why; the error itself where that is none of the doctor's matters.
pub(super) fn finding(error: CommandError) -> Result<Check, CommandError> {
    let CommandError::Gateway(cause) = &error else { return Err(error) };
    let (name, why, change) = match cause {
        GatewayError::NoService { .. } => (
            IDENTITY,
            IDENTITY_WHY,
            "register a device on the Meshblu: {\"type\": \"device:oauth\", \"discoverWhitelist\": [\"*\"], \
             \"configureWhitelist\": [YOUR UUID], \"owner\": YOUR UUID}; then set bus.uuid and bus.token to what it \
             answers. The doctor registers none: whose it is, and where its token is kept, is for you to say",
        ),
        GatewayError::Url { .. } => {
            (IDENTITY, IDENTITY_WHY, "set bus.url to where the Meshblu's HTTP API is")
        }
        GatewayError::NoImportedKey(_) => (
            KEY,
            KEY_WHY,
            "put the service's own key there, with 2048 to 4096 bits; a weaker one cannot be used. The doctor makes none, \
             which would open nothing that is stored; for a service that has nothing stored yet, \
             `openssl genrsa -out records.pem 2048` in the data directory does",
        ),
        cause if is_of_key(cause) => (
            KEY,
            KEY_WHY,
            "put the service's own key there, with 2048 to 4096 bits; a weaker one cannot be used",
        ),
        _ => return Err(error),
    };
    Ok(Check::wrong(name, sentence(cause), why, Change::operator(change)))
}
