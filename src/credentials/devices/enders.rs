//! Owners who ended something, for what only they can do about it on a bus elsewhere: the lists of a user device are its
//! owner's to change. Known as long as this process lives, and on no disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bus::Login;
use crate::store::{ErrandKind, QueuedErrand};

/// How many errands wait for an owner at most; the oldest go without.
const MOST: usize = 10_000;

/// The logins of owners, by the numbers of the errands that need them.
#[derive(Debug, Default)]
pub(in crate::credentials) struct Enders(Mutex<BTreeMap<i64, Login>>);

impl Enders {
    /// Notes whose errands these are, as far as they need that.
    pub(in crate::credentials) fn note(&self, errands: &[QueuedErrand], login: &Login) {
        let mut all = self.lock();
        for queued in errands.iter().filter(|queued| matches!(queued.errand.kind, ErrandKind::Whitelists(_)))
        {
            all.insert(queued.seq, login.clone());
        }
        while all.len() > MOST {
            all.pop_first();
        }
    }

    /// Whose errand this is, where that is still known.
    pub(in crate::credentials) fn of(&self, seq: i64) -> Option<Login> {
        self.lock().get(&seq).cloned()
    }

    /// Forgets whose an errand was that came to something.
    pub(in crate::credentials) fn forget(&self, seq: i64) {
        self.lock().remove(&seq);
    }

    /// Every change is one call, so that what a panic left behind is whole.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Login>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
