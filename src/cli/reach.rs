//! One way to a data directory: through the gateway that has it, or, with none running, by having it oneself.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::operation::{Addresses, Answer, Operation};
use super::perform::Holder;
use super::{CommandError, socket};
use crate::config::{BusKind, Config};
use crate::gateway::{Ambient, Gateway, GatewayError, url_of};
use crate::store::StoreError;

/// How often a directory is tried that another process has without answering: it starts, ends, or is a command such
/// as this one.
const ATTEMPTS: u32 = 40;
const BETWEEN: Duration = Duration::from_millis(50);

/// What the operation answers, whoever has the data directory.
///
/// # Errors
/// [`CommandError`]: the operation's own, or those of opening the data directory.
pub(super) async fn perform<T: DeserializeOwned>(
    config: &Config,
    operation: Operation,
) -> Result<T, CommandError> {
    let mut attempt = 0;
    loop {
        if let Some(answer) = ask(&config.data_dir, &operation).await? {
            return read(answer);
        }
        if is_nothing_there(config) && !operation.may_begin() {
            // Nothing is made where a path was mistyped.
            return Err(CommandError::NothingThere(config.data_dir.clone()));
        }
        match Gateway::open(config.clone(), Ambient::system()).await {
            Ok(gateway) => {
                let holder = Holder { gateway, addresses: of_settings(config), links: None };
                return read(holder.perform(operation).await);
            }
            Err(GatewayError::Store(StoreError::InUse(_))) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Whether no gateway was ever in the data directory. One on a bus elsewhere finds its credentials there, wherever it
/// keeps what is its own.
fn is_nothing_there(config: &Config) -> bool {
    config.bus.kind == BusKind::Embedded && !config.data_dir.join("endo.db").exists()
}

/// What the gateway that runs answers.
///
/// # Errors
/// [`CommandError::NotRunning`] when none does; else the operation's own.
pub(super) async fn ask_running<T: DeserializeOwned>(
    config: &Config,
    operation: Operation,
) -> Result<T, CommandError> {
    let answer = ask(&config.data_dir, &operation).await?;
    read(answer.ok_or_else(|| CommandError::NotRunning(config.data_dir.clone()))?)
}

/// Whether no gateway runs, also none that does not answer.
pub(super) async fn runs_nowhere(config: &Config) -> bool {
    matches!(ask(&config.data_dir, &Operation::Locate).await, Ok(None))
}

async fn ask(directory: &Path, operation: &Operation) -> Result<Option<Answer>, CommandError> {
    socket::ask(directory, operation).await.map_err(|cause| match cause.kind() {
        ErrorKind::TimedOut
        | ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe => match (directory.to_owned(), operation.shown_by()) {
            (directory, None) => CommandError::Silent { directory, cause },
            (directory, Some(look)) => CommandError::SilentAtWork { directory, look, cause },
        },
        _ => CommandError::Socket(cause),
    })
}

fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, CommandError> {
    serde_json::from_value(answer?).map_err(|_| CommandError::OtherVersion)
}

/// Where a gateway with these settings would be reached.
pub(super) fn of_settings(config: &Config) -> Addresses {
    let bus = match config.bus.kind {
        BusKind::Embedded => url_of(config.listen.bus),
        BusKind::Meshblu => config.bus.url.trim_end_matches('/').to_owned(),
    };
    Addresses { gateway: url_of(config.listen.gateway), bus }
}
