//! Who may do what next, decided in one transaction from what is on disk.

use std::time::Duration;

use super::clients::CameBy;
use super::demand::{Demand, Renewed};
use super::judgement::{LONGEST_REST, NO_REFRESH_TOKEN, is_fruitless, is_held, refuse, why_it_is_over};
use super::schedule::is_due;
use super::sign_ins::named;
use super::subject::Subject;
use crate::ambient::Timestamp;
use crate::store::{Moment, RenewalStage, StoreError, StoredRefreshToken, StoredRenewal, Transaction, View};

/// What a process that wants a renewal finds.
#[derive(Debug)]
pub(super) enum Claim {
    /// Nothing is to be done.
    Done(Renewed),
    /// The record is not the one that was read: read again.
    Moved,
    /// Somebody else is at it.
    Held,
    /// The last try failed a moment ago.
    Resting,
    /// The refresh token came by another client of the API.
    OtherClient,
    /// The API refuses what was renewed a moment ago.
    Fruitless,
    /// Nothing can be done any more.
    Dead(&'static str),
    /// The refresh token may be sent: that it will be is on disk with this.
    Spend,
    /// The refresh token was sent by somebody who never said what became of it.
    Doubt,
}

/// Who claims, and what for.
#[derive(Clone, Debug)]
pub(super) struct Claimant {
    /// What is to be renewed.
    pub(super) subject: Subject,
    pub(super) demand: Demand,
    /// Of the record that was read.
    pub(super) generation: u64,
    /// By which client of the API that came, where the record says.
    pub(super) came_by: Option<String>,
    pub(super) holder: String,
    pub(super) now: Timestamp,
    pub(super) lease: Duration,
    /// As which client the provider knows the gateway.
    pub(super) client: String,
}

impl Claimant {
    /// Decides, and notes what was decided.
    pub(super) fn claim(&self, transaction: &Transaction<'_>) -> Result<Claim, StoreError> {
        let device = &self.subject.device;
        if transaction.record(device)?.map(|newest| newest.generation) != Some(self.generation) {
            return Ok(Claim::Moved);
        }
        let known = transaction.renewal(device)?;
        let before = known.clone();
        let known = known.filter(|known| known.generation == self.generation);
        let renewal = known.unwrap_or_else(|| StoredRenewal::of_unknown_life(self.generation));
        let mut renewal = self.with_its_refresh_token(transaction, renewal)?;
        let claim = match self.without_work(&renewal) {
            Some(Claim::Dead(reason)) => {
                self.note_rejection(&mut renewal);
                Claim::Dead(reason)
            }
            Some(claim) => claim,
            None if self.is_another_client_s(transaction, &renewal)? => self.leave_alone(&mut renewal),
            None => self.work(&mut renewal, transaction.next_moment()?),
        };
        if before.as_ref() != Some(&renewal) {
            transaction.store_renewal(device, &renewal)?;
        }
        Ok(claim)
    }

    /// With what is known of the refresh token that the record holds: other credentials may hold it, too, or have held it.
    fn with_its_refresh_token(
        &self,
        view: &View<'_>,
        renewal: StoredRenewal,
    ) -> Result<StoredRenewal, StoreError> {
        let Some(token) = self.subject.token else { return Ok(StoredRenewal { refresh: None, ..renewal }) };
        if renewal.refresh.as_ref().is_some_and(|known| known.token == token) {
            return Ok(renewal);
        }
        let refresh = match view.refresh_token(&token)? {
            Some(refresh) => refresh,
            None => StoredRefreshToken { noted_at: self.now, ..named(token, Some(&renewal)) },
        };
        Ok(StoredRenewal { refresh: Some(refresh), ..renewal })
    }

    fn without_work(&self, renewal: &StoredRenewal) -> Option<Claim> {
        match self.demand {
            demand if demand.tried().is_some_and(|tried| renewal.secret_since > tried) => {
                return Some(Claim::Done(Renewed::Newer));
            }
            Demand::Due if self.subject.token.is_none() => return Some(Claim::Done(Renewed::NotDue)),
            _ => {}
        }
        if let Some(reason) = why_it_is_over(renewal, true) {
            return Some(Claim::Dead(reason));
        }
        match self.demand {
            demand if demand.tried().is_some() && is_fruitless(renewal, self.now) => {
                return Some(Claim::Fruitless);
            }
            Demand::Due if !is_due(renewal, self.now) => return Some(Claim::Done(Renewed::NotDue)),
            _ => {}
        }
        let refresh = renewal.refresh.as_ref()?;
        if refresh.holder != self.holder && is_held(refresh, self.now) {
            return Some(Claim::Held);
        }
        rests(refresh, self.now).then_some(Claim::Resting)
    }

    fn is_another_client_s(&self, view: &View<'_>, renewal: &StoredRenewal) -> Result<bool, StoreError> {
        let Some(refresh) = &renewal.refresh else { return Ok(false) };
        CameBy { noted: self.came_by.as_deref(), since: refresh.line_since }.another(view, &self.client)
    }

    /// Nobody else is kept waiting by what cannot be renewed until the settings are others.
    fn leave_alone(&self, renewal: &mut StoredRenewal) -> Claim {
        match self.demand {
            Demand::Due => renewal.renew_at = Some(self.now.plus(LONGEST_REST)),
            Demand::Rejected(_) if self.demand.is_rejected() => refuse(renewal, self.now),
            Demand::Rejected(_) => {}
        }
        Claim::OtherClient
    }

    /// What the API refuses and nothing renews is over.
    fn note_rejection(&self, renewal: &mut StoredRenewal) {
        if self.demand.is_rejected() {
            refuse(renewal, self.now);
        }
        renewal.renew_at = None;
    }

    fn work(&self, renewal: &mut StoredRenewal, moment: Moment) -> Claim {
        let Some(refresh) = &mut renewal.refresh else {
            self.note_rejection(renewal);
            return Claim::Dead(NO_REFRESH_TOKEN);
        };
        refresh.holder.clone_from(&self.holder);
        refresh.held_until = self.now.plus(self.lease);
        (refresh.noted, refresh.noted_at) = (moment, self.now);
        if refresh.stage == RenewalStage::Idle {
            begin_to_send(refresh);
            return Claim::Spend;
        }
        refresh.stage = RenewalStage::InDoubt;
        Claim::Doubt
    }
}

/// It is about to be sent, since it was noted last.
pub(super) fn begin_to_send(refresh: &mut StoredRefreshToken) {
    if refresh.stage == RenewalStage::Idle && !refresh.is_lost {
        refresh.first_sent = refresh.noted;
    }
    refresh.stage = RenewalStage::Sending;
    refresh.sent += 1;
}

/// Whether nobody is to try again yet. A rest that is longer than any was made before the clock was set back.
pub(super) fn rests(refresh: &StoredRefreshToken, now: Timestamp) -> bool {
    let rest = refresh.rest_until.since(now);
    !rest.is_zero() && rest <= LONGEST_REST
}
