//! RSA keys: the old form's (`spec/endo.md` 4), PKCS#1 v1.5 with SHA-256 or SHA-512.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKey};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    RsaParameters,
};
use zeroize::Zeroizing;

use super::key_error::KeyError;
use super::pem;

const MIN_BITS: u32 = 2048;
const TRIAL: &[u8] = b"a key signs once before it is used";

/// The hash under an RSA signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

/// The public half of an RSA key of at least 2048 bits.
#[derive(Clone)]
pub struct RsaPublicKey {
    sha256: ParsedPublicKey,
    sha512: ParsedPublicKey,
    bits: u32,
}

impl RsaPublicKey {
    /// Reads PEM, PKCS#1 (`RSA PUBLIC KEY`) or SPKI (`PUBLIC KEY`).
    ///
    /// # Errors
    /// [`KeyError`], also for keys below 2048 bits.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        match pem::read(text) {
            Some(("RSA PUBLIC KEY" | "PUBLIC KEY", der)) => {
                Self::new(&PublicKey::from_der(&der).map_err(KeyError::Rejected)?)
            }
            _ => Err(KeyError::Form { expected: "PUBLIC KEY or RSA PUBLIC KEY" }),
        }
    }

    fn new(key: &PublicKey) -> Result<Self, KeyError> {
        let pkcs1 = key.as_ref();
        let bits = RsaParameters::public_modulus_len(pkcs1).expect("a key that was read has a length");
        if bits < MIN_BITS {
            return Err(KeyError::Weak(bits));
        }
        Ok(Self {
            sha256: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pkcs1).map_err(KeyError::Rejected)?,
            sha512: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA512, pkcs1).map_err(KeyError::Rejected)?,
            bits,
        })
    }

    /// The key as SPKI PEM, as `/publickey` serves it (`spec/meshblu.md` 1.9).
    pub fn to_pem(&self) -> String {
        let der = self.sha256.as_der().expect("a key that was read can be written");
        pem::write("PUBLIC KEY", der.as_ref()).to_string()
    }

    pub(super) fn verifies(&self, hash: Hash, text: &[u8], signature: &[u8]) -> bool {
        let key = match hash {
            Hash::Sha256 => &self.sha256,
            Hash::Sha512 => &self.sha512,
        };
        key.verify_sig(text, signature).is_ok()
    }
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaPublicKey").field("bits", &self.bits).finish_non_exhaustive()
    }
}

/// An RSA private key of at least 2048 bits. Wiped on drop, never printed.
pub struct RsaPrivateKey {
    pair: KeyPair,
    public: RsaPublicKey,
}

impl RsaPrivateKey {
    /// Reads PEM, PKCS#1 (`RSA PRIVATE KEY`) or unencrypted PKCS#8 (`PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyError`], also for keys below 2048 bits.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let pair = match pem::read(text) {
            Some(("RSA PRIVATE KEY", der)) => KeyPair::from_der(&der),
            Some(("PRIVATE KEY", der)) => KeyPair::from_pkcs8(&der),
            _ => return Err(KeyError::Form { expected: "PRIVATE KEY or RSA PRIVATE KEY" }),
        };
        Self::new(pair.map_err(KeyError::Rejected)?)
    }

    /// A new key of 2048 bits, from the operating system's randomness. Takes up to a second: call it on a blocking
    /// thread.
    ///
    /// # Errors
    /// [`KeyError::Generation`].
    pub fn generate() -> Result<Self, KeyError> {
        Self::new(KeyPair::generate(KeySize::Rsa2048).map_err(KeyError::Generation)?)
    }

    /// The public half.
    pub fn public(&self) -> &RsaPublicKey {
        &self.public
    }

    /// The key as PKCS#8 PEM.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().expect("a key that was read can be written");
        pem::write("PRIVATE KEY", der.as_ref())
    }

    /// RSA with SHA-256 over `text`. Deterministic.
    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        sign(&self.pair, text).expect("a key that signed once signs again")
    }

    fn new(pair: KeyPair) -> Result<Self, KeyError> {
        let public = RsaPublicKey::new(pair.public_key())?;
        sign(&pair, TRIAL).map_err(KeyError::Generation)?;
        Ok(Self { pair, public })
    }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaPrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

fn sign(pair: &KeyPair, text: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature)?;
    Ok(signature)
}
