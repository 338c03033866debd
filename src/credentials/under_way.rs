//! What somebody in this process is just making, call by call, on a bus elsewhere: nobody else begins it meanwhile.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The names of it all: devices, and accounts by their `idKey`.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashSet<String>>>);

/// One of them; free again when dropped.
pub(super) struct Taken {
    under_way: UnderWay,
    name: String,
}

impl UnderWay {
    /// `None` where somebody else is at it.
    pub(super) fn take(&self, name: &str) -> Option<Taken> {
        let is_free = self.lock().insert(name.to_owned());
        is_free.then(|| Taken { under_way: self.clone(), name: name.to_owned() })
    }

    /// Every change is one call, so that what a panic left behind is whole.
    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.under_way.lock().remove(&self.name);
    }
}
