//! A webhook as the store keeps it, beside the work that calls it.

use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use super::forwarder::{Proof, Webhook};

/// The JSON form of a [`Webhook`].
#[derive(Serialize, Deserialize)]
pub(super) struct Target {
    url: String,
    method: String,
    proof: Shown,
    headers: Vec<(String, String)>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shown {
    None,
    Signature,
    Credentials,
}

impl From<&Webhook> for Target {
    fn from(webhook: &Webhook) -> Self {
        let header = |(name, value): &(HeaderName, HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let proof = match webhook.proof {
            Proof::None => Shown::None,
            Proof::Signature => Shown::Signature,
            Proof::Credentials => Shown::Credentials,
        };
        let headers = webhook.headers.iter().filter_map(header).collect();
        Self { url: webhook.url.clone(), method: webhook.method.to_string(), proof, headers }
    }
}

impl Target {
    /// The text that the store keeps.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }

    /// The webhook of a stored text, if it is one.
    pub(super) fn read(text: &str) -> Option<Webhook> {
        let Self { url, method, proof, headers } = serde_json::from_str(text).ok()?;
        let header = |(name, value): (String, String)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(&value).ok()?))
        };
        let proof = match proof {
            Shown::None => Proof::None,
            Shown::Signature => Proof::Signature,
            Shown::Credentials => Proof::Credentials,
        };
        Some(Webhook {
            url,
            method: Method::from_bytes(method.as_bytes()).ok()?,
            proof,
            headers: headers.into_iter().filter_map(header).collect(),
        })
    }
}
