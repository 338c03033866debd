//! When each user device last used its credentials: noted in memory, and kept now and then, so that no message waits.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Binding, Store, StoreError, Transaction};

/// How many rights are noted between two times that they are kept; who else uses one meanwhile is not noted.
const MOST: usize = 65_536;

/// The uses that are not kept yet.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashMap<Binding, Timestamp>>);

impl Uses {
    /// Notes that a right was used.
    pub(super) fn note(&self, binding: Binding, now: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST || noted.contains_key(&binding) {
            noted.insert(binding, now);
        }
    }

    /// When a right was used that is not kept yet.
    pub(super) fn recent(&self, binding: &Binding) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(binding).copied()
    }

    /// When any right to use these credentials was used that is not kept yet.
    pub(super) fn recent_of(&self, credentials: &DeviceUuid) -> Option<Timestamp> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().filter(|(binding, _)| binding.credentials == *credentials).map(|(_, at)| *at).max()
    }

    /// Keeps what was noted.
    ///
    /// # Errors
    /// What the store reports; what was noted is lost then, which is known of nobody's right.
    pub(super) async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        let keep = move |transaction: &Transaction<'_>| {
            noted.iter().try_for_each(|(binding, used_at)| transaction.note_use(binding, *used_at))
        };
        store.write::<_, StoreError, _>(keep).await
    }
}
