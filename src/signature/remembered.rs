//! A key that knows again what it verified last: a bus of old signs once a second, whatever it sends in it.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, Digest, SHA256};

use super::rsa::{Hash, RsaPublicKey};

/// A key with the signature that it verified last.
pub(super) struct RememberingKey {
    key: RsaPublicKey,
    last: Mutex<Option<Digest>>,
}

impl RememberingKey {
    pub(super) fn new(key: RsaPublicKey) -> Self {
        Self { key, last: Mutex::new(None) }
    }

    /// Whether the key made this signature of this text.
    pub(super) fn verifies(&self, hash: Hash, text: &[u8], signature: &[u8]) -> bool {
        let asked = digest(hash, text, signature);
        if self.knows(&asked) {
            return true;
        }
        let verifies = self.key.verifies(hash, text, signature);
        if verifies {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        }
        verifies
    }

    fn knows(&self, asked: &Digest) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|last| verify_slices_are_equal(last.as_ref(), asked.as_ref()).is_ok())
    }
}

/// Of all that is verified; lengths go in too, so that no two questions are the same bytes.
fn digest(hash: Hash, text: &[u8], signature: &[u8]) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(&[u8::from(hash == Hash::Sha512)]);
    for part in [text, signature] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish()
}
