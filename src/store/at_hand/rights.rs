//! What the store says of a user device's right to use a secret: read once an edition, however many messages ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;

use crate::store::{Binding, Store, StoreError, StoredRecord, StoredRenewal, View};

/// How many rights are remembered at most; the one that was not asked for longest makes room.
const REMEMBERED: usize = 1024;

/// What decides whether a user device may use a secret, as far as the store knows.
#[derive(Debug)]
pub struct StoredRight {
    /// Whether a tombstone says that the binding is over.
    pub is_revoked: bool,
    /// Whether what the credentials device kept is forgotten for ever.
    pub is_forgotten: bool,
    /// The newest record of the credentials device.
    pub record: Option<StoredRecord>,
    /// The renewal of its secret, if anything is known of one.
    pub renewal: Option<StoredRenewal>,
}

/// The rights that were read, each with the edition that was in force before.
#[derive(Debug)]
pub(in crate::store) struct Rights(Mutex<LruCache<Binding, (u64, Arc<StoredRight>)>>);

impl Default for Rights {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Rights {
    fn recall(&self, binding: &Binding, edition: u64) -> Option<Arc<StoredRight>> {
        let mut rights = self.lock();
        let (read_in, right) = rights.get(binding)?;
        (*read_in == edition).then(|| Arc::clone(right))
    }

    fn keep(&self, binding: &Binding, edition: u64, right: &Arc<StoredRight>) {
        self.lock().insert(binding.clone(), (edition, Arc::clone(right)));
    }

    /// Every change leaves it whole, also where a panic came in between.
    fn lock(&self) -> MutexGuard<'_, LruCache<Binding, (u64, Arc<StoredRight>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// What the store says of this binding now.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn right(&self, binding: &Binding) -> Result<Arc<StoredRight>, StoreError> {
        let edition = self.edition();
        if let Some(right) = self.rights().recall(binding, edition) {
            return Ok(right);
        }
        let read = {
            let binding = binding.clone();
            move |view: &View<'_>| view.right(&binding)
        };
        let right = Arc::new(self.glance::<_, StoreError, _>(read).await?);
        self.rights().keep(binding, edition, &right);
        Ok(right)
    }
}

impl View<'_> {
    fn right(&self, binding: &Binding) -> Result<StoredRight, StoreError> {
        Ok(StoredRight {
            is_revoked: self.is_revoked(binding)?,
            is_forgotten: self.is_forgotten(&binding.credentials)?,
            record: self.record(&binding.credentials)?,
            renewal: self.renewal(&binding.credentials)?,
        })
    }
}
