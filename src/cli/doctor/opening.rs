//! What keeps a gateway from being opened at all, as findings.

use super::examine::{IDENTITY, IDENTITY_WHY, KEY};
use super::finding::{Change, Check};
use crate::cli::CommandError;
use crate::cli::error::sentence;
use crate::gateway::GatewayError;

const KEY_WHY: &str = "without the key that sealed them no stored credentials can be opened";

/// The check that found why; the error itself where that is none of the doctor's matters.
pub(super) fn finding(error: CommandError) -> Result<Check, CommandError> {
    let CommandError::Gateway(cause) = &error else { return Err(error) };
    let (name, why, change) = match cause {
        GatewayError::NoService { .. } => (
            IDENTITY,
            IDENTITY_WHY,
            "register a device on the Meshblu: {\"type\": \"device:oauth\", \"discoverWhitelist\": [\"*\"], \
             \"configureWhitelist\": [YOUR UUID], \"owner\": YOUR UUID}; then set bus.uuid and bus.token to what it \
             answers",
        ),
        GatewayError::Url { .. } => {
            (IDENTITY, IDENTITY_WHY, "set bus.url to where the Meshblu's HTTP API is")
        }
        GatewayError::NoImportedKey(_)
        | GatewayError::ImportedKey(_)
        | GatewayError::Key { .. }
        | GatewayError::NoKey { .. } => (
            KEY,
            KEY_WHY,
            "put the service's own key there, with 2048 to 4096 bits; a weaker one cannot be used",
        ),
        _ => return Err(error),
    };
    Ok(Check::wrong(name, sentence(cause), why, Change::operator(change)))
}
