//! What a device wants done with an event that reaches it or leaves it: its `meshblu.forwarders` (`spec/meshblu.md` 5.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Uri};
use serde_json::{Map, Value};

use super::subscription::SubscriptionType;
use crate::egress::Url;

/// More entries than these of one list are ignored.
const MAX_FORWARDERS: usize = 100;

/// A request that tells an event to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// An absolute `http` or `https` address; no more is known about where it leads.
    pub url: String,
    /// In capital letters; `GET` where the entry says nothing.
    pub method: Method,
    /// How the request shows where it comes from.
    pub proof: Proof,
    /// Headers of the device's own; none that frame the request or that the bus sets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
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

/// The webhooks that fire for an event of this kind, in order and as often as they are listed.
/// Malformed entries are skipped.
pub fn webhooks(document: &Value, kind: SubscriptionType) -> Vec<Webhook> {
    entries(document, kind, "webhook").filter_map(webhook).collect()
}

/// Whether the device sends an event of this kind on as its own (`spec/meshblu.md` 4.4).
pub fn sends_on(document: &Value, kind: SubscriptionType) -> bool {
    entries(document, kind, "meshblu").next().is_some()
}

fn entries<'a>(
    document: &'a Value,
    kind: SubscriptionType,
    of_type: &'a str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    kind.as_str()
        .split_once('.')
        .and_then(|(group, name)| {
            document.get("meshblu")?.get("forwarders")?.get(group)?.get(name)?.as_array()
        })
        .into_iter()
        .flatten()
        .take(MAX_FORWARDERS)
        .filter_map(Value::as_object)
        .filter(move |entry| text(entry, "type") == Some(of_type))
}

fn webhook(entry: &Map<String, Value>) -> Option<Webhook> {
    let mut headers = headers(entry)?;
    if let Some(login) = login(entry)? {
        headers.retain(|(name, _)| name != AUTHORIZATION);
        headers.push((AUTHORIZATION, login));
    }
    Some(Webhook {
        url: with_query(url(entry)?, entry)?,
        method: method(entry)?,
        proof: proof(entry),
        headers,
    })
}

fn url(entry: &Map<String, Value>) -> Option<String> {
    let url = match (text(entry, "baseUrl"), text(entry, "uri").or(text(entry, "url"))) {
        (Some(base), Some(rest)) => join(base, rest),
        (base, rest) => rest.or(base)?.to_owned(),
    };
    let parsed: Uri = url.parse().ok()?;
    let host = parsed.host()?;
    let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
    let is_slip = host.is_empty() || host.ends_with("undefined") || host.ends_with("null");
    (is_http && !is_slip).then_some(url)
}

fn join(base: &str, rest: &str) -> String {
    if rest.is_empty() {
        return base.to_owned();
    }
    format!("{}/{}", base.strip_suffix('/').unwrap_or(base), rest.strip_prefix('/').unwrap_or(rest))
}

/// The address with the members of `qs` in its query, in place of what it had under their names.
fn with_query(url: String, entry: &Map<String, Value>) -> Option<String> {
    let members = match entry.get("qs") {
        None | Some(Value::Null) => return Some(url),
        Some(members) => members.as_object()?,
    };
    let mut address = Url::parse(&url).ok()?;
    let own = address.query_pairs().filter(|(name, _)| !members.contains_key(&**name));
    let own: Vec<_> = own.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let added = members.iter().map(|(name, value)| Some((name.clone(), scalar(value)?)));
    let all = own.into_iter().map(Some).chain(added).collect::<Option<Vec<_>>>()?;
    address.query_pairs_mut().clear().extend_pairs(all);
    Some(address.into())
}

/// What `auth` puts into the header: a pair (RFC 7617) or a token (RFC 6750).
fn login(entry: &Map<String, Value>) -> Option<Option<HeaderValue>> {
    let auth = match entry.get("auth") {
        None | Some(Value::Null) => return Some(None),
        Some(auth) => auth.as_object()?,
    };
    let either = |one, other| text(auth, one).or(text(auth, other)).unwrap_or_default();
    let value = match text(auth, "bearer") {
        Some(token) => format!("Bearer {token}"),
        None => {
            let pair = format!("{}:{}", either("user", "username"), either("pass", "password"));
            format!("Basic {}", STANDARD.encode(pair))
        }
    };
    let mut header = HeaderValue::from_str(&value).ok()?;
    header.set_sensitive(true);
    Some(Some(header))
}

fn method(entry: &Map<String, Value>) -> Option<Method> {
    let name = match entry.get("method") {
        None | Some(Value::Null) => return Some(Method::GET),
        Some(name) => name.as_str()?.to_ascii_uppercase(),
    };
    Method::from_bytes(name.as_bytes()).ok().filter(|method| *method != Method::CONNECT)
}

fn proof(entry: &Map<String, Value>) -> Proof {
    let asks_for = |property| matches!(entry.get(property), Some(Value::Bool(true)));
    if asks_for("generateAndForwardMeshbluCredentials") {
        Proof::Credentials
    } else if asks_for("signRequest") {
        Proof::Signature
    } else {
        Proof::None
    }
}

fn headers(entry: &Map<String, Value>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    match entry.get("headers") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(headers) => headers
            .as_object()?
            .iter()
            .map(header)
            .filter(|header| header.as_ref().is_none_or(may_set))
            .collect(),
    }
}

fn header((name, value): (&String, &Value)) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(&scalar(value)?).ok()?))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A device must neither change where the request ends nor speak for the bus.
fn may_set((name, _): &(HeaderName, HeaderValue)) -> bool {
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
