//! Signing as an old bus does: once for each owner of webhooks and second.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ambient::Timestamp;
use crate::signature::rsa::RsaPrivateKey;

/// Above this, owners are signed for each time; a second has not the time for more signatures than these.
const REMEMBERED: usize = 4096;

/// The two headers of a signed webhook (`spec/meshblu.md` 5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacySignature {
    /// The value of `Date`.
    pub date: String,
    /// The value of `Authorization`.
    pub authorization: String,
}

/// Signs webhooks as an old bus does. The signature covers date and uuid alone, so all webhooks of one owner share it
/// for a second.
pub struct LegacySigner {
    key: RsaPrivateKey,
    this_second: Mutex<Second>,
}

/// The signatures of one second of the clock.
#[derive(Default)]
struct Second {
    date: String,
    signatures: HashMap<Box<str>, Arc<OnceLock<LegacySignature>>>,
}

impl LegacySigner {
    /// A signer with the bus's key.
    pub fn new(key: RsaPrivateKey) -> Self {
        Self { key, this_second: Mutex::default() }
    }

    /// The signature for webhooks of `owner`, whose uuid goes into `X-MESHBLU-UUID`. A private-key operation for the
    /// first call in a second; others wait for it.
    pub fn sign(&self, owner: &str, now: Timestamp) -> LegacySignature {
        let date = now.http_date();
        let signature = self.remembered(owner, &date);
        signature.get_or_init(|| self.make(owner, date)).clone()
    }

    fn remembered(&self, owner: &str, date: &str) -> Arc<OnceLock<LegacySignature>> {
        let mut second = self.this_second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.date != date {
            *second = Second { date: date.to_owned(), signatures: HashMap::new() };
        }
        if let Some(signature) = second.signatures.get(owner) {
            return signature.clone();
        }
        let signature = Arc::default();
        if second.signatures.len() < REMEMBERED {
            second.signatures.insert(owner.into(), Arc::clone(&signature));
        }
        signature
    }

    fn make(&self, owner: &str, date: String) -> LegacySignature {
        let text = format!("date: {date}\nx-meshblu-uuid: {owner}");
        let signature = STANDARD.encode(self.key.sign(text.as_bytes()));
        let said = r#"keyId="meshblu-webhook-key",algorithm="rsa-sha256",headers="date X-MESHBLU-UUID""#;
        LegacySignature { date, authorization: format!(r#"Signature {said},signature="{signature}""#) }
    }
}

impl fmt::Debug for LegacySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacySigner").field("key", &self.key).finish_non_exhaustive()
    }
}
