//! Ed25519 keys (RFC 8032): those of our own signatures.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::key_error::KeyError;
use super::pem;
use crate::ambient::Random;

/// The public half of an Ed25519 key.
#[derive(Clone)]
pub struct Ed25519PublicKey(ParsedPublicKey);

impl Ed25519PublicKey {
    /// Takes the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`KeyError::Rejected`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        ParsedPublicKey::new(&ED25519, bytes).map(Self).map_err(KeyError::Rejected)
    }

    /// Reads SPKI PEM (`PUBLIC KEY`, RFC 8410).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        match pem::read(text) {
            // Contents of 32 bytes would be taken for a key without its wrapping.
            Some(("PUBLIC KEY", der)) if der.len() > 32 => {
                ParsedPublicKey::new(&ED25519, der.as_slice()).map(Self).map_err(KeyError::Rejected)
            }
            _ => Err(KeyError::Form { expected: "PUBLIC KEY" }),
        }
    }

    /// Reads a JSON Web Key (RFC 7517, RFC 8037) that has a name, which comes first; `None` for any other.
    pub fn from_jwk(key: &Value) -> Option<(String, Self)> {
        if key["kty"] != "OKP" || key["crv"] != "Ed25519" {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str()?).ok()?;
        let public = Self::from_bytes(bytes.as_slice().try_into().ok()?).ok()?;
        Some((key["kid"].as_str()?.to_owned(), public))
    }

    /// The key as SPKI PEM.
    pub fn to_pem(&self) -> String {
        let der = self.0.as_der().expect("a key that was read can be written");
        pem::write("PUBLIC KEY", der.as_ref()).to_string()
    }

    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(text, signature).is_ok()
    }
}

impl fmt::Debug for Ed25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519PublicKey")
    }
}

/// An Ed25519 private key. Wiped on drop; prints its thumbprint only.
pub struct Ed25519PrivateKey(Ed25519KeyPair);

impl Ed25519PrivateKey {
    /// Reads unencrypted PKCS#8 PEM (`PRIVATE KEY`, RFC 8410), with or without the public half in it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        match pem::read(text) {
            Some(("PRIVATE KEY", der)) => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Self).map_err(KeyError::Rejected)
            }
            _ => Err(KeyError::Form { expected: "PRIVATE KEY" }),
        }
    }

    /// A new key.
    pub fn generate(random: &Random) -> Self {
        let seed = Zeroizing::new(random.bytes::<32>());
        Self(Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).expect("every 32 bytes are a seed"))
    }

    /// The public half.
    pub fn public(&self) -> Ed25519PublicKey {
        let bytes = self.0.public_key().as_ref();
        Ed25519PublicKey(ParsedPublicKey::new(&ED25519, bytes).expect("a key pair has a public half"))
    }

    /// A name for the key: the thumbprint of its public half (RFC 7638, RFC 8037) in base64url.
    pub fn thumbprint(&self) -> String {
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
    }

    /// The public half as a JSON Web Key for signatures (RFC 7517, RFC 8037); its `kid` is the thumbprint.
    pub fn to_jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": self.x(),
            "kid": self.thumbprint(),
            "use": "sig",
            "alg": "EdDSA",
        })
    }

    fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key())
    }

    /// The key as PKCS#8 PEM.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der = self.0.to_pkcs8v1().expect("a key that was read can be written");
        pem::write("PRIVATE KEY", der.as_ref())
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.0.sign(text).as_ref().to_vec()
    }
}

impl fmt::Debug for Ed25519PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ed25519PrivateKey").field(&self.thumbprint()).finish()
    }
}
