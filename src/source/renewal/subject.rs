//! What a renewal is about, whichever record holds it by now, and what is noted of it.

use super::records::Records;
use super::schedule::begin_life;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{
    Fingerprint, RenewalStage, StoreError, StoredRecord, StoredRefreshToken, StoredRenewal, Transaction, View,
};

/// What a renewal is about, as it was read: other records may hold the same by now.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The credentials that it was read from.
    pub(super) device: DeviceUuid,
    /// The refresh token, if there is one.
    pub(super) token: Option<Fingerprint>,
    /// The first record that held the access token.
    secret_since: u64,
}

/// Where the refresh token is now that a renewal is about.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) device: DeviceUuid,
    pub(super) record: StoredRecord,
    pub(super) renewal: StoredRenewal,
}

/// What is known of a refresh token, and of the secret that it renews.
pub(super) struct Noted<'a> {
    pub(super) refresh: &'a mut StoredRefreshToken,
    pub(super) renewal: &'a mut StoredRenewal,
    /// Whether the access token beside it is the one that was read, and none that a sign-in brought meanwhile.
    pub(super) is_beside_its_access_token: bool,
    pub(super) now: Timestamp,
}

/// What is to be noted, and by whom.
pub(super) struct Noting<F> {
    /// Who has to be at it; without one, whoever is.
    pub(super) holder: Option<String>,
    pub(super) now: Timestamp,
    pub(super) change: F,
}

impl Subject {
    /// What the record of this generation holds, of whose renewal this is known.
    pub(super) fn of(device: DeviceUuid, known: Option<&StoredRenewal>, generation: u64) -> Self {
        let known = known.filter(|known| known.generation == generation);
        let secret_since = known.map_or(generation, |known| known.secret_since);
        Self { device, token: None, secret_since }
    }

    /// The same, which this refresh token renews.
    pub(super) fn renewed_by(self, token: Option<Fingerprint>) -> Self {
        Self { token, ..self }
    }

    /// The newest record that holds the refresh token: of the credentials that it was read from, or of others in which somebody
    /// signed in since and brought it again.
    pub(super) fn place(&self, view: &View<'_>, records: &Records) -> Result<Option<Place>, StoreError> {
        let Some(token) = &self.token else { return Ok(None) };
        let others = view.renewed_by(token)?.into_iter().filter(|other| *other != self.device);
        for device in std::iter::once(self.device.clone()).chain(others) {
            let Some(record) = (records.current)(view, &device)? else { continue };
            let is_this = |known: &StoredRenewal| {
                let renews = known.refresh.as_ref().is_some_and(|known| known.token == *token);
                known.generation == record.generation && renews
            };
            if let Some(renewal) = view.renewal(&device)?.filter(is_this) {
                return Ok(Some(Place { device, record, renewal }));
            }
        }
        Ok(None)
    }

    /// Changes what is known of the refresh token, and of the secret of the record that holds it; `None` where none does, or
    /// somebody else is at it. What is known of the token itself stays known also where no record holds it.
    pub(super) fn note<T>(
        &self,
        transaction: &Transaction<'_>,
        records: &Records,
        noting: Noting<impl FnOnce(Noted<'_>) -> T>,
    ) -> Result<Option<T>, StoreError> {
        let place = self.place(transaction, records)?;
        let is_beside_its_access_token = place.as_ref().is_some_and(|place| self.is_where_it_was(place));
        let (device, renewal) = match place {
            Some(place) => (Some(place.device), Some(place.renewal)),
            None => (None, self.of_nobody(transaction)?),
        };
        let Noting { holder, now, change } = noting;
        let at_it = |renewal: &StoredRenewal| renewal.refresh.as_ref().map(|known| known.holder.clone());
        let is_at_it = |renewal: &StoredRenewal| holder.is_none() || at_it(renewal) == holder;
        let Some(mut renewal) = renewal.filter(is_at_it) else { return Ok(None) };
        // For what is spent another was given, whatever comes of it besides.
        let Some(mut refresh) = renewal.refresh.take().filter(|known| known.stage != RenewalStage::Spent)
        else {
            return Ok(None);
        };
        refresh.noted_at = now;
        let noted =
            change(Noted { refresh: &mut refresh, renewal: &mut renewal, is_beside_its_access_token, now });
        let Some(device) = device else {
            transaction.store_refresh_token(&refresh)?;
            return Ok(None);
        };
        transaction.store_renewal(&device, &StoredRenewal { refresh: Some(refresh), ..renewal })?;
        Ok(Some(noted))
    }

    /// Whether this is the access token that was read.
    fn is_where_it_was(&self, place: &Place) -> bool {
        place.device == self.device && place.renewal.secret_since == self.secret_since
    }

    /// What is known of a refresh token that no record holds, with the life of no secret.
    fn of_nobody(&self, view: &View<'_>) -> Result<Option<StoredRenewal>, StoreError> {
        let Some(token) = &self.token else { return Ok(None) };
        let known = view.refresh_token(token)?;
        Ok(known.map(|known| begin_life(0, known.noted_at, None, 0.0).renewed_by(Some(known))))
    }
}
