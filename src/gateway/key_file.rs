//! The private keys of records in the data directory: one is made on the first start, others when they are rotated.

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
/// Remembers which key seals the records of the data directory.
pub(super) const KEY_ID: &str = "vault.kid";
/// The name of the first key.
const FIRST: &str = "records.pem";
/// How the names of keys begin that came after the first.
const LATER: &str = "records-";

/// The ring with the key of the settings, or the directory's, and those that came after it; the one that the store
/// remembers seals, and where nothing was sealed, another may take its place. Makes one where the directory is new and the
/// bus is this program's own.
///
/// # Errors
/// [`GatewayError::NoKey`] or [`GatewayError::OtherKey`] when the key is not there that seals what the store has,
/// [`GatewayError::Key`] when the file holds none; [`GatewayError::NoImportedKey`] when there is none for a Meshblu; [`GatewayError::NoDatabase`] when the store is
/// new and the first owner is not.
pub(super) async fn key_ring(
    config: &Config,
    store: &Store,
    random: &Random,
) -> Result<KeyRing, GatewayError> {
    let directory = &config.data_dir;
    let path = directory.join(FIRST);
    let known = store.read::<_, StoreError, _>(|view| view.fact(KEY_ID)).await?;
    // The first owner's file is the last that a first start makes.
    if known.is_none() && FirstOwner::read(directory)?.is_some() {
        return Err(GatewayError::NoDatabase(directory.clone()));
    }
    let usual = match &config.records.private_key {
        Some(text) => Some(PrivateKey::parse(text.expose(), random).map_err(GatewayError::ImportedKey)?),
        None => read(&path, random)?,
    };
    let mut keys: Vec<_> = usual.into_iter().chain(others(directory, random)?).collect();
    let is_known = |key: &PrivateKey| known.as_deref() == Some(key.kid().as_bytes());
    let key = match (keys.iter().position(is_known), &known) {
        (Some(first), _) => keys.swap_remove(first),
        (None, Some(kid)) if store.read::<_, StoreError, _>(|view| view.holds_sealed()).await? => {
            return Err(without_key(config, kid));
        }
        (None, _) if !keys.is_empty() => keys.swap_remove(0),
        (None, _) if config.bus.kind == BusKind::Meshblu => return Err(GatewayError::NoImportedKey(path)),
        (None, _) => make(&path, random)?,
    };
    if !is_known(&key) {
        let kid = key.kid().to_owned();
        let remember = move |transaction: &Transaction<'_>| transaction.remember_fact(KEY_ID, kid.as_bytes());
        store.write::<_, StoreError, _>(remember).await?;
    }
    Ok(KeyRing::new(key, keys))
}

fn without_key(config: &Config, kid: &[u8]) -> GatewayError {
    let (kid, directory) = (String::from_utf8_lossy(kid).into_owned(), config.data_dir.clone());
    match config.records.private_key {
        Some(_) => GatewayError::OtherKey { kid, directory },
        None => GatewayError::NoKey { kid, directory },
    }
}

/// The keys that came after the first, in the order of their names.
fn others(directory: &Path, random: &Random) -> Result<Vec<PrivateKey>, GatewayError> {
    let failed = |cause| GatewayError::File { path: directory.to_owned(), cause };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name.to_str().is_some_and(came_later) {
            paths.push(directory.join(name));
        }
    }
    paths.sort();
    paths.iter().filter_map(|path| read(path, random).transpose()).collect()
}

fn came_later(name: &str) -> bool {
    name.starts_with(LATER) && name.ends_with(".pem")
}

/// Whether a file of this name is a private key of records.
pub(super) fn is_key(name: &str) -> bool {
    name == FIRST || came_later(name)
}

/// A new key, in nobody's ring yet. Takes a second or so.
pub(super) fn new_key(directory: &Path, random: &Random) -> Result<PrivateKey, GatewayError> {
    let failed = |cause| GatewayError::Key { path: directory.to_owned(), cause };
    PrivateKey::generate(BITS, random).map_err(failed)
}

/// Puts a key that came after the first into the directory, under its own name.
pub(super) fn write_key(directory: &Path, key: PrivateKey) -> Result<PrivateKey, GatewayError> {
    let path = directory.join(format!("{LATER}{}.pem", key.kid()));
    write_secret(&path, &key.to_pem())?;
    Ok(key.kept_in(path))
}

/// The key in the file, if it is there.
fn read(path: &Path, random: &Random) -> Result<Option<PrivateKey>, GatewayError> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let key = PrivateKey::parse(&text, random);
            key.map(|key| Some(key.kept_in(path.to_owned())))
                .map_err(|cause| GatewayError::Key { path: path.to_owned(), cause })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(GatewayError::File { path: path.to_owned(), cause }),
    }
}

fn make(path: &Path, random: &Random) -> Result<PrivateKey, GatewayError> {
    let key = PrivateKey::generate(BITS, random)
        .map_err(|cause| GatewayError::Key { path: path.to_owned(), cause })?;
    write_secret(path, &key.to_pem())?;
    Ok(key.kept_in(path.to_owned()))
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
