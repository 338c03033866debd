//! When a secret is due for renewal. Pure.

use std::time::Duration;

use crate::ambient::Timestamp;
use crate::store::StoredRenewal;

/// The longest time ahead of its end at which a secret is renewed.
const AHEAD: Duration = Duration::from_secs(15 * 60);
/// How much of that time renewals of different credentials are spread over.
const SPREAD: f64 = 0.2;

/// A secret that lives shorter is renewed only when somebody uses it: what nobody uses would cost the API a request every second
/// where it says `expires_in: 1`, for ever. With this life it is two a minute at most.
const SHORTEST: Duration = Duration::from_secs(60);

/// When a secret with this life is renewed: ahead of its end by a quarter of an hour, or by half its life where that is
/// less, and up to a fifth of that later as `fraction`, from 0 to 1, says.
pub fn renew_at(obtained_at: Timestamp, lifetime: Duration, fraction: f64) -> Timestamp {
    let ahead = AHEAD.min(lifetime / 2);
    obtained_at.plus(lifetime).minus(ahead.mul_f64(1.0 - SPREAD * fraction.clamp(0.0, 1.0)))
}

/// The renewal of a secret that was just obtained and that nothing renews; `fraction` spreads it among others.
pub fn begin_life(
    generation: u64,
    obtained_at: Timestamp,
    lifetime: Option<Duration>,
    fraction: f64,
) -> StoredRenewal {
    StoredRenewal {
        expires_at: lifetime.map(|lifetime| obtained_at.plus(lifetime)),
        renew_at: lifetime.map(|lifetime| renew_at(obtained_at, lifetime, fraction)),
        when_used: lifetime.is_some_and(|lifetime| lifetime < SHORTEST),
        ..StoredRenewal::of_unknown_life(generation)
    }
}

/// Whether a secret of which this is known has to be looked after before it is used.
pub(super) fn is_due(renewal: &StoredRenewal, now: Timestamp) -> bool {
    renewal.renew_at.is_some_and(|at| at <= now)
}
