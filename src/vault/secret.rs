//! Texts and objects that are wiped when they end and never print.

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// A secret text: wiped on drop, `[redacted]` in every print.
#[derive(Default)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same once more, where it goes two ways.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::from(self.expose())
    }

    /// By what it is known where it is not kept: its SHA-256.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.expose()).into()
    }

    /// Whether this is the secret, compared in constant time.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// The longest secret that somebody hands over, in bytes.
const LONGEST: usize = 16 << 10;

/// A text that cannot be a token or a key that somebody hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it has to be one line of letters, digits and signs, without blanks, and of at most {LONGEST} bytes")]
pub struct NotASecret;

impl SecretText {
    /// A token or a key that somebody hands over, without the blanks around it: it is to travel in a header (RFC 6750, 2.1).
    ///
    /// # Errors
    /// [`NotASecret`], for nothing too.
    pub fn handed_over(text: &str) -> Result<Self, NotASecret> {
        let text = text.trim();
        let is_one = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then(|| Self::from(text)).ok_or(NotASecret)
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A JSON object with secrets in it: its texts are wiped on drop, `[redacted]` in every print.
#[derive(Default)]
pub struct SecretMap(Map<String, Value>);

impl SecretMap {
    /// The members themselves, for the one place that needs them.
    pub fn expose(&self) -> &Map<String, Value> {
        &self.0
    }

    pub(super) fn expose_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }
}

impl From<Map<String, Value>> for SecretMap {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

impl Drop for SecretMap {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

impl fmt::Debug for SecretMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
