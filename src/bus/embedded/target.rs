//! A webhook as the store keeps it, beside the work that calls it.

use http::{HeaderName, HeaderValue, Method, Uri};
use serde::{Deserialize, Serialize};

use super::forwarder::{Proof, Webhook};

/// The JSON form of a [`Webhook`].
#[derive(Serialize, Deserialize)]
pub(super) struct Target {
    /// Host and port of `url`: calls that may wait for each other.
    host: String,
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
        Self {
            host: host(&webhook.url),
            url: webhook.url.clone(),
            method: webhook.method.to_string(),
            proof,
            headers,
        }
    }
}

impl Target {
    /// The text that the store keeps.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }

    /// The host of a stored text; empty where there is none.
    pub(super) fn host(text: &str) -> String {
        serde_json::from_str(text).map_or_else(|_| String::new(), |target: Self| target.host)
    }

    /// The webhook of a stored text, if it is one.
    pub(super) fn read(text: &str) -> Option<Webhook> {
        let Self { host: _, url, method, proof, headers } = serde_json::from_str(text).ok()?;
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

fn host(url: &str) -> String {
    let authority = url.parse::<Uri>().ok().and_then(|url| url.authority().map(ToString::to_string));
    authority.unwrap_or_default().to_ascii_lowercase()
}
