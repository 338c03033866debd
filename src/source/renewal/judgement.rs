//! What follows from what is known of a refresh token. Pure.

use std::time::Duration;

use super::claim::begin_to_send;
use super::demand::LEASE;
use crate::ambient::{Backoff, Timestamp};
use crate::source::provider::Retry;
use crate::store::{RenewalStage, StoredRefreshToken, StoredRenewal};

/// How long nobody tries again after a failure, unless the provider names another time.
pub(super) const REST: Duration = Duration::from_secs(5);
/// The longest rest that a provider may ask for.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(3600);
/// The rests of our own choice, after failures in a row.
const RESTS: Backoff = Backoff { first: REST, longest: Duration::from_secs(300) };
/// How long a secret that was just renewed is not renewed again because the API refuses it.
const REFUSAL_RESTS: Duration = Duration::from_secs(120);
/// How long a secret in doubt that still works is left alone.
const DOUBT_RESTS: Duration = Duration::from_secs(60);
/// Why a refresh token is over that the provider refused.
const REFUSED: &str = "the provider does not take the refresh token any more";
const LOST_AND_REFUSED: &str =
    "nobody knows what came of a renewal, and the provider does not take the refresh token again";
const LOST: &str = "nobody knows what came of a renewal, and the provider takes no refresh token twice";

/// Why a secret is over that the API refused where nobody renews it.
pub const NOBODY_RENEWS: &str = "the API refused the secret, and this gateway cannot renew it";
/// Why nothing renews a secret that came without a refresh token.
pub(super) const NO_REFRESH_TOKEN: &str = "the API refused the secret, and there is no refresh token";
const SPENT: &str =
    "another renewal spent the refresh token, and what was given for it is not in these credentials";

/// What follows from a doubt.
pub(super) enum Resolution {
    Leave,
    Resend,
    Rest,
    Moved,
}

/// A refresh token of which nobody knows what came of it.
#[derive(Clone, Copy)]
pub(super) struct Doubt {
    /// Whether the access token is still good.
    pub(super) good: bool,
    /// How often this call sent the refresh token.
    pub(super) sends: u32,
    /// How often the provider takes it.
    pub(super) retry: Retry,
}

impl Doubt {
    /// What follows for the secret.
    pub(super) fn resolve(
        self,
        refresh: &mut StoredRefreshToken,
        renewal: &mut StoredRenewal,
        now: Timestamp,
    ) -> Resolution {
        let Self { good, sends, retry } = self;
        // A refresh token that stays valid is of use while the access token is good.
        if good && (sends > 0 || retry != Retry::Always) {
            release(refresh);
            let end = renewal.expires_at.filter(|end| now < *end);
            let next = now.plus(DOUBT_RESTS);
            renewal.renew_at = Some(end.map_or(next, |end| next.min(end)));
            Resolution::Leave
        } else if !may_send_again(retry, refresh.sent) {
            refuse(renewal, now);
            end(refresh, Some(renewal), RenewalStage::GivenUp);
            Resolution::Moved
        } else if sends >= at_once(retry) {
            rest_after_failure(refresh, now, None);
            Resolution::Rest
        } else {
            begin_to_send(refresh);
            Resolution::Resend
        }
    }
}

/// Whether a refresh token that was sent so often may be sent again.
pub(super) fn may_send_again(retry: Retry, sent: u32) -> bool {
    match retry {
        Retry::Never => sent == 0,
        Retry::Once => sent < 2,
        Retry::Always => true,
    }
}

/// How often a refresh token is sent without a rest. What broke the only other try off is not given time to break it, too.
fn at_once(retry: Retry) -> u32 {
    match retry {
        Retry::Never | Retry::Once => 1,
        Retry::Always => 2,
    }
}

/// Nobody tries again for a while, which is longer after every failure, unless the provider asked for another time.
pub(super) fn rest_after_failure(
    refresh: &mut StoredRefreshToken,
    now: Timestamp,
    asked_for: Option<Duration>,
) {
    release(refresh);
    refresh.rest_until = now.plus(asked_for.unwrap_or(RESTS.after(refresh.failures)));
    refresh.failures = refresh.failures.saturating_add(1);
}

/// Whether a secret is so new that another one would be refused like it, and has not run out for all that. A rest that is longer
/// than any was made before the clock was set back.
pub(super) fn is_fruitless(renewal: &StoredRenewal, now: Timestamp) -> bool {
    let rest = renewal.renewed_at.map(|at| at.plus(REFUSAL_RESTS).since(now)).unwrap_or_default();
    renewal.lives(now) && !rest.is_zero() && rest <= REFUSAL_RESTS
}

/// Why a secret is not renewed any more, where it is not; `renews` says whether this gateway renews any.
pub(super) fn why_it_is_over(renewal: &StoredRenewal, renews: bool) -> Option<&'static str> {
    if !renews && renewal.refused_at.is_some() {
        return Some(NOBODY_RENEWS);
    }
    let Some(refresh) = &renewal.refresh else { return renewal.refused_at.map(|_| NO_REFRESH_TOKEN) };
    match refresh.stage {
        RenewalStage::Idle | RenewalStage::Sending | RenewalStage::InDoubt => None,
        RenewalStage::Refused if refresh.is_lost => Some(LOST_AND_REFUSED),
        RenewalStage::Refused => Some(REFUSED),
        RenewalStage::Spent => Some(SPENT),
        RenewalStage::GivenUp => Some(LOST),
    }
}

/// Whether somebody is at this refresh token whose time is not over. One that is longer than any was made before the clock was set
/// back.
pub fn is_held(known: &StoredRefreshToken, now: Timestamp) -> bool {
    let left = known.held_until.since(now);
    !known.holder.is_empty() && !left.is_zero() && left <= LEASE
}

/// Whether nobody knows what came of sending this refresh token: of one that was sent more than once, only the last answer came.
pub fn is_answer_lost(known: &StoredRefreshToken) -> bool {
    known.is_lost
        || match known.stage {
            RenewalStage::Sending | RenewalStage::InDoubt | RenewalStage::GivenUp => true,
            RenewalStage::Spent => known.sent > 1,
            RenewalStage::Idle | RenewalStage::Refused => false,
        }
}

/// Whether the provider may have given this refresh token, or one that it came of, in an answer that was lost: an API that gives
/// out its current token at every sign-in gives it again. Nothing was known of its line then before the other was sent.
pub fn may_be_lost_answer(known: &StoredRefreshToken, lost: &StoredRefreshToken) -> bool {
    lost.first_sent <= known.line_since
}

pub(super) fn release(refresh: &mut StoredRefreshToken) {
    refresh.holder.clear();
    refresh.held_until = Timestamp::from_millis(0);
}

/// The API refuses the access token, which has come to its end with that, whatever was known of its life.
pub(super) fn refuse(renewal: &mut StoredRenewal, now: Timestamp) {
    if renewal.lives(now) {
        renewal.expires_at = Some(now);
    }
    renewal.refused_at.get_or_insert(now);
}

/// The refresh token is over, as this stage says. The access token may outlive it.
pub(super) fn end(
    refresh: &mut StoredRefreshToken,
    renewal: Option<&mut StoredRenewal>,
    stage: RenewalStage,
) {
    refresh.stage = stage;
    if let Some(renewal) = renewal {
        renewal.renew_at = None;
    }
    release(refresh);
}
