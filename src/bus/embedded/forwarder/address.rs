//! Where an entry of a device's forwarders leads, as Node.js reads it.

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{basic, text, text_of};
use crate::egress::Url;

/// An absolute `http` or `https` address.
pub(super) struct Address {
    /// As it is kept, and known again.
    pub(super) text: String,
    /// The same, as it is called.
    url: Url,
}

impl Address {
    /// What an entry says of it; nothing where that is no address.
    pub(super) fn of(entry: &Map<String, Value>) -> Option<Self> {
        match (text(entry, "baseUrl"), text(entry, "uri").or(text(entry, "url"))) {
            (Some(base), Some(rest)) => Self::read(&join(base, rest)),
            (base, rest) => Self::read(rest.or(base)?),
        }
    }

    fn read(written: &str) -> Option<Self> {
        let text = escaped(written);
        let url = Url::parse(&text).ok()?;
        let (scheme, behind) = text.split_once("://")?;
        // Without two slashes and a host behind them it is none for Node.js.
        let is_absolute = scheme.eq_ignore_ascii_case(url.scheme()) && !behind.starts_with('/');
        let is_http = matches!(url.scheme(), "http" | "https");
        let is_slip = |host: &str| host.ends_with("undefined") || host.ends_with("null");
        let is_host = url.domain().map_or(url.has_host(), |name| is_name(name) && !is_slip(name));
        let is_one = is_absolute && is_http && is_host;
        is_one.then_some(Self { text, url })
    }

    /// The same with the members of `qs` in its query, in place of what it had under their names.
    pub(super) fn with_query(self, entry: &Map<String, Value>) -> Option<Self> {
        let members = match entry.get("qs") {
            None | Some(Value::Null) => return Some(self),
            Some(members) => members.as_object()?,
        };
        let mut url = self.url;
        let is_kept = |name: &str| !members.contains_key(name.split('[').next().unwrap_or(name));
        let mut all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        all.retain(|(name, _)| is_kept(name));
        members.iter().for_each(|(name, value)| add_pairs(&mut all, name.clone(), value));
        url.set_query(None);
        if !all.is_empty() {
            url.query_pairs_mut().extend_pairs(all);
        }
        Some(Self { text: url.to_string(), url })
    }

    /// The same without a name and a password in it, which go into the header (RFC 7617) as clients do it.
    pub(super) fn without_login(mut self) -> Option<(Self, Option<HeaderValue>)> {
        let (name, password) = (self.url.username(), self.url.password());
        if name.is_empty() && password.is_none() {
            return Some((self, None));
        }
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let pair = [&decoded(name)[..], b":", &decoded(password.unwrap_or_default())].concat();
        self.url.set_username("").ok()?;
        self.url.set_password(None).ok()?;
        self.text = self.url.to_string();
        Some((self, Some(basic(&pair)?)))
    }
}

/// Whether it can be looked up (RFC 1035), with the underscores that some have.
fn is_name(host: &str) -> bool {
    let is_sound = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_sound);
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253 && name.split('.').all(is_label)
}

fn join(base: &str, rest: &str) -> String {
    if rest.is_empty() {
        return base.to_owned();
    }
    format!("{}/{}", base.strip_suffix('/').unwrap_or(base), rest.strip_prefix('/').unwrap_or(rest))
}

/// The address as Node.js takes it (`url.parse`): what may not stand behind the host, or is often misread there, is escaped.
/// What is escaped stays as it is.
pub(in crate::bus::embedded) fn escaped(address: &str) -> String {
    let address = address.trim();
    let host = address.find("://").map_or(0, |scheme| scheme + "://".len());
    let behind = address[host..].find(['/', '\\', '?', '#']).map_or(address.len(), |length| host + length);
    let (mut url, behind) = (address[..behind].to_owned(), &address[behind..]);
    let path = behind.find(['?', '#']).unwrap_or(behind.len());
    for (place, letter) in behind.char_indices() {
        match letter {
            '\\' if place < path => url.push('/'),
            '\t' | '\n' | '\r' | ' ' | '"' | '\'' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                url.push_str(&format!("%{:02X}", u32::from(letter)));
            }
            letter => url.push(letter),
        }
    }
    url
}

/// A list and an object are pairs of their own, with their places and names in brackets.
fn add_pairs(pairs: &mut Vec<(String, String)>, name: String, value: &Value) {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(place, item)| add_pairs(pairs, format!("{name}[{place}]"), item)),
        Value::Object(members) => {
            members.iter().for_each(|(member, value)| add_pairs(pairs, format!("{name}[{member}]"), value))
        }
        scalar => pairs.push((name, text_of(scalar).unwrap_or_default())),
    }
}
