//! What a browser is known by: random bytes that nobody else has, and what is sealed under them.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::sealer::Sealer;
use crate::ambient::Random;

/// 32 random bytes that one browser keeps. This side keeps their fingerprint, and what is sealed with a key that is made
/// from them, so that what is stored here opens nothing by itself.
#[derive(Clone)]
pub struct Pass(Zeroizing<[u8; 32]>);

impl Pass {
    /// One that nobody has yet.
    pub fn fresh(random: &Random) -> Self {
        Self(Zeroizing::new(random.bytes()))
    }

    /// The pass that a browser shows.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// Its text, for the one browser that is to have it.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.0))
    }

    /// By what this side finds it again. Of 32 random bytes a plain hash tells nothing.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(*self.0).into()
    }

    /// What shows that a form was made for whoever has the pass.
    pub fn form_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.mac_key(), b"form"))
    }

    /// Whether `text` is that; compared in constant time.
    pub fn is_form_token(&self, text: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        hmac::verify(&self.mac_key(), b"form", &tag).is_ok()
    }

    /// What this pass and `other` make together for that place, every time; neither of them makes it alone.
    pub fn with(&self, other: &Self, place: &[u8]) -> Self {
        Self(self.made_of(&[b"with".as_slice(), &*other.0, place].concat()))
    }

    /// What shows to a provider that whoever brings a code is who sent the browser there (RFC 7636).
    pub fn verifier(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.mac_key(), b"verifier"))
    }

    /// The bytes under a key that the pass alone makes.
    pub fn seal(&self, bytes: &[u8], random: &Random) -> Vec<u8> {
        self.sealer().seal(bytes, &self.fingerprint(), random)
    }

    /// What was sealed under this pass; none where it was not, or was changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.sealer().open(sealed, &self.fingerprint())
    }

    fn sealer(&self) -> Sealer {
        Sealer::new(&self.made_of(b"seal"))
    }

    fn made_of(&self, text: &[u8]) -> Zeroizing<[u8; 32]> {
        let tag = hmac::sign(&self.mac_key(), text);
        Zeroizing::new(tag.as_ref().try_into().expect("HMAC-SHA256 makes 32 bytes"))
    }

    fn mac_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.0)
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass([redacted])")
    }
}
