//! A record that is sealed anew around the same refresh token: what is known of that goes with it, and no renewal minds.

use super::records::Records;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRecord, StoredRenewal, Transaction, View};

/// Begins the `life` of a secret that a sign-in brought without a refresh token, so that the one before goes on with all that
/// is known of it: what a renewal brings that is under way goes into the new record, and what was sent too often already is
/// not sent again for it. To be called in the transaction that stores that record.
///
/// # Errors
/// What the database reports.
pub fn take_over(
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    life: StoredRenewal,
) -> Result<(), StoreError> {
    let is_before = |known: &StoredRenewal| known.generation + 1 == life.generation;
    let Some(known) = transaction.renewal(device)?.filter(is_before) else {
        return transaction.store_renewal(device, &life);
    };
    let StoredRenewal { generation, expires_at, renew_at, .. } = life;
    let life = StoredRenewal { generation, expires_at, renew_at, renewed_at: None, ..known };
    transaction.store_renewal(device, &life)
}

/// A secret as it was read. Other records may hold its refresh token by now.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    pub(super) device: DeviceUuid,
    /// The first record that held its refresh token.
    refresh_since: u64,
    /// The record that was read.
    generation: u64,
}

/// The newest record, and how far the renewal of its secret is.
pub(super) struct Newest {
    pub(super) record: StoredRecord,
    pub(super) renewal: StoredRenewal,
}

impl Secret {
    /// That of the record of this generation, of whose renewal this is known.
    pub(super) fn of(device: DeviceUuid, known: Option<&StoredRenewal>, generation: u64) -> Self {
        let known = known.filter(|known| known.generation == generation);
        Self { device, refresh_since: known.map_or(generation, |known| known.refresh_since), generation }
    }

    /// Whether the record of which this is known is the one that was read: it holds its access token, too.
    pub(super) fn is_whole(&self, known: &StoredRenewal) -> bool {
        known.generation == self.generation
    }

    /// The newest record, if it holds this refresh token, that was read or a newer one.
    pub(super) fn newest(&self, view: &View<'_>, records: &Records) -> Result<Option<Newest>, StoreError> {
        let Some(record) = (records.current)(view, &self.device)? else { return Ok(None) };
        let is_this = |known: &StoredRenewal| {
            known.generation == record.generation && known.refresh_since == self.refresh_since
        };
        let renewal = view.renewal(&self.device)?.filter(is_this);
        Ok(renewal.map(|renewal| Newest { record, renewal }))
    }
}

/// What a renewal brought, sealed like the record of generation `old`, with the life that begins with it.
#[derive(Clone, Debug)]
pub(super) struct Brought {
    pub(super) old: u64,
    pub(super) record: StoredRecord,
    pub(super) renewal: StoredRenewal,
    pub(super) asked_at: Timestamp,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Kept {
    Stored,
    /// It is nobody's: there is another refresh token by now, or none.
    Stranded,
    /// Not yet: the old refresh token is in this record by now.
    SealedAnew(StoredRecord),
}

impl Brought {
    /// Puts it in the place of `secret`.
    pub(super) fn store(
        &self,
        transaction: &Transaction<'_>,
        records: &Records,
        secret: &Secret,
    ) -> Result<Kept, StoreError> {
        let device = &secret.device;
        let is_stored = match secret.newest(transaction, records)? {
            Some(newest) if newest.record.generation != self.old => {
                return Ok(Kept::SealedAnew(newest.record));
            }
            newest => newest.is_some() && transaction.store_record(device, &self.record)?,
        };
        if !is_stored {
            (records.strand)(transaction, device, (&self.record, self.asked_at))?;
            return Ok(Kept::Stranded);
        }
        transaction.store_renewal(device, &self.renewal)?;
        (records.project)(transaction, device, &self.record)?;
        Ok(Kept::Stored)
    }
}
