//! By what the records of an account are found.

use std::sync::Arc;

use super::owner_id::ResourceOwnerId;
use super::ring::KeyRing;
use super::strongroom::Vault;

/// What `endo.idKey` holds in an account's records: one entry a key of the ring, the one that seals first.
#[derive(Clone, Debug)]
pub struct IdKeys {
    ring: Arc<KeyRing>,
    keys: Vec<String>,
}

impl IdKeys {
    /// One entry a key.
    pub fn all(&self) -> &[String] {
        &self.keys
    }

    /// What it holds in records that are sealed now.
    pub fn newest(&self) -> &str {
        &self.keys[0]
    }
}

impl Vault {
    /// By what the records of this account are found. Costs milliseconds a key: call it on a blocking thread.
    pub fn id_keys(&self, id: &ResourceOwnerId) -> IdKeys {
        let ring = self.ring();
        let keys = ring.keys().map(|key| key.sign_value(&id.to_value())).collect();
        IdKeys { ring, keys }
    }

    /// Whether they are of all the keys that there are. Records may have gone over to a newer one since; then whoever found
    /// none by these has not looked everywhere.
    pub fn are_current(&self, id_keys: &IdKeys) -> bool {
        Arc::ptr_eq(&id_keys.ring, &self.ring())
    }
}
