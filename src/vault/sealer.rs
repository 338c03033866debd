//! Bytes sealed with AES-256-GCM under a key that stays in this process: a nonce, then the ciphertext and its tag.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use zeroize::Zeroizing;

use crate::ambient::Random;

const NONCE_BYTES: usize = 12;

/// One key, and what it seals and opens.
pub(super) struct Sealer(Aes256Gcm);

impl Sealer {
    /// Seals under these 32 bytes.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// The bytes sealed for `place`: they open there alone.
    pub(super) fn seal(&self, bytes: &[u8], place: &[u8], random: &Random) -> Vec<u8> {
        let nonce = random.bytes::<NONCE_BYTES>();
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), Payload { msg: bytes, aad: place });
        [&nonce[..], &sealed.expect("it is far below what AES-GCM takes")].concat()
    }

    /// What was sealed for this place under this key; none where it was not, or was changed.
    pub(super) fn open(&self, sealed: &[u8], place: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: sealed, aad: place };
        self.0.decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }
}
