//! Whom an owner's signature names, without the key that made it.

use sha2::{Digest, Sha256};

use super::json_text::stringify;
use super::node_base64;
use super::strongroom::Vault;
use crate::message::DeviceUuid;

/// The digest of an owner's name, which an `authorizedKey` signs. Whoever knows the name finds it again, also when no key
/// is left; to anybody else the digest of a random uuid tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerDigest([u8; 32]);

impl OwnerDigest {
    /// Of the owner of this name.
    pub fn of(owner: &DeviceUuid) -> Self {
        Self(Sha256::digest(stringify(&owner.as_str().into()).as_bytes()).into())
    }

    /// As it is stored.
    pub fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl Vault {
    /// Of the owner whom what an `authorizedKey` held names; none where no key of the ring made that. Verifies signatures:
    /// call it on a blocking thread.
    pub fn owner_digest(&self, owner_key: &str) -> Option<OwnerDigest> {
        let signature = node_base64::decode(owner_key);
        self.ring().keys().find_map(|key| key.signed_digest(&signature)).map(OwnerDigest)
    }
}
