//! How a secret stands, and what that means before it is used. Pure.

use super::clients::OTHER_CLIENT;
use super::judgement::{may_send_again, why_it_is_over};
use super::schedule::is_due;
use crate::ambient::Timestamp;
use crate::source::provider::Retry;
use crate::store::{RenewalStage, StoredRenewal};

/// How a secret stands, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How it is.
    pub health: Health,
    /// When it ends, where that is known.
    pub expires_at: Option<Timestamp>,
    /// Whether it is renewed before that.
    pub renews: bool,
    /// Whether the last renewals came to nothing, and the next waits.
    pub fails: bool,
    /// Whether a refresh token that was sent, with nobody knowing what came of it, is sent again.
    pub tries_again: bool,
}

/// How a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing is known against it.
    Good,
    /// It is to be renewed.
    Due,
    /// The answer to a renewal was lost, or is awaited.
    InDoubt,
    /// It cannot be renewed any more: somebody has to sign in again.
    Dead {
        /// Why, in a fixed text.
        reason: &'static str,
    },
    /// It is of another API than the gateway is for: it is neither used nor renewed here.
    Elsewhere,
}

/// What is to be done before a secret is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BeforeUse<'a> {
    /// Nothing.
    Use,
    /// It is to be renewed; this is known of it.
    Renew(&'a StoredRenewal),
    /// It is over, and nothing renews it.
    SignInAgain {
        /// Why, in a fixed text.
        reason: &'static str,
    },
}

impl Standing {
    /// How the secret of this generation stands, whose provider takes a refresh token again as `retry` says; without it nobody
    /// renews here.
    pub fn of(
        renewal: Option<&StoredRenewal>,
        generation: u64,
        now: Timestamp,
        retry: Option<Retry>,
    ) -> Self {
        let Some(known) = about(renewal, generation) else {
            let (health, expires_at) = (Health::Good, None);
            return Self { health, expires_at, renews: false, fails: false, tries_again: false };
        };
        let stage = known.refresh.as_ref().map(|refresh| refresh.stage);
        let over = why_it_is_over(known, retry.is_some());
        let renews = retry.is_some() && known.renew_at.is_some() && over.is_none();
        let health = match (over, stage) {
            (Some(reason), _) => Health::Dead { reason },
            (None, Some(RenewalStage::Sending | RenewalStage::InDoubt)) => Health::InDoubt,
            _ if is_due(known, now) => Health::Due,
            _ => Health::Good,
        };
        let fails = known.refresh.as_ref().is_some_and(|refresh| refresh.failures > 0);
        let sent = known.refresh.as_ref().map_or(0, |refresh| refresh.sent);
        let tries_again = retry.is_some_and(|retry| may_send_again(retry, sent));
        Self { health, expires_at: known.expires_at, renews, fails, tries_again }
    }
}

impl Standing {
    /// The same of a secret that came by another client of the API, of which no renewal is under way.
    #[must_use]
    pub fn of_another_client(self) -> Self {
        match self.health {
            Health::Good | Health::Due => {
                Self { health: Health::Dead { reason: OTHER_CLIENT }, renews: false, ..self }
            }
            Health::InDoubt | Health::Dead { .. } | Health::Elsewhere => self,
        }
    }
}

impl<'a> BeforeUse<'a> {
    /// What is to be done before the secret of this generation is used, where this gateway `renews` secrets or not. One that
    /// still lives is used where nothing can be done about it now.
    pub fn of(renewal: Option<&'a StoredRenewal>, generation: u64, now: Timestamp, renews: bool) -> Self {
        let Some(known) = about(renewal, generation) else { return Self::Use };
        let lives = known.lives(now);
        if let Some(reason) = why_it_is_over(known, renews) {
            return if lives { Self::Use } else { Self::SignInAgain { reason } };
        }
        let rests = lives && known.refresh.as_ref().is_some_and(|refresh| now < refresh.rest_until);
        if renews && is_due(known, now) && !rests { Self::Renew(known) } else { Self::Use }
    }
}

/// What is known of one generation says nothing of another.
fn about(renewal: Option<&StoredRenewal>, generation: u64) -> Option<&StoredRenewal> {
    renewal.filter(|renewal| renewal.generation == generation)
}
