//! Query strings and forms with nested names: `uuid[$in][0]=a` (`spec/meshblu.md` 0.1 and 1.6).

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// More pairs than these are ignored.
const MAX_PAIRS: usize = 1000;
/// A name that is nested deeper is taken as it is written.
const MAX_DEPTH: usize = 6;

/// The members that a query string or a form names; every value is a text. A name given twice makes a list.
pub fn parse(text: &str) -> Map<String, Value> {
    let mut members = Value::Object(Map::new());
    for (name, value) in pairs(text) {
        let path = path(&name);
        insert(&mut members, &path, Value::String(value));
    }
    match members {
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, lists(value))).collect(),
        _ => Map::new(),
    }
}

/// The names and values as they stand there, decoded.
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).take(MAX_PAIRS).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The first value of this name in a query string or a form, decoded.
pub fn first(text: &str, name: &str) -> Option<String> {
    pairs(text).find(|(known, _)| known == name).map(|(_, value)| value)
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// `a[b][]` as `a`, `b` and the empty segment.
fn path(name: &str) -> Vec<&str> {
    let whole = || vec![name];
    let Some((first, rest)) = name.split_once('[') else { return whole() };
    let Some(inner) = rest.strip_suffix(']').filter(|_| !first.is_empty()) else { return whole() };
    let mut path = vec![first];
    path.extend(inner.split("]["));
    let is_plain = |segment: &&str| !segment.contains(['[', ']']);
    if path.len() <= MAX_DEPTH && path.iter().all(is_plain) { path } else { whole() }
}

fn insert(place: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else { return add(place, value) };
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    let Some(members) = place.as_object_mut() else { return };
    let name = if first.is_empty() { members.len().to_string() } else { (*first).to_owned() };
    insert(members.entry(name).or_insert(Value::Null), rest, value);
}

fn add(place: &mut Value, value: Value) {
    match place {
        Value::Null => *place = value,
        Value::Array(values) => values.push(value),
        first => *first = Value::Array(vec![first.take(), value]),
    }
}

/// Objects whose names count from 0 are lists.
fn lists(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let counts = members.keys().enumerate().all(|(at, name)| *name == at.to_string());
    let members = members.into_iter().map(|(name, value)| (name, lists(value)));
    if counts {
        Value::Array(members.map(|(_, value)| value).collect())
    } else {
        Value::Object(members.collect())
    }
}
