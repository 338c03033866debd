//! Proof Key for Code Exchange (RFC 7636), by SHA-256 alone: `plain` protects from nothing that happens here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of what the client will have to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// The challenge of this text: base64url of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Whether `verifier` is what the challenge was made from.
    pub fn is_met_by(self, verifier: &str) -> bool {
        let is_fit = (43..=128).contains(&verifier.len());
        is_fit && bool::from(Sha256::digest(verifier).ct_eq(&self.0))
    }

    /// Its bytes, as they are stored.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The challenge of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Display for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}
