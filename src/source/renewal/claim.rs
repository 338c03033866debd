//! Who may do what next, decided in one transaction from what is on disk.

use std::time::Duration;

use super::demand::{Demand, Renewed};
use super::judgement::{LONGEST_REST, is_fruitless, refuse};
use super::schedule::{begin_life, is_due};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{RenewalStage, StoreError, StoredRenewal, Transaction};

/// A credential that was refused and has nothing to renew it with.
pub(super) const NO_REFRESH_TOKEN: &str = "the API refused the secret, and there is no refresh token";

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
    /// The API refuses what was renewed a moment ago.
    Fruitless,
    /// Nothing can be done any more.
    Dead(String),
    /// The refresh token may be sent: that it will be is on disk with this.
    Spend,
    /// The refresh token was sent by somebody who never said what became of it.
    Doubt,
}

/// Who claims, and what for.
#[derive(Clone, Debug)]
pub(super) struct Claimant {
    pub(super) device: DeviceUuid,
    pub(super) demand: Demand,
    pub(super) generation: u64,
    pub(super) renewable: bool,
    pub(super) holder: String,
    pub(super) now: Timestamp,
    pub(super) lease: Duration,
}

impl Claimant {
    /// Decides, and notes what was decided. `current` is the generation of the newest record.
    pub(super) fn claim(
        &self,
        transaction: &Transaction<'_>,
        current: Option<u64>,
    ) -> Result<Claim, StoreError> {
        if current != Some(self.generation) {
            return Ok(Claim::Moved);
        }
        let known = transaction.renewal(&self.device)?;
        let outdated = known.as_ref().is_some_and(|known| known.generation != self.generation);
        let known = known.filter(|_| !outdated);
        let mut renewal = known.unwrap_or_else(|| begin_life(self.generation, self.now, None, 0.0));
        if let Some(claim) = self.without_work(&renewal) {
            let is_news = matches!(claim, Claim::Dead(_)) && self.note_rejection(&mut renewal);
            if outdated || is_news {
                transaction.store_renewal(&self.device, &renewal)?;
            }
            return Ok(claim);
        }
        let claim = self.work(&mut renewal);
        transaction.store_renewal(&self.device, &renewal)?;
        Ok(claim)
    }

    fn without_work(&self, renewal: &StoredRenewal) -> Option<Claim> {
        match self.demand {
            Demand::Rejected { generation } if renewal.secret_since > generation => {
                return Some(Claim::Done(Renewed::Newer));
            }
            _ if renewal.stage == RenewalStage::Dead => {
                return Some(Claim::Dead(renewal.reason.clone().unwrap_or_default()));
            }
            Demand::Rejected { .. } if is_fruitless(renewal, self.now) => return Some(Claim::Fruitless),
            Demand::Due if !is_due(renewal, self.now) || !self.renewable => {
                return Some(Claim::Done(Renewed::NotDue));
            }
            _ => {}
        }
        if self.is_held(renewal) {
            return Some(Claim::Held);
        }
        // A rest that is longer than any was made before the clock was set back.
        let rest = renewal.rest_until.since(self.now);
        (!rest.is_zero() && rest <= LONGEST_REST).then_some(Claim::Resting)
    }

    /// By somebody else, whose time is not over. A lease that is longer than any was made before the clock was set back.
    fn is_held(&self, renewal: &StoredRenewal) -> bool {
        let left = renewal.held_until.since(self.now);
        renewal.holder != self.holder && !left.is_zero() && left <= self.lease
    }

    /// What the API refuses and nothing renews is over; answers whether that is new.
    fn note_rejection(&self, renewal: &mut StoredRenewal) -> bool {
        matches!(self.demand, Demand::Rejected { .. }) && refuse(renewal, self.now)
    }

    fn work(&self, renewal: &mut StoredRenewal) -> Claim {
        if !self.renewable {
            self.note_rejection(renewal);
            renewal.stage = RenewalStage::Dead;
            renewal.reason = Some(NO_REFRESH_TOKEN.to_owned());
            renewal.renew_at = None;
            return Claim::Dead(NO_REFRESH_TOKEN.to_owned());
        }
        renewal.holder.clone_from(&self.holder);
        renewal.held_until = self.now.plus(self.lease);
        if renewal.stage == RenewalStage::Idle {
            renewal.stage = RenewalStage::Sending;
            renewal.sent += 1;
            return Claim::Spend;
        }
        renewal.stage = RenewalStage::InDoubt;
        Claim::Doubt
    }
}
