//! The secret that API clients carry.

use std::fmt;

use http::HeaderValue;
use zeroize::Zeroizing;

use super::error::EgressError;

/// A secret for an `Authorization: Bearer` header (RFC 6750); wiped when dropped, never printed.
#[derive(Clone)]
pub struct Bearer(Zeroizing<String>);

impl Bearer {
    /// Takes the secret over.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    pub(super) fn header(&self) -> Result<HeaderValue, EgressError> {
        let text = Zeroizing::new(format!("Bearer {}", *self.0));
        let mut header = HeaderValue::from_str(&text).map_err(|_| EgressError::Bearer)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
