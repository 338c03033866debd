//! The private keys of records: the first seals, all open.

use std::sync::Arc;

use super::key::PrivateKey;

/// The keys of a vault at one moment.
#[derive(Debug)]
pub struct KeyRing {
    first: Arc<PrivateKey>,
    older: Vec<Arc<PrivateKey>>,
}

impl KeyRing {
    /// A ring whose `first` key seals; the `older` ones open what they sealed. The first may be among them.
    pub fn new(first: PrivateKey, mut older: Vec<PrivateKey>) -> Self {
        older.retain(|key| key.kid() != first.kid());
        Self { first: Arc::new(first), older: older.into_iter().map(Arc::new).collect() }
    }

    /// The same keys with another one that seals.
    pub(super) fn with_first(&self, first: PrivateKey) -> Self {
        let others = std::iter::once(&self.first).chain(&self.older);
        let older = others.filter(|key| key.kid() != first.kid()).cloned().collect();
        Self { first: Arc::new(first), older }
    }

    /// The key that seals.
    pub fn first(&self) -> &PrivateKey {
        &self.first
    }

    /// Every key, the one that seals first.
    pub fn keys(&self) -> impl Iterator<Item = &PrivateKey> {
        std::iter::once(&self.first).chain(&self.older).map(|key| &**key)
    }

    /// The key of this name.
    pub(super) fn by_kid(&self, kid: &str) -> Option<&PrivateKey> {
        self.keys().find(|key| key.kid() == kid)
    }

    /// The key that made this signature of whatever it is.
    pub(super) fn maker_of(&self, signature: &[u8]) -> Option<&PrivateKey> {
        self.keys().find(|key| key.signed_digest(signature).is_some())
    }

    /// Whether one of the keys made this signature of `text`.
    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        self.keys().any(|key| key.verifies(text, signature))
    }
}
