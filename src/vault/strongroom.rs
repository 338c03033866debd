//! The vault itself: recalls, opens and seals records with the keys of its ring.

use std::sync::{Arc, PoisonError, RwLock};

use crate::ambient::{Random, Timestamp};
use crate::message::DeviceUuid;

use super::contents::{Contents, Format, SealError, Sealed};
use super::credentials::Credentials;
use super::key::PrivateKey;
use super::record::{RecordError, SealedRecord, SealedText};
use super::remembered::{RecordOf, RememberSettings, Remembered};
use super::ring::KeyRing;
use super::{format1, format2};

/// The keys of records and the memory of what they opened. Shared by all, behind an `Arc`.
#[derive(Debug)]
pub struct Vault {
    ring: RwLock<Arc<KeyRing>>,
    remembered: Remembered,
}

impl Vault {
    /// A vault with these keys, remembering nothing yet.
    pub fn new(ring: KeyRing, random: Random, remember: RememberSettings) -> Self {
        Self { ring: RwLock::new(Arc::new(ring)), remembered: Remembered::new(remember, random) }
    }

    /// The keys as they are now, the one that seals first.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on `key` seals; all others still open.
    pub fn put_first(&self, key: PrivateKey) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        *ring = Arc::new(ring.with_first(key));
    }

    /// The credentials of a record that was opened not long ago, if not a byte of it changed. Costs one
    /// AES-GCM open, no private-key operation: fit for async threads.
    pub fn recall(&self, device: &DeviceUuid, sealed: SealedText<'_>, now: Timestamp) -> Option<Credentials> {
        let opened = self.remembered.recall(RecordOf { device, sealed }, now)?;
        Credentials::read(&opened).ok()
    }

    /// Verifies, opens and remembers a record that was read from `device`. Costs milliseconds: call it on a
    /// blocking thread.
    ///
    /// # Errors
    /// [`RecordError`], whose texts are safe to log.
    pub fn open(
        &self,
        device: &DeviceUuid,
        sealed: SealedText<'_>,
        now: Timestamp,
    ) -> Result<Credentials, RecordError> {
        let opened = SealedRecord::read(device, sealed)?.open(&self.ring())?;
        let credentials = Credentials::read(&opened)?;
        self.remembered.keep(RecordOf { device, sealed }, &opened, now);
        Ok(credentials)
    }

    /// Remembers no more what this record opened to.
    pub fn forget(&self, device: &DeviceUuid, sealed: SealedText<'_>) {
        self.remembered.forget(RecordOf { device, sealed });
    }

    /// Seals contents for `device` with the first key. Costs milliseconds: call it on a blocking thread.
    ///
    /// # Errors
    /// [`SealError`]; nothing is signed then.
    pub fn seal(
        &self,
        device: &DeviceUuid,
        contents: &Contents,
        format: Format,
    ) -> Result<Sealed, SealError> {
        contents.check()?;
        let ring = self.ring();
        match format {
            Format::One => format1::seal(ring.first(), device, contents),
            Format::Two => format2::seal(ring.first(), device, contents),
        }
    }

    /// What `endo.authorizedKey` holds in records that this device may manage: one entry a key of the ring, the
    /// first key's first. Costs milliseconds a key.
    pub fn authorized_keys(&self, owner: &DeviceUuid) -> Vec<String> {
        self.ring().keys().map(|key| key.sign_value(&owner.as_str().into())).collect()
    }

    /// Private-key operations since the start: stories count by it that a warm message costs none.
    pub fn private_key_operations(&self) -> u64 {
        self.ring().keys().map(|key| key.operations()).sum()
    }
}
