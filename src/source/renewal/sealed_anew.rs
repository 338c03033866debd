//! A record that is sealed anew around the same refresh token: what is known of that goes with it, and no renewal minds.

use super::records::Records;
use super::schedule::begin_life;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRecord, StoredRenewal, Transaction, View};
use crate::vault::SecretText;

/// Whether the refresh token `before`, of which this is known, renews the secret of a sign-in too: that brought none, or the
/// same. One that is over does not; where an API gives it again all the same, it may take it again.
pub fn goes_on(before: &SecretText, brought: Option<&SecretText>, known: Option<&StoredRenewal>) -> bool {
    let is_it = |brought: &SecretText| before.is(brought.expose());
    brought.is_none_or(is_it) && known.is_none_or(StoredRenewal::is_renewable)
}

/// Begins the `life` of a secret that a sign-in brought without another refresh token, so that the one before goes on with
/// all that is known of it: what a renewal brings that is under way goes into the new record, and what was sent too often
/// already is not sent again for it. To be called in the transaction that stores that record.
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
    let StoredRenewal { generation, secret_since, expires_at, renew_at, .. } = life;
    let life = StoredRenewal { generation, secret_since, expires_at, renew_at, renewed_at: None, ..known };
    transaction.store_renewal(device, &life)
}

/// Has what is known of the secret in the record of generation `before` speak of the one of generation `after`, which holds
/// the same: how far its renewal is, how often its refresh token was sent, and who is at it, also where nobody knows what
/// came of that. To be called in the transaction that stores that record.
///
/// # Errors
/// What the database reports.
pub fn carry_over(
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    before: u64,
    after: u64,
) -> Result<(), StoreError> {
    let known = transaction.renewal(device)?.filter(|known| known.generation == before);
    let known = known.unwrap_or_else(|| begin_life(before, Timestamp::from_millis(0), None, 0.0));
    transaction.store_renewal(device, &StoredRenewal { generation: after, ..known })
}

/// What a renewal is about, as it was read: newer records may hold the same by now.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) device: DeviceUuid,
    /// The first record that held the refresh token.
    refresh_since: u64,
    /// The first record that held the access token.
    secret_since: u64,
}

/// The newest record, and how far the renewal of its secret is.
pub(super) struct Newest {
    pub(super) record: StoredRecord,
    pub(super) renewal: StoredRenewal,
}

impl Subject {
    /// What the record of this generation holds, of whose renewal this is known.
    pub(super) fn of(device: DeviceUuid, known: Option<&StoredRenewal>, generation: u64) -> Self {
        let known = known.filter(|known| known.generation == generation);
        let (refresh_since, secret_since) =
            known.map_or((generation, generation), |known| (known.refresh_since, known.secret_since));
        Self { device, refresh_since, secret_since }
    }

    /// Whether the record of which this is known holds the access token that was read.
    pub(super) fn has_its_access_token(&self, known: &StoredRenewal) -> bool {
        known.secret_since == self.secret_since
    }

    /// The newest record, if it holds the refresh token that was read.
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
    /// Puts it in the place of `subject`.
    pub(super) fn store(
        &self,
        transaction: &Transaction<'_>,
        records: &Records,
        subject: &Subject,
    ) -> Result<Kept, StoreError> {
        let device = &subject.device;
        let is_stored = match subject.newest(transaction, records)? {
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
