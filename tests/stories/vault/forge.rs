//! Makes records that the vault itself would never make, signed as if they were good.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use endo::vault::canonicalize;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::{Oaep, Pkcs1v15Sign, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Stored, device, original_key, vectors};

/// The original's key, used without the vault.
pub(super) struct Forge(RsaPrivateKey);

impl Forge {
    pub(super) fn new() -> Self {
        Self(RsaPrivateKey::from_pkcs1_pem(vectors()["privateKeyPem"].as_str().unwrap()).unwrap())
    }

    pub(super) fn sign(&self, text: &str) -> String {
        STANDARD.encode(self.0.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text)).unwrap())
    }

    /// Text encrypted as format 1 encrypts it, in one block.
    pub(super) fn encrypt1(&self, text: &str) -> String {
        let block =
            self.0.to_public_key().encrypt(&mut OsRng, Oaep::new::<sha1::Sha1>(), text.as_bytes()).unwrap();
        STANDARD.encode(block)
    }

    /// A compact JWE of `contents` under any header at all.
    pub(super) fn jwe(&self, header: &str, contents: &Value) -> String {
        let (content_key, nonce) = ([7; 32], [9; 12]);
        let protected = URL_SAFE_NO_PAD.encode(header);
        let wrapped =
            self.0.to_public_key().encrypt(&mut OsRng, Oaep::new::<Sha256>(), &content_key).unwrap();
        let text = contents.to_string();
        let payload = Payload { msg: text.as_bytes(), aad: protected.as_bytes() };
        let sealed = Aes256Gcm::new(&content_key.into()).encrypt(Nonce::from_slice(&nonce), payload).unwrap();
        let (ciphertext, tag) = sealed.split_at(sealed.len() - 16);
        let rest = [&wrapped[..], &nonce, ciphertext, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{protected}.{}", rest.join("."))
    }

    /// A format 2 record around this encrypted part, with a signature that verifies.
    pub(super) fn record(&self, encrypted: &str) -> Stored {
        self.signed(&json!({
            "credentialsDeviceUuid": device(), "version": "2.0.0", "generation": 1, "encrypted": encrypted,
        }))
    }

    /// Any `endo` of format 2, with a signature that verifies.
    pub(super) fn signed(&self, endo: &Value) -> Stored {
        Stored { endo: endo.to_string(), signature: self.sign(&canonicalize(endo)) }
    }

    /// A format 2 record whose header has some members replaced (or, by `null`, removed).
    pub(super) fn with_header(&self, changes: Value) -> Stored {
        let mut header = header();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
            if value.is_null() {
                header.as_object_mut().unwrap().remove(name);
            }
        }
        self.record(&self.jwe(&header.to_string(), &plain_contents()))
    }
}

/// The header of a good record.
pub(super) fn header() -> Value {
    json!({
        "alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": original_key().kid(), "device": device(), "hosts": ["a.test"],
    })
}

/// The contents of a good record.
pub(super) fn plain_contents() -> Value {
    json!({"id": 1, "secrets": {"credentials": {"secret": "canary-access"}}, "owners": ["owner-1"]})
}
