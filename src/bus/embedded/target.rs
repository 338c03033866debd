//! A call of a webhook as the store keeps it, beside the work that makes it.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::forwarder::{Proof, Webhook, escaped, in_latin1, webhooks};
use super::subscription::SubscriptionType;
use crate::egress::WebhookAddress;
use crate::message::{DeviceUuid, Route};
use crate::store::WebhookKey;

/// A call of a webhook.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) webhook: Webhook,
    /// The prints of those that went by the same at the event; none where that was not written down.
    beside: Option<Vec<String>>,
    /// Whether it was at its address alone of all those.
    alone: bool,
    /// The routes of the event before its own, oldest first, as JSON text; none if it was never sent on.
    pub(super) forwarded: Option<String>,
}

/// What became of the webhook of a call.
pub(super) enum Now {
    TheSame,
    /// It has changed: the text of its call.
    Changed(String),
    Gone,
}

impl Call {
    /// What the device of this document has for `event` in the place of the webhook.
    pub(super) fn now(&self, document: &Value, event: &str) -> Now {
        match self.webhook_now(document, event) {
            None => Now::Gone,
            Some(webhook) if webhook == self.webhook => Now::TheSame,
            Some(webhook) => Now::Changed(json_text(&Target {
                beside: Some(self.beside.clone().unwrap_or_default()),
                alone: self.alone,
                forwarded: self.forwarded.clone(),
                ..Target::of(&webhook)
            })),
        }
    }

    /// The webhook as `document` has it now: the same, else the one that it became. It became the only one that goes by the
    /// same and is new, where it is the only one of those that is gone: what was there at the event has its own call. Where
    /// several are gone or new, it became the new one at the address that it had alone.
    fn webhook_now(&self, document: &Value, event: &str) -> Option<Webhook> {
        let mut alike = webhooks(document, SubscriptionType::parse(event)?);
        alike.retain(|other| self.is_like(other));
        if alike.contains(&self.webhook) {
            return Some(self.webhook.clone());
        }
        let mut gone = self.beside.clone().unwrap_or_default();
        let known = gone.clone();
        alike.retain(|other| {
            let print = print(other);
            gone.retain(|known| *known != print);
            !known.contains(&print)
        });
        if !gone.is_empty() || alike.len() > 1 {
            alike.retain(|other| self.alone && other.url == self.webhook.url);
        }
        if alike.len() == 1 { alike.pop() } else { None }
    }

    fn is_like(&self, other: &Webhook) -> bool {
        // Before that was written down, names were not at first.
        let is_unnamed_perhaps = self.beside.is_none() && self.webhook.name.is_none();
        other.goes_by_the_same_as(&self.webhook) || is_unnamed_perhaps && other.url == self.webhook.url
    }
}

/// The JSON form of a [`Call`].
#[derive(Default, Serialize, Deserialize)]
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
    beside: Option<Vec<String>>,
    #[serde(default)]
    alone: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forwarded: Option<String>,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shown {
    #[default]
    None,
    Signature,
    Credentials,
}

impl Target {
    /// The texts that the store keeps of the calls of `webhooks`, all that one list of a device has for an event that came
    /// by the routes `forwarded`.
    pub(super) fn texts(webhooks: &[Webhook], forwarded: &[Route]) -> impl Iterator<Item = String> {
        let prints: Vec<String> = match webhooks {
            [_] => vec![String::new()],
            several => several.iter().map(print).collect(),
        };
        webhooks.iter().enumerate().map(move |(place, webhook)| {
            let others = webhooks.iter().zip(&prints).enumerate().filter(|(other, _)| *other != place);
            let alike =
                others.map(|(_, other)| other).filter(|(other, _)| other.goes_by_the_same_as(webhook));
            json_text(&Self {
                beside: Some(alike.clone().map(|(_, print)| print.clone()).collect()),
                alone: alike.clone().all(|(other, _)| other.url != webhook.url),
                forwarded: (!forwarded.is_empty()).then(|| json_text(&forwarded)),
                ..Self::of(webhook)
            })
        })
    }

    fn of(webhook: &Webhook) -> Self {
        let latin1 = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
        let proof = match webhook.proof {
            Proof::None => Shown::None,
            Proof::Signature => Shown::Signature,
            Proof::Credentials => Shown::Credentials,
        };
        Self {
            host: WebhookAddress::parse(&webhook.url).map_or_else(|_| String::new(), |url| url.destination()),
            hook: short(&Sha256::digest(&webhook.url)[..16]),
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            method: webhook.method.to_string(),
            proof,
            headers: webhook.headers.iter().map(|(name, value)| (name.to_string(), latin1(value))).collect(),
            ..Self::default()
        }
    }

    /// Which webhook of `device` a stored call leads to.
    pub(super) fn key(device: &DeviceUuid, text: Option<&str>) -> WebhookKey {
        let stored: Option<Self> = text.and_then(|text| serde_json::from_str(text).ok());
        stored.unwrap_or_default().key_of(device)
    }

    /// Which webhooks a device of this document has.
    pub(super) fn keys(device: &DeviceUuid, document: &Value) -> HashSet<WebhookKey> {
        let all = SubscriptionType::ALL.into_iter().flat_map(|kind| webhooks(document, kind));
        all.map(|webhook| Self::of(&webhook).key_of(device)).collect()
    }

    fn key_of(self, device: &DeviceUuid) -> WebhookKey {
        WebhookKey::new(self.host.into(), device.clone(), self.hook.into())
    }

    /// The call of a stored text, if it is one.
    pub(super) fn read(text: &str) -> Option<Call> {
        let stored: Self = serde_json::from_str(text).ok()?;
        let Self { name, url, method, proof, headers, beside, alone, forwarded, .. } = stored;
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
            // It was written as its device has it before addresses were escaped.
            url: escaped(&url),
            method: Method::from_bytes(method.as_bytes()).ok()?,
            proof,
            headers: headers.into_iter().filter_map(header).collect(),
        };
        Some(Call { webhook, beside, alone, forwarded })
    }
}

/// Tells a webhook from all others, in few letters.
fn print(webhook: &Webhook) -> String {
    short(&Sha256::digest(json_text(&Target::of(webhook)))[..9])
}

fn short(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts are JSON")
}
