//! Signing what we send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::base::base;
use super::parameters::Parameters;
use super::structured::Value;
use super::verify::ALGORITHM;
use crate::ambient::Timestamp;
use crate::signature::component::Component;
use crate::signature::digest;
use crate::signature::ed25519::Ed25519PrivateKey;
use crate::signature::request::{FieldError, Request};

const LABEL: &str = "endo";

/// Seconds for which receivers may believe a signature, whatever they think of its age.
const LIFE: i64 = 300;

/// The three headers of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSignature {
    /// The value of `Content-Digest` (RFC 9530).
    pub content_digest: String,
    /// The value of `Signature-Input`.
    pub signature_input: String,
    /// The value of `Signature`.
    pub signature: String,
}

/// Signs requests with Ed25519 by RFC 9421.
#[derive(Debug)]
pub struct MessageSigner {
    key: Ed25519PrivateKey,
    key_id: String,
}

impl MessageSigner {
    /// A signer whose receivers know its key by its thumbprint.
    pub fn new(key: Ed25519PrivateKey) -> Self {
        let key_id = key.thumbprint();
        Self { key, key_id }
    }

    /// The name of the key, as signatures carry it in `keyid`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key.
    pub fn key(&self) -> &Ed25519PrivateKey {
        &self.key
    }

    /// Signs method, host, path, query if there is one, every field that the request holds here, and the digest of
    /// its body. Fields that the way may change do not belong in it.
    ///
    /// # Errors
    /// [`FieldError`] for a field that is there twice, or holds a line break.
    pub fn sign(&self, request: &Request<'_>, now: Timestamp) -> Result<MessageSignature, FieldError> {
        let content_digest = digest::of(request.body);
        let mut fields = request.fields.to_vec();
        fields.push((digest::FIELD, content_digest.as_bytes()));
        let request = Request { fields: &fields, ..*request };
        let parameters = Parameters::new(components(&request), self.values(now));
        let signature = STANDARD.encode(self.key.sign(&base(&request, &parameters)?));
        Ok(MessageSignature {
            signature_input: format!("{LABEL}={}", parameters.write()),
            signature: format!("{LABEL}=:{signature}:"),
            content_digest,
        })
    }

    /// In this order, because some receivers write them down in it whatever they read.
    fn values(&self, now: Timestamp) -> Vec<(&'static str, Value)> {
        let created = now.as_millis().div_euclid(1000);
        vec![
            ("created", Value::Integer(created)),
            ("expires", Value::Integer(created.saturating_add(LIFE))),
            ("alg", Value::Text(ALGORITHM.to_owned())),
            ("keyid", Value::Text(self.key_id.clone())),
        ]
    }
}

fn components(request: &Request<'_>) -> Vec<Component> {
    let mut components = vec![Component::Method, Component::Authority, Component::Path];
    components.extend(request.query().map(|_| Component::Query));
    components.extend(request.fields.iter().map(|(name, _)| Component::field(name)));
    components
}
