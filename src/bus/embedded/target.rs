//! A call of a webhook as the store keeps it, beside the work that makes it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::forwarder::{Proof, Webhook, in_latin1, webhooks};
use super::subscription::SubscriptionType;
use crate::egress::WebhookAddress;
use crate::message::{DeviceUuid, Route};
use crate::store::WebhookKey;

/// A call of a webhook.
pub(super) struct Call {
    pub(super) webhook: Webhook,
    /// The routes of the event before its own, oldest first, as JSON text; none if it was never sent on.
    pub(super) forwarded: Option<String>,
}

/// Where a call of a webhook leads.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// Host and port: calls that may wait for each other; empty where nothing can be called.
    pub(super) host: String,
    pub(super) webhook: WebhookKey,
}

/// The JSON form of a [`Call`].
#[derive(Serialize, Deserialize)]
pub(super) struct Target {
    /// Host and port of `url`: calls that may wait for each other.
    host: String,
    /// Tells `url` from the device's others, in few letters.
    #[serde(default)]
    hook: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    url: String,
    method: String,
    proof: Shown,
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forwarded: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shown {
    None,
    Signature,
    Credentials,
}

impl Target {
    /// The text that the store keeps of a call of `webhook` for an event that came by the routes `forwarded`.
    pub(super) fn text(webhook: &Webhook, forwarded: &[Route]) -> String {
        let latin1 = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
        let proof = match webhook.proof {
            Proof::None => Shown::None,
            Proof::Signature => Shown::Signature,
            Proof::Credentials => Shown::Credentials,
        };
        let target = Self {
            host: WebhookAddress::parse(&webhook.url).map_or_else(|_| String::new(), |url| url.destination()),
            hook: URL_SAFE_NO_PAD.encode(&Sha256::digest(&webhook.url)[..16]),
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            method: webhook.method.to_string(),
            proof,
            headers: webhook.headers.iter().map(|(name, value)| (name.to_string(), latin1(value))).collect(),
            forwarded: (!forwarded.is_empty()).then(|| json_text(&forwarded)),
        };
        json_text(&target)
    }

    /// Where a stored call of a webhook of `device` leads.
    pub(super) fn destination(device: &DeviceUuid, text: Option<&str>) -> Destination {
        let stored: Option<Self> = text.and_then(|text| serde_json::from_str(text).ok());
        let (host, hook) = stored.map(|Self { host, hook, .. }| (host, hook)).unwrap_or_default();
        Destination { host, webhook: WebhookKey { device: device.clone(), hook } }
    }

    /// A stored text's webhook for `event` as `document` has it now: the same, else the one of its name, or of its address
    /// where it has no name. None where there is none, or where it could be one of several.
    pub(super) fn as_it_is_now(document: &Value, event: &str, webhook: &Webhook) -> Option<Webhook> {
        let of_event = webhooks(document, SubscriptionType::parse(event)?);
        let now = of_event.iter().filter_map(|entry| Self::read(&Self::text(entry, &[])));
        let mut like = Vec::new();
        for Call { webhook: other, .. } in now {
            if other == *webhook {
                return Some(other);
            }
            like.extend(other.takes_the_place_of(webhook).then_some(other));
        }
        if like.len() == 1 { like.pop() } else { None }
    }

    /// The call of a stored text, if it is one.
    pub(super) fn read(text: &str) -> Option<Call> {
        let Self { host: _, hook: _, name, url, method, proof, headers, forwarded } =
            serde_json::from_str(text).ok()?;
        let header = |(name, value): (String, String)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, in_latin1(&value)?))
        };
        let proof = match proof {
            Shown::None => Proof::None,
            Shown::Signature => Proof::Signature,
            Shown::Credentials => Proof::Credentials,
        };
        let webhook = Webhook {
            name,
            url,
            method: Method::from_bytes(method.as_bytes()).ok()?,
            proof,
            headers: headers.into_iter().filter_map(header).collect(),
        };
        Some(Call { webhook, forwarded })
    }
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts are JSON")
}
