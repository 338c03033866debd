//! The keys of the bus: with them it signs webhooks, and tells everybody how to check that (`spec/meshblu.md` 1.9, 5.3).

use serde_json::{Value, json};

use crate::signature::{Ed25519PrivateKey, LegacySigner, MessageSigner, RsaPrivateKey};

/// Signs for the bus, in the form of old and by RFC 9421.
#[derive(Debug)]
pub struct Signers {
    pub(super) old: LegacySigner,
    pub(super) own: MessageSigner,
    old_public: String,
}

impl Signers {
    /// Signs in the form of old with the first key, by RFC 9421 with the second.
    pub fn new(old: RsaPrivateKey, own: Ed25519PrivateKey) -> Self {
        let old_public = old.public().to_pem();
        Self { old: LegacySigner::new(old), own: MessageSigner::new(own), old_public }
    }

    /// What checks signatures of the form of old, as `GET /publickey` answers.
    pub(super) fn public_key(&self) -> Value {
        json!({ "publicKey": self.old_public })
    }

    /// What checks signatures of RFC 9421: a JSON Web Key Set (RFC 7517).
    pub(super) fn key_set(&self) -> Value {
        json!({ "keys": [self.own.key().to_jwk()] })
    }
}
