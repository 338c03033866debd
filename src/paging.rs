//! Lists that are shown a page at a time.

use serde::{Deserialize, Serialize};

/// Some of a list, and after which of its entries the rest comes. What is new meanwhile stands before all that is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T, P> {
    /// Each entry, newest first.
    pub shown: Vec<T>,
    /// The place of the last one, where there is more.
    pub next: Option<P>,
}

impl<T, P> Page<T, P> {
    /// The first `most` of what was found; whoever looked asked for one more at least.
    pub(crate) fn of(mut found: Vec<T>, most: usize, place: impl Fn(&T) -> P) -> Self {
        let is_all = found.len() <= most;
        found.truncate(most);
        let next = found.last().filter(|_| !is_all).map(place);
        Self { shown: found, next }
    }
}
