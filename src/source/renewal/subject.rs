//! What a renewal is about, whichever record holds it by now, and what is noted of it.

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
    pub(super) secret_since: u64,
}

/// The record that holds the refresh token now that a renewal is about.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) device: DeviceUuid,
    pub(super) record: StoredRecord,
    pub(super) renewal: StoredRenewal,
}

/// What is known of a refresh token, and of what it renews.
pub(super) struct Noted<'a> {
    pub(super) refresh: &'a mut StoredRefreshToken,
    pub(super) beside: Beside<'a>,
    pub(super) now: Timestamp,
}

/// What is known of the access token beside a refresh token.
pub(super) enum Beside<'a> {
    /// It is the one that was read.
    Same(&'a mut StoredRenewal),
    /// A sign-in brought it meanwhile.
    Another(&'a mut StoredRenewal),
    /// There is none: no record holds the refresh token.
    Nothing,
}

impl<'a> Beside<'a> {
    /// Whichever it is.
    pub(super) fn whichever(self) -> Option<&'a mut StoredRenewal> {
        match self {
            Self::Same(renewal) | Self::Another(renewal) => Some(renewal),
            Self::Nothing => None,
        }
    }
}

/// What is to be noted, and by whom.
pub(super) struct Noting<F> {
    /// Who has to be at it; without one, whoever is.
    pub(super) holder: Option<String>,
    pub(super) now: Timestamp,
    pub(super) change: F,
}

impl Subject {
    /// The newest record that holds the refresh token: of the credentials that it was read from, or of others in which somebody
    /// signed in since and brought it again.
    pub(super) fn holding(&self, view: &View<'_>) -> Result<Option<Holding>, StoreError> {
        let Some(token) = &self.token else { return Ok(None) };
        let others = view.renewed_by(token)?.into_iter().filter(|other| *other != self.device);
        for device in std::iter::once(self.device.clone()).chain(others) {
            let Some(record) = view.record(&device)? else { continue };
            let is_this = |known: &StoredRenewal| {
                let renews = known.refresh.as_ref().is_some_and(|known| known.token == *token);
                known.generation == record.generation && renews
            };
            if let Some(renewal) = view.renewal(&device)?.filter(is_this) {
                return Ok(Some(Holding { device, record, renewal }));
            }
        }
        Ok(None)
    }

    /// Changes what is known of the refresh token, and of the secret of the record that holds it; `None` where none does, or
    /// somebody else is at it. What is known of the token itself stays known also where no record holds it.
    pub(super) fn note<T>(
        &self,
        transaction: &Transaction<'_>,
        noting: Noting<impl FnOnce(Noted<'_>) -> T>,
    ) -> Result<Option<T>, StoreError> {
        let mut holding = self.holding(transaction)?;
        let known = match &mut holding {
            Some(holding) => holding.renewal.refresh.take(),
            None => self.token.map_or(Ok(None), |token| transaction.refresh_token(&token))?,
        };
        let Noting { holder, now, change } = noting;
        let is_at_it =
            |known: &StoredRefreshToken| holder.as_ref().is_none_or(|holder| known.holder == *holder);
        // For what is spent another was given, whatever comes of it besides.
        let is_to_be_noted =
            |known: &StoredRefreshToken| is_at_it(known) && known.stage != RenewalStage::Spent;
        let Some(mut refresh) = known.filter(is_to_be_noted) else { return Ok(None) };
        (refresh.noted, refresh.noted_at) = (transaction.next_moment()?, now);
        let Some(mut holding) = holding else {
            change(Noted { refresh: &mut refresh, beside: Beside::Nothing, now });
            transaction.store_refresh_token(&refresh)?;
            return Ok(None);
        };
        let is_same = holding.device == self.device && holding.renewal.secret_since == self.secret_since;
        let beside = if is_same { Beside::Same } else { Beside::Another };
        let noted = change(Noted { refresh: &mut refresh, beside: beside(&mut holding.renewal), now });
        let renewal = StoredRenewal { refresh: Some(refresh), ..holding.renewal };
        transaction.store_renewal(&holding.device, &renewal)?;
        Ok(Some(noted))
    }
}
