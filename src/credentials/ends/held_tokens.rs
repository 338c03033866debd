//! Which tokens the records here hold, by their hashes, and whose: each record is opened once to know that, and not again until
//! there is a newer one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;

use super::end::Tokens;
use crate::message::DeviceUuid;

/// Of how many records it is known at most, some ten megabytes; the one that was not asked for longest makes room.
const MOST_KNOWN: usize = 100_000;

/// What is known of the records. Each call is whole, so that what a panic left behind is, too.
#[derive(Debug)]
pub(in crate::credentials) struct HeldTokens(Mutex<LruCache<DeviceUuid, Known>>);

impl Default for HeldTokens {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST_KNOWN)))
    }
}

#[derive(Debug)]
struct Known {
    generation: u64,
    tokens: Tokens,
}

impl HeldTokens {
    /// What the record of this generation holds, if that is known.
    pub(super) fn recall(&self, device: &DeviceUuid, generation: u64) -> Option<Tokens> {
        let mut known = self.lock();
        let known = known.get(device).filter(|known| known.generation == generation)?;
        Some(known.tokens.clone())
    }

    /// Has it be known.
    pub(super) fn note(&self, device: DeviceUuid, generation: u64, tokens: Tokens) {
        self.lock().insert(device, Known { generation, tokens });
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<DeviceUuid, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
