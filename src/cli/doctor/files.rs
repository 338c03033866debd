//! Whether what holds secrets is kept from other users of this machine.

use serde_json::Value;

use super::finding::{Change, Check};
use crate::cli::operation::OperationError;
use crate::cli::perform::failed;
use crate::config::Config;
use crate::gateway::{Exposed, exposed};

const NAME: &str = "files";
const WHY: &str = "whoever reads a private key opens what it sealed, and with a token or a client's secret acts as who has it; \
                   what others may have read already is better replaced";

/// Judges the modes of the data directory, and of the files that hold its keys, tokens and the secrets among the settings.
///
/// # Errors
/// [`OperationError`] where the data directory cannot be looked at.
pub(super) fn files(config: &Config) -> Result<Check, OperationError> {
    let open = exposed(config).map_err(failed)?;
    if open.is_empty() {
        return Ok(Check::well(NAME, "keys, tokens and settings with secrets are kept from other users"));
    }
    let named: Vec<_> = open.iter().map(ToString::to_string).collect();
    let wrong = format!("other users of this machine may use {}", named.join(", "));
    Ok(Check::wrong(NAME, wrong, WHY, Change::Close(open)))
}

/// Keeps others out of what is still open of these.
///
/// # Errors
/// [`OperationError`] where this user may not.
pub(super) fn close(these: &[Exposed], config: &Config) -> Result<Value, OperationError> {
    let open = exposed(config).map_err(failed)?;
    open.iter().filter(|open| these.contains(open)).try_for_each(Exposed::close).map_err(failed)?;
    Ok(Value::Null)
}
