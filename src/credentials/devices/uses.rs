//! When each user device last asked for its credentials, and used them: noted in memory, and kept now and then, so that no message
//! waits.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Binding, LastUse, Store, StoreError, Transaction};

/// How many rights are noted between two times that they are kept; who else uses one meanwhile is not noted.
const MOST: usize = 65_536;

/// The uses that are not kept yet.
#[derive(Debug, Default)]
pub(in crate::credentials) struct Uses(Mutex<HashMap<Binding, LastUse>>);

impl Uses {
    /// Notes that a message asks for the credentials.
    pub(in crate::credentials) fn note_message(&self, binding: Binding, now: Timestamp) {
        self.note(binding, LastUse { heard_at: Some(now), used_at: None });
    }

    /// Notes that their secret is used.
    pub(in crate::credentials) fn note_use(&self, binding: Binding, now: Timestamp) {
        self.note(binding, LastUse { heard_at: Some(now), used_at: Some(now) });
    }

    fn note(&self, binding: Binding, last: LastUse) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST || noted.contains_key(&binding) {
            let known = noted.entry(binding).or_default();
            *known = known.max(last);
        }
    }

    /// What was done with a right and is not kept yet.
    pub(in crate::credentials) fn recent(&self, binding: &Binding) -> LastUse {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(binding).copied().unwrap_or_default()
    }

    /// When any right to use these credentials was used that is not kept yet.
    pub(in crate::credentials) fn recent_of(&self, credentials: &DeviceUuid) -> Option<Timestamp> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = noted.iter().filter(|(binding, _)| binding.credentials == *credentials);
        of_it.filter_map(|(_, last)| last.used_at).max()
    }

    /// Keeps what was noted.
    ///
    /// # Errors
    /// What the store reports; what was noted is lost then, which is known of nobody's right.
    pub(in crate::credentials) async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        let keep = move |transaction: &Transaction<'_>| {
            noted.iter().try_for_each(|(binding, last)| transaction.note_use(binding, *last))
        };
        store.write::<_, StoreError, _>(keep).await
    }
}
