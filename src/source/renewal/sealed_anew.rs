//! A record that is sealed anew around the same refresh token: what is known of that goes with it, and no renewal minds.

use super::records::{CameTo, Outcome, Records};
use super::schedule::begin_life;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Spent, StoreError, StoredRecord, StoredRenewal, Transaction, View};
use crate::vault::SecretText;

/// Whether the refresh token `before`, of which this is known, renews the secret of a sign-in too: that brought none, or one
/// of the same line. One that is over does not; where an API gives it again all the same, it may take it again.
pub fn goes_on(before: &SecretText, brought: Option<&SecretText>, known: Option<&StoredRenewal>) -> bool {
    let is_of_line = |brought: &SecretText| is_of_line(before, brought, known);
    brought.is_none_or(is_of_line) && known.is_none_or(StoredRenewal::is_renewable)
}

/// Whether a sign-in brought the refresh token `before`, of which this is known, once more, or one that is over since another
/// was given for it (RFC 6749, 6): a sign-in may get that while it is renewed, and be kept only then.
pub fn is_of_line(before: &SecretText, brought: &SecretText, known: Option<&StoredRenewal>) -> bool {
    before.is(brought.expose()) || known.is_some_and(|known| known.spent.has(&brought.fingerprint()))
}

/// Begins the `life` of a secret that a sign-in brought with all that it needs. What was spent before stays known: another
/// sign-in that was given some of that may be kept only after this one. To be called in the transaction that stores the
/// record.
///
/// # Errors
/// What the database reports.
pub fn begin_anew(
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    life: StoredRenewal,
) -> Result<(), StoreError> {
    let spent = transaction.renewal(device)?.map(|known| known.spent).unwrap_or_default();
    transaction.store_renewal(device, &StoredRenewal { spent, ..life })
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

    /// How far the renewal of the newest record is, if that holds the refresh token that was read.
    pub(super) fn newest(
        &self,
        view: &View<'_>,
        records: &Records,
    ) -> Result<Option<StoredRenewal>, StoreError> {
        let Some(record) = (records.current)(view, &self.device)? else { return Ok(None) };
        let is_this = |known: &StoredRenewal| {
            known.generation == record.generation && known.refresh_since == self.refresh_since
        };
        Ok(view.renewal(&self.device)?.filter(is_this))
    }
}

/// What a renewal brought, sealed like the record of generation `old` of `device`, with the life that begins with it.
#[derive(Clone, Debug)]
pub(super) struct Brought {
    pub(super) device: DeviceUuid,
    /// The credentials that it was asked for; those of `device` may hold the same.
    pub(super) sent_for: DeviceUuid,
    pub(super) old: u64,
    pub(super) record: StoredRecord,
    pub(super) renewal: StoredRenewal,
    /// The fingerprint of the refresh token that was sent, where another was given for it.
    pub(super) spent: Option<[u8; 32]>,
    pub(super) asked_at: Timestamp,
    /// Whether it takes the place of that record.
    pub(super) is_its: bool,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Kept {
    Stored,
    /// It is nobody's: nothing is kept any more, or there is another refresh token by now.
    Stranded,
    /// Not yet: this is the newest record by now.
    Another(StoredRecord),
    /// Not yet: nothing is kept any more.
    Gone,
}

impl Brought {
    /// Puts it in the place of the record that it is sealed like.
    pub(super) fn store(&self, transaction: &Transaction<'_>, records: &Records) -> Result<Kept, StoreError> {
        let device = &self.device;
        match (records.current)(transaction, device)? {
            None => return Ok(Kept::Gone),
            Some(newest) if newest.generation != self.old => return Ok(Kept::Another(newest)),
            Some(_) if !transaction.store_record(device, &self.record)? => {
                return self.strand(transaction, records);
            }
            Some(_) => {}
        }
        let before = transaction.renewal(device)?.filter(|known| known.generation == self.old);
        let (spent, came_of) = before.map(|known| (known.spent, known.came_of)).unwrap_or_default();
        let and_this = |known: Spent| match self.spent {
            Some(spent) => known.and(spent),
            None => known,
        };
        let (spent, came_of) = (and_this(spent), and_this(came_of));
        transaction.store_renewal(device, &StoredRenewal { spent, came_of, ..self.renewal.clone() })?;
        (records.project)(transaction, device, &self.record)?;
        if self.sent_for != *device {
            let outcome = Outcome { asked_at: self.asked_at, came_to: CameTo::ElsewhereHeld };
            (records.came_to)(transaction, &self.sent_for, outcome)?;
        }
        Ok(Kept::Stored)
    }

    /// Leaves it to whoever ended what it was of, unless there is another record by now than the one of generation `old`.
    pub(super) fn strand(
        &self,
        transaction: &Transaction<'_>,
        records: &Records,
    ) -> Result<Kept, StoreError> {
        let device = &self.device;
        match (records.current)(transaction, device)? {
            Some(newest) if newest.generation != self.old => Ok(Kept::Another(newest)),
            _ => {
                (records.strand)(transaction, device, (&self.record, self.asked_at))?;
                self.note_spent(transaction, device)?;
                Ok(Kept::Stranded)
            }
        }
    }

    /// A sign-in that was given what was sent may be kept only after this.
    fn note_spent(&self, transaction: &Transaction<'_>, device: &DeviceUuid) -> Result<(), StoreError> {
        let Some((known, spent)) = transaction.renewal(device)?.zip(self.spent) else { return Ok(()) };
        let spent = known.spent.clone().and(spent);
        transaction.store_renewal(device, &StoredRenewal { spent, ..known })
    }
}
