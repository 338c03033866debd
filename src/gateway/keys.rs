//! The keys of records over time: a newer one seals, and records move to it.

use std::path::{Path, PathBuf};

use super::key_file::{KEY_ID, new_key, write_key};
use super::{Gateway, GatewayError};
use crate::config::{BusKind, Config};
use crate::store::{Store, StoreError, Transaction};

/// Remembers that records were moved to format 2, so that the setting that is left open means that from then on.
const FORMAT: &str = "records.format";
const TWO: &[u8] = b"2";

/// Whether records were moved to format 2 here.
pub(super) async fn was_migrated(store: &Store) -> Result<bool, StoreError> {
    let format = store.read::<_, StoreError, _>(|view| view.fact(FORMAT)).await?;
    Ok(format.as_deref() == Some(TWO))
}

/// Whether records may become format 2, as far as the settings say.
fn may_write_format_2(config: &Config) -> bool {
    config.records.write != Some(1)
}

impl Gateway {
    /// Makes a new key, which seals from now on; the others still open. Answers its name.
    ///
    /// # Errors
    /// [`GatewayError`] where the key cannot be written; then nothing changed.
    pub async fn rotate_key(&self) -> Result<String, GatewayError> {
        let (directory, random) = (self.config.data_dir.clone(), self.ambient.random.clone());
        let make = move || {
            let key = new_key(&directory, &random)?;
            write_key(&directory, key)
        };
        let key = tokio::task::spawn_blocking(make).await.expect("keys are made without a panic")?;
        let kid = key.kid().to_owned();
        let remember = {
            let kid = kid.clone();
            move |transaction: &Transaction<'_>| transaction.remember_fact(KEY_ID, kid.as_bytes())
        };
        self.store.write::<_, StoreError, _>(remember).await?;
        self.vault.put_first(key);
        Ok(kid)
    }

    /// The file of a key of the ring; `None` where a setting holds the key.
    pub fn key_file(&self, kid: &str) -> Option<PathBuf> {
        self.vault.ring().keys().find(|key| key.kid() == kid)?.file().map(Path::to_owned)
    }

    /// Has records be written in format 2 from now on, also after a restart.
    ///
    /// # Errors
    /// [`GatewayError::FormatIsSet`] where the settings want format 1.
    pub async fn begin_migration(&self) -> Result<(), GatewayError> {
        if !may_write_format_2(&self.config) {
            return Err(GatewayError::FormatIsSet);
        }
        if self.config.bus.kind == BusKind::Meshblu && !was_migrated(&self.store).await? {
            let remember = |transaction: &Transaction<'_>| transaction.remember_fact(FORMAT, TWO);
            self.store.write::<_, StoreError, _>(remember).await?;
        }
        self.credentials.write_format_2();
        Ok(())
    }
}
