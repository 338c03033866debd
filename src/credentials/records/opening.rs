//! Opens sealed records with the keys that are here: one of a device at a time, and of those that it brought along only so many
//! that do not open.

use std::sync::Arc;

use super::bad_records::{BadRecords, BroughtRecord};
use crate::ambient::Clock;
use crate::credentials::CredentialsError;
use crate::message::DeviceUuid;
use crate::queueing::Queues;
use crate::store::StoredRecord;
use crate::vault::{Credentials, SealedText, Vault};

/// Opens records.
#[derive(Debug)]
pub(in crate::credentials) struct Opener {
    vault: Arc<Vault>,
    clock: Clock,
    /// Who opens whose record with the private key just now.
    turns: Queues<DeviceUuid>,
    /// Records that did not open.
    bad_records: BadRecords,
}

impl Opener {
    /// Opens records by the keys of this vault.
    pub(in crate::credentials) fn new(vault: Arc<Vault>, clock: Clock) -> Self {
        Self { vault, clock, turns: Queues::default(), bad_records: BadRecords::default() }
    }

    /// Opens a record; those who want the same one while it is cold wait for whoever came first.
    pub(in crate::credentials) async fn open(
        self: &Arc<Self>,
        device: DeviceUuid,
        record: StoredRecord,
    ) -> Result<Credentials, CredentialsError> {
        let now = self.clock.now();
        if let Some(warm) = self.vault.recall(&device, text(&record), now) {
            return Ok(warm);
        }
        let _turn = self.turns.turn(&device).await;
        if let Some(warm) = self.vault.recall(&device, text(&record), now) {
            return Ok(warm);
        }
        let opener = Arc::clone(self);
        let opening = tokio::task::spawn_blocking(move || opener.open_cold(&device, &record));
        opening.await.map_err(|_| CredentialsError::Interrupted)?
    }

    /// Opens a record where the caller is. Costs milliseconds where it is cold: not for async threads.
    pub(in crate::credentials) fn open_now(
        &self,
        device: &DeviceUuid,
        record: &StoredRecord,
    ) -> Result<Credentials, CredentialsError> {
        let warm = self.vault.recall(device, text(record), self.clock.now());
        warm.map_or_else(|| self.open_cold(device, record), Ok)
    }

    /// Opens a record that nobody shall find opened afterwards.
    pub(in crate::credentials) async fn open_once(
        self: &Arc<Self>,
        device: DeviceUuid,
        record: StoredRecord,
    ) -> Result<Credentials, CredentialsError> {
        let opener = Arc::clone(self);
        let opening = tokio::task::spawn_blocking(move || opener.open_once_now(&device, &record));
        opening.await.map_err(|_| CredentialsError::Interrupted)?
    }

    /// The same where the caller is. Costs milliseconds: not for async threads.
    pub(in crate::credentials) fn open_once_now(
        &self,
        device: &DeviceUuid,
        record: &StoredRecord,
    ) -> Result<Credentials, CredentialsError> {
        let opened = self.open_cold(device, record);
        self.vault.forget(device, text(record));
        opened
    }

    /// Opens a record with the private key.
    fn open_cold(&self, device: &DeviceUuid, record: &StoredRecord) -> Result<Credentials, CredentialsError> {
        let now = self.clock.now();
        let open = || self.vault.open(device, text(record), now);
        match came_with_its_device(record) {
            true => self.bad_records.open(&BroughtRecord { device, record }, now, open),
            false => Ok(open()?),
        }
    }
}

/// What of a record is sealed.
pub(in crate::credentials) fn text(record: &StoredRecord) -> SealedText<'_> {
    SealedText { endo: &record.endo, signature: &record.signature }
}

/// Whether the record is the device's own, not one that was sealed here: those count from 1.
pub(in crate::credentials) fn came_with_its_device(record: &StoredRecord) -> bool {
    record.generation == 0
}
