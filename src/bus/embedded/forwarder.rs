//! What a device wants done with an event that reaches it or leaves it: its `meshblu.forwarders` (`spec/meshblu.md` 5.1).

mod address;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};

use self::address::Address;
pub(super) use self::address::escaped;
use super::subscription::SubscriptionType;

/// More entries than these of one list are ignored.
const MAX_FORWARDERS: usize = 100;

/// A request that tells an event to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What its owner calls it.
    pub name: Option<String>,
    /// An absolute `http` or `https` address; no more is known about where it leads.
    pub url: String,
    /// In capital letters; `GET` where the entry says nothing.
    pub method: Method,
    /// How the request shows where it comes from.
    pub proof: Proof,
    /// Headers of the device's own; none that frame the request or that the bus sets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Webhook {
    /// Whether one of both may have become the other: both go by one name, or by one address where they have none.
    pub(super) fn goes_by_the_same_as(&self, other: &Self) -> bool {
        match (&self.name, &other.name) {
            (None, None) => self.url == other.url,
            (one, other) => one == other,
        }
    }
}

/// How a webhook's receiver can tell that the bus sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all.
    None,
    /// The bus signs the request (`signRequest`).
    Signature,
    /// A short-lived token of the device itself (`generateAndForwardMeshbluCredentials`); wins over a signature.
    Credentials,
}

/// The value of a header in Latin-1, which is what Node.js makes of a text; nothing where that has other letters.
pub(super) fn in_latin1(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

/// The webhooks that fire for an event of this kind, in order and as often as they are listed.
/// Malformed entries are skipped.
pub fn webhooks(document: &Value, kind: SubscriptionType) -> Vec<Webhook> {
    listed(document, kind).filter_map(|(_, webhook)| webhook).collect()
}

/// The same with the place of each in the device's list; nothing for a malformed entry.
pub(super) fn listed(
    document: &Value,
    kind: SubscriptionType,
) -> impl Iterator<Item = (usize, Option<Webhook>)> {
    entries(document, kind, "webhook").map(|(place, entry)| (place, webhook(entry)))
}

/// What one entry of a list calls; nothing where it is malformed or of another type.
pub fn webhook_of(entry: &Value) -> Option<Webhook> {
    entry.as_object().filter(|entry| text(entry, "type") == Some("webhook")).and_then(webhook)
}

/// Whether the device has webhooks for an event of this kind, malformed or not.
pub(super) fn calls_webhooks(document: &Value, kind: SubscriptionType) -> bool {
    entries(document, kind, "webhook").next().is_some()
}

/// Whether the device sends an event of this kind on as its own (`spec/meshblu.md` 4.4).
pub fn sends_on(document: &Value, kind: SubscriptionType) -> bool {
    entries(document, kind, "meshblu").next().is_some()
}

fn entries<'a>(
    document: &'a Value,
    kind: SubscriptionType,
    of_type: &'a str,
) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> {
    kind.as_str()
        .split_once('.')
        .and_then(|(group, name)| {
            document.get("meshblu")?.get("forwarders")?.get(group)?.get(name)?.as_array()
        })
        .into_iter()
        .flatten()
        .take(MAX_FORWARDERS)
        .enumerate()
        .filter_map(|(place, entry)| Some((place, entry.as_object()?)))
        .filter(move |(_, entry)| text(entry, "type") == Some(of_type))
}

fn webhook(entry: &Map<String, Value>) -> Option<Webhook> {
    let mut headers = headers(entry)?;
    let (address, login_of_url) = Address::of(entry)?.with_query(entry)?.without_login()?;
    if let Some(login) = login(entry)? {
        headers.retain(|(name, _)| name != AUTHORIZATION);
        headers.push((AUTHORIZATION, login));
    } else if headers.iter().all(|(name, _)| name != AUTHORIZATION) {
        headers.extend(login_of_url.map(|login| (AUTHORIZATION, login)));
    }
    let name = text(entry, "name").map(str::to_owned);
    Some(Webhook { name, url: address.text, method: method(entry)?, proof: proof(entry), headers })
}

fn basic(pair: &[u8]) -> Option<HeaderValue> {
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut header = in_latin1(value)?;
    header.set_sensitive(true);
    Some(header)
}

/// What `auth` puts into the header: a pair (RFC 7617) or a token (RFC 6750).
fn login(entry: &Map<String, Value>) -> Option<Option<HeaderValue>> {
    let auth = match entry.get("auth") {
        None | Some(Value::Null) => return Some(None),
        Some(auth) => auth.as_object()?,
    };
    let either = |one, other| text(auth, one).or(text(auth, other)).unwrap_or_default();
    let pair = || format!("{}:{}", either("user", "username"), either("pass", "password"));
    let header = match text(auth, "bearer") {
        Some(token) => sensitive(&format!("Bearer {token}")),
        None => basic(pair().as_bytes()),
    };
    header.map(Some)
}

fn method(entry: &Map<String, Value>) -> Option<Method> {
    let name = match entry.get("method") {
        None | Some(Value::Null) => return Some(Method::GET),
        Some(name) => name.as_str()?.to_ascii_uppercase(),
    };
    Method::from_bytes(name.as_bytes()).ok().filter(|method| *method != Method::CONNECT)
}

fn proof(entry: &Map<String, Value>) -> Proof {
    let asks_for = |property| entry.get(property).is_some_and(is_truthy);
    if asks_for("generateAndForwardMeshbluCredentials") {
        Proof::Credentials
    } else if asks_for("signRequest") {
        Proof::Signature
    } else {
        Proof::None
    }
}

/// What JavaScript takes for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_true) => *is_true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// A list is a header for each of its items; what is no text is left out.
fn headers(entry: &Map<String, Value>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let members = match entry.get("headers") {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(headers) => headers.as_object()?,
    };
    let items = members.iter().flat_map(|(name, value)| {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        items.iter().filter_map(move |item| Some((name, text_of(item)?)))
    });
    let headers =
        items.map(|(name, value)| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, in_latin1(&value)?)));
    headers.filter(|header| header.as_ref().is_none_or(|(name, _)| may_set(name))).collect()
}

fn text_of(scalar: &Value) -> Option<String> {
    match scalar {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(scalar.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A device must neither change where the request ends nor speak for the bus.
fn may_set(name: &HeaderName) -> bool {
    const RESERVED: [&str; 10] = [
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    !name.as_str().starts_with("x-meshblu-") && !RESERVED.contains(&name.as_str())
}

fn text<'a>(entry: &'a Map<String, Value>, property: &str) -> Option<&'a str> {
    entry.get(property).and_then(Value::as_str)
}
