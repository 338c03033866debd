//! Files of a directory that was in use, which are gone and are made anew: what that means for others is told.

use std::path::PathBuf;

use super::bus_keys::{OLD_FORM, RFC_9421};
use super::first_start::FILE as OWNER;
use super::handler_key::FILE as HANDLERS;
use super::key_file::KEY_ID;
use crate::config::{BusKind, Config};
use crate::store::{Store, StoreError};

const ON_WEBHOOKS: &str =
    "whoever checks webhooks by the public key of before refuses them until they read the new one";
/// What a start of a bus in this process makes, and what it means to those who knew the one before.
const OF_THE_BUS: [(&str, &str); 3] = [
    (OLD_FORM, ON_WEBHOOKS),
    (RFC_9421, ON_WEBHOOKS),
    (
        OWNER,
        "the first owner is another device, which owns nothing of what is kept, until they sign in at the API as the account \
         itself",
    ),
];
/// What every start makes.
const OF_EVERY_GATEWAY: [(&str, &str); 1] =
    [(HANDLERS, "external handlers refuse requests until they read the new handlers.pub.pem")];

/// A file that was there, and what it means that another takes its place.
pub(super) struct Lost {
    path: PathBuf,
    meaning: &'static str,
}

/// The files that are gone of a directory that was in use, as far as its database shows.
///
/// # Errors
/// What the database reports.
pub(super) async fn lost(config: &Config, store: &Store) -> Result<Vec<Lost>, StoreError> {
    let had_key = store.read::<_, StoreError, _>(|view| Ok(view.fact(KEY_ID)?.is_some())).await?;
    let had_bus = store.read::<_, StoreError, _>(|view| view.has_devices()).await?;
    let of_the_bus = OF_THE_BUS.iter().filter(|_| had_bus && config.bus.kind == BusKind::Embedded);
    let all = of_the_bus.chain(&OF_EVERY_GATEWAY).filter(|_| had_key);
    let files = all.map(|(name, meaning)| Lost { path: config.data_dir.join(name), meaning });
    Ok(files.filter(|file| !file.path.exists()).collect())
}

/// Tells the log of those, once others are there.
pub(super) fn warn(lost: &[Lost]) {
    for Lost { path, meaning } in lost {
        tracing::warn!(
            path = %path.display(),
            "the file was gone, and is made anew: {meaning}. To go on as before, stop the gateway and put the file back from a \
             backup"
        );
    }
}
