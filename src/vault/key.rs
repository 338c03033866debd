//! One private key, and the things that are done with it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Oaep, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{json_text, key_text};
use crate::ambient::Random;

const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Why a text is not a usable private key. Holds nothing of the key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Neither PEM nor base64 of PEM or DER.
    #[error("not a private key: expected PEM, base64 of PEM, or base64 of PKCS#1 DER")]
    Form,
    /// A public key where a private one is needed.
    #[error("this is a public key; the private one is needed")]
    Public,
    /// Not PKCS#1 (RFC 8017 A.1.2).
    #[error("not an RSA private key in PKCS#1 form")]
    Pkcs1(#[source] rsa::pkcs1::Error),
    /// Not PKCS#8 (RFC 5208), or encrypted with a passphrase.
    #[error("not an unencrypted RSA private key in PKCS#8 form")]
    Pkcs8(#[source] rsa::pkcs8::Error),
    /// Too weak, too large, or not whole bytes.
    #[error("an RSA key has 2048 to 4096 bits, a multiple of 8; this one has {0}")]
    Size(usize),
    /// Its numbers do not belong together.
    #[error("the key cannot be used: what it signs does not verify")]
    Broken,
    /// No key could be made.
    #[error("no key could be generated")]
    Generation(#[source] rsa::Error),
}

/// An RSA private key of the gateway. Wiped on drop, prints its `kid` only.
pub struct PrivateKey {
    key: RsaPrivateKey,
    public: RsaPublicKey,
    kid: String,
    random: Random,
    operations: AtomicU64,
    file: Option<PathBuf>,
}

impl PrivateKey {
    /// Reads every form that the original gateway takes: PEM (PKCS#1 or PKCS#8), base64 of such a PEM, base64 of
    /// PKCS#1 DER (`spec/endo.md` 3). What it does later takes its chance from `random`.
    ///
    /// # Errors
    /// [`KeyError`], also for keys outside 2048 to 4096 bits.
    pub fn parse(text: &str, random: &Random) -> Result<Self, KeyError> {
        Self::checked(key_text::read(text)?, random)
    }

    /// A new key of `bits` bits, 2048 to 4096. Takes a second or so: call it on a blocking thread.
    ///
    /// # Errors
    /// [`KeyError::Size`] and [`KeyError::Generation`].
    pub fn generate(bits: usize, random: &Random) -> Result<Self, KeyError> {
        check_size(bits)?;
        let key = RsaPrivateKey::new(&mut random.clone(), bits).map_err(KeyError::Generation)?;
        Self::checked(key, random)
    }

    /// The same key, which is in this file.
    #[must_use]
    pub fn kept_in(self, file: PathBuf) -> Self {
        Self { file: Some(file), ..self }
    }

    /// The file that it is in, where it is in one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The key's name: its thumbprint (RFC 7638) in base64url.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key as PKCS#8 PEM.
    pub fn to_pem(&self) -> Zeroizing<String> {
        self.key.to_pkcs8_pem(LineEnding::LF).expect("a key of checked size has a DER form")
    }

    /// The original's signature of a value: RS256 over its `JSON.stringify` text, in base64. The same value gets
    /// the same signature. A private-key operation.
    pub fn sign_value(&self, value: &Value) -> String {
        STANDARD.encode(self.sign(json_text::stringify(value).as_bytes()))
    }

    /// RS256 over `text`. Deterministic; chance only blinds the computation.
    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.key
            .sign_with_rng(&mut self.random.clone(), Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text))
            .expect("a key that signed once signs again")
    }

    /// Whether `signature` is this key's RS256 signature of `text`.
    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        self.public.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text), signature).is_ok()
    }

    /// The SHA-256 digest that `signature` signs, if it is this key's RS256 signature of any. The public key shows it (RFC
    /// 8017, 8.2.2).
    pub(super) fn signed_digest(&self, signature: &[u8]) -> Option<[u8; 32]> {
        if signature.len() != self.block_bytes() {
            return None;
        }
        let block = BigUint::from_bytes_be(signature).modpow(self.public.e(), self.public.n()).to_bytes_be();
        let digest = block.last_chunk()?;
        let is_signed = self.public.verify(Pkcs1v15Sign::new::<Sha256>(), digest, signature).is_ok();
        is_signed.then_some(*digest)
    }

    /// Encrypts one block; it must be short enough for the padding.
    pub(super) fn encrypt(&self, padding: Oaep, block: &[u8]) -> Vec<u8> {
        self.public.encrypt(&mut self.random.clone(), padding, block).expect("the block fits the padding")
    }

    /// Decrypts one block, blinded; nothing is told about why it fails.
    pub(super) fn decrypt(&self, padding: Oaep, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.key.decrypt_blinded(&mut self.random.clone(), padding, block).ok().map(Zeroizing::new)
    }

    /// The chance that the key works with.
    pub(super) fn random(&self) -> &Random {
        &self.random
    }

    /// Bytes in one encrypted block or signature.
    pub(super) fn block_bytes(&self) -> usize {
        self.public.size()
    }

    /// Private-key operations done so far.
    pub(super) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// A key from outside may pass every formal check and still compute nonsense, so it signs once first. That
    /// one signature is not blinded: nobody chooses its text.
    fn checked(key: RsaPrivateKey, random: &Random) -> Result<Self, KeyError> {
        check_size(key.n().bits())?;
        let public = key.to_public_key();
        let kid = thumbprint(&public);
        let trial =
            key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&kid)).map_err(|_| KeyError::Broken)?;
        let this =
            Self { key, public, kid, random: random.clone(), operations: AtomicU64::new(0), file: None };
        if this.verifies(this.kid.as_bytes(), &trial) { Ok(this) } else { Err(KeyError::Broken) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn check_size(bits: usize) -> Result<(), KeyError> {
    if BITS.contains(&bits) && bits.is_multiple_of(8) { Ok(()) } else { Err(KeyError::Size(bits)) }
}

/// RFC 7638: the digest of the key's required members in this very order.
fn thumbprint(key: &RsaPublicKey) -> String {
    let number = |number: &BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    let members = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, number(key.e()), number(key.n()));
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}
