//! What the API said lately of secrets that somebody speaks against, so that it is not asked as often as they do.

use std::collections::HashMap;
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::lately::Lately;
use crate::message::DeviceUuid;
use crate::source::oauth2::Probe;

/// How long it is not asked again about the same secret.
const REST: Duration = Duration::from_secs(30);
/// How many windows there are, a third of a megabyte when nothing is in them.
const WINDOWS: usize = 1 << 12;

/// A secret that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tried {
    pub(super) credentials: DeviceUuid,
    /// Of the record that held it.
    pub(super) generation: u64,
}

/// What was said of which secret.
#[derive(Debug)]
pub(in crate::credentials) struct AskedLately(Lately<Tried, HashMap<Tried, Probe>>);

impl Default for AskedLately {
    fn default() -> Self {
        Self(Lately::new(WINDOWS, REST))
    }
}

impl AskedLately {
    /// What was said of the secret, which is unknown before there is an answer. `None` where whoever comes is to ask: nobody
    /// else does for a while.
    pub(super) fn recall(&self, tried: &Tried, now: Timestamp) -> Option<Probe> {
        self.0.note(tried, now, |said| {
            let known = said.get(tried).copied();
            if known.is_none() {
                said.insert(tried.clone(), Probe::Unknown);
            }
            known
        })
    }

    /// Notes what is said of it.
    pub(super) fn note(&self, tried: &Tried, now: Timestamp, says: Probe) {
        self.0.note(tried, now, |said| said.insert(tried.clone(), says));
    }
}
