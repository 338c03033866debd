//! One JSON Web Encryption in compact form (RFC 7516), with RSA-OAEP-256 and A256GCM (RFC 7518) only.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::Oaep;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::key::PrivateKey;
use super::record::RecordError;

/// How the content key is wrapped, as the header names it (RFC 7518 4.3).
pub(super) const ALGORITHM: &str = "RSA-OAEP-256";
/// How the contents are encrypted, as the header names it (RFC 7518 5.3).
pub(super) const ENCRYPTION: &str = "A256GCM";

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// A compact JWE, cut into its parts and decoded.
pub(super) struct Jwe<'a> {
    /// The protected header's JSON text.
    pub(super) header: Vec<u8>,
    protected: &'a str,
    wrapped_key: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    ciphertext_and_tag: Vec<u8>,
}

impl<'a> Jwe<'a> {
    /// Cuts the text; nothing in it is trusted or used yet.
    pub(super) fn parse(text: &'a str) -> Result<Self, RecordError> {
        let parts: Vec<&str> = text.splitn(6, '.').collect();
        let [protected, wrapped_key, nonce, ciphertext, tag] = parts[..] else {
            return Err(RecordError::Truncated);
        };
        let mut ciphertext_and_tag = decode(ciphertext)?;
        let tag = decode(tag)?;
        if tag.len() != TAG_BYTES {
            return Err(RecordError::Truncated);
        }
        ciphertext_and_tag.extend(tag);
        Ok(Self {
            header: decode(protected)?,
            protected,
            wrapped_key: decode(wrapped_key)?,
            nonce: decode(nonce)?.try_into().map_err(|_| RecordError::Truncated)?,
            ciphertext_and_tag,
        })
    }

    /// What is inside.
    pub(super) fn open(&self, key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        if self.wrapped_key.len() != key.block_bytes() {
            return Err(RecordError::Truncated);
        }
        let content_key =
            key.decrypt(Oaep::new::<Sha256>(), &self.wrapped_key).ok_or(RecordError::Decryption)?;
        let cipher = Aes256Gcm::new_from_slice(&content_key).map_err(|_| RecordError::Decryption)?;
        let sealed = Payload { msg: &self.ciphertext_and_tag, aad: self.protected.as_bytes() };
        let contents = cipher.decrypt(Nonce::from_slice(&self.nonce), sealed);
        contents.map(Zeroizing::new).map_err(|_| RecordError::Decryption)
    }
}

/// The compact form of `contents` under this header, sealed for `key`.
pub(super) fn seal(key: &PrivateKey, header: &str, contents: &[u8]) -> String {
    let protected = URL_SAFE_NO_PAD.encode(header);
    let content_key = Zeroizing::new(key.random().bytes::<KEY_BYTES>());
    let wrapped_key = key.encrypt(Oaep::new::<Sha256>(), &*content_key);
    let nonce = key.random().bytes::<NONCE_BYTES>();
    let cipher = Aes256Gcm::new_from_slice(&*content_key).expect("32 bytes are an AES-256 key");
    let sealed = cipher
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: contents, aad: protected.as_bytes() })
        .expect("a record is far below what AES-GCM takes");
    let (ciphertext, tag) = sealed.split_at(contents.len());
    let rest = [&wrapped_key[..], &nonce, ciphertext, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{protected}.{}", rest.join("."))
}

fn decode(part: &str) -> Result<Vec<u8>, RecordError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| RecordError::Truncated)
}
