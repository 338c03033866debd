//! The private key of records in the data directory: made on the first start, then the same for ever.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{FirstOwner, GatewayError};
use crate::ambient::Random;
use crate::config::{BusKind, Config};
use crate::store::{Store, StoreError, Transaction};
use crate::vault::{KeyRing, PrivateKey};

/// The size of a new key (RFC 7518 asks for at least as much).
const BITS: usize = 2048;
/// Remembers whose records the data directory holds.
const KEY_ID: &str = "vault.kid";

/// The ring with the key of the settings, else the directory's; makes one where the directory is new and the bus is
/// this program's own.
///
/// # Errors
/// [`GatewayError::WrongKey`] when the store was used with another key, [`GatewayError::NoKey`] when that is gone,
/// [`GatewayError::Key`] when the file holds none; [`GatewayError::NoImportedKey`] when there is none for a Meshblu;
/// [`GatewayError::NoDatabase`] when the store is new and the first owner is not.
pub(super) async fn key_ring(
    config: &Config,
    store: &Store,
    random: &Random,
) -> Result<KeyRing, GatewayError> {
    let directory = &config.data_dir;
    let path = directory.join("records.pem");
    let known = store.read::<_, StoreError, _>(|view| view.fact(KEY_ID)).await?;
    // The first owner's file is the last that a first start makes.
    if known.is_none() && FirstOwner::read(directory)?.is_some() {
        return Err(GatewayError::NoDatabase(directory.clone()));
    }
    let key = match &config.records.private_key {
        Some(text) => PrivateKey::parse(text.expose()).map_err(GatewayError::ImportedKey)?,
        None => match read(&path)? {
            Some(key) => key,
            None if known.is_some() => return Err(GatewayError::NoKey(path)),
            None if config.bus.kind == BusKind::Meshblu => return Err(GatewayError::NoImportedKey(path)),
            None => make(&path, random)?,
        },
    };
    match known {
        Some(kid) if kid != key.kid().as_bytes() => return Err(GatewayError::WrongKey(path)),
        Some(_) => {}
        None => {
            let kid = key.kid().to_owned();
            let remember =
                move |transaction: &Transaction<'_>| transaction.remember_fact(KEY_ID, kid.as_bytes());
            store.write::<_, StoreError, _>(remember).await?;
        }
    }
    Ok(KeyRing::new(key, Vec::new()))
}

/// The key in the file, if it is there.
fn read(path: &Path) -> Result<Option<PrivateKey>, GatewayError> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let key = PrivateKey::parse(&text);
            key.map(Some).map_err(|cause| GatewayError::Key { path: path.to_owned(), cause })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(GatewayError::File { path: path.to_owned(), cause }),
    }
}

fn make(path: &Path, random: &Random) -> Result<PrivateKey, GatewayError> {
    let key = PrivateKey::generate(BITS, random)
        .map_err(|cause| GatewayError::Key { path: path.to_owned(), cause })?;
    write_secret(path, &key.to_pem())?;
    Ok(key)
}

/// Writes a file that only its owner may read; either all of it is there, or none.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), GatewayError> {
    let partial: PathBuf = path.with_extension("new");
    let failed = |cause| GatewayError::File { path: path.to_owned(), cause };
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&partial).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&partial, path).map_err(failed)?;
    let directory = path.parent().map(std::fs::File::open).transpose().map_err(failed)?;
    directory.map_or(Ok(()), |directory| directory.sync_all()).map_err(failed)
}
