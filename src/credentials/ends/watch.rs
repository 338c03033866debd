//! Since when it is looked without a break what is due: an end whose day was over while nobody looked is tried once more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::credentials::errands::PAUSES;

/// Looks that are further apart have a break between them: what waits was not tried in it as often as it is to be.
const BREAK: Duration = PAUSES.longest;
/// For how long after a break there is time for what was over by then.
const LAST_CHANCE: Duration = Duration::from_secs(10 * 60);

/// Who looks what is due, while this process runs and its clock goes on.
#[derive(Debug, Default)]
pub(in crate::credentials) struct Watch(Mutex<Option<Looks>>);

#[derive(Clone, Copy, Debug)]
struct Looks {
    /// The first since the last break.
    first: Timestamp,
    last: Timestamp,
}

impl Watch {
    /// It is looked `now`.
    pub(super) fn look(&self, now: Timestamp) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first =
            looks.filter(|looks| now.since(looks.last) <= BREAK).map_or(now, |looks| looks.first.min(now));
        *looks = Some(Looks { first, last: now });
    }

    /// Whether what was over at `end` is not tried any more `now`: it was looked then, or has been for long enough since.
    pub(super) fn had_its_chance(&self, end: Timestamp, now: Timestamp) -> bool {
        let looks = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.is_none_or(|Looks { first, .. }| first <= end || now.since(first) >= LAST_CHANCE)
    }
}
