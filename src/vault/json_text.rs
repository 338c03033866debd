//! JSON text as JavaScript's `JSON.stringify` writes it, byte for byte (`spec/endo.md` 3).

use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use super::buffer::WipedBuffer;

/// The members of an object in the order they are written.
pub(super) type MemberOrder = fn(&Map<String, Value>) -> Vec<(&String, &Value)>;

/// What `JSON.stringify` gives for `value`: integer-like keys first and ascending, the others as inserted,
/// numbers as doubles. Lone surrogates cannot occur: text that holds one does not become a [`Value`].
pub fn stringify(value: &Value) -> Zeroizing<String> {
    let mut text = WipedBuffer::default();
    write_value(value, inserted_order, &mut text);
    text.into_text()
}

/// What `JSON.stringify` gives for the object of these members.
pub(super) fn stringify_members(members: &Map<String, Value>) -> Zeroizing<String> {
    let mut text = WipedBuffer::default();
    write_object(members, inserted_order, &mut text);
    text.into_text()
}

/// Appends the text of `value`, members in the given order.
pub(super) fn write_value(value: &Value, order: MemberOrder, text: &mut WipedBuffer) {
    match value {
        Value::Null => text.push(b"null"),
        Value::Bool(true) => text.push(b"true"),
        Value::Bool(false) => text.push(b"false"),
        Value::Number(number) => write_number(number, text),
        Value::String(string) => write_string(string, text),
        Value::Array(items) => write_array(items, order, text),
        Value::Object(members) => write_object(members, order, text),
    }
}

/// `JSON.stringify`, RFC 8785 and `serde_json` escape the same characters in the same way.
fn write_string(string: &str, text: &mut WipedBuffer) {
    serde_json::to_writer(text, string).expect("a buffer takes every byte");
}

/// JavaScript knows doubles only, so integers beyond 2^53 are rounded as it rounds them, and what is beyond every
/// double is `null`.
fn write_number(number: &Number, text: &mut WipedBuffer) {
    match number.as_f64().filter(|double| double.is_finite()) {
        Some(double) => text.push(ryu_js::Buffer::new().format_finite(double).as_bytes()),
        None => text.push(b"null"),
    }
}

fn write_array(items: &[Value], order: MemberOrder, text: &mut WipedBuffer) {
    text.push(b"[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(b",");
        }
        write_value(item, order, text);
    }
    text.push(b"]");
}

/// Appends the text of an object, members in the given order.
pub(super) fn write_object(members: &Map<String, Value>, order: MemberOrder, text: &mut WipedBuffer) {
    text.push(b"{");
    for (index, (name, value)) in order(members).into_iter().enumerate() {
        if index > 0 {
            text.push(b",");
        }
        write_string(name, text);
        text.push(b":");
        write_value(value, order, text);
    }
    text.push(b"}");
}

/// A JavaScript object's own order: array indices ascending, then the other keys as inserted.
fn inserted_order(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let (mut indices, others): (Vec<_>, Vec<_>) =
        members.iter().partition(|(name, _)| array_index(name).is_some());
    indices.sort_by_key(|(name, _)| array_index(name));
    indices.extend(others);
    indices
}

/// The number a key stands for, if it is an array index: canonical decimal digits below 2^32 - 1 (ECMA-262 6.1.7).
fn array_index(name: &str) -> Option<u32> {
    let canonical = name == "0" || name.starts_with(|first: char| matches!(first, '1'..='9'));
    canonical.then(|| name.parse().ok()).flatten().filter(|&index| index < u32::MAX)
}
