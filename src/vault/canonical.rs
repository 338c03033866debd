//! Canonical JSON (RFC 8785).

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::buffer::WipedBuffer;
use super::json_text::{write_object, write_value};

/// The canonical text of `value`: members sorted by their UTF-16 code units, numbers and strings as JavaScript
/// writes them.
pub fn canonicalize(value: &Value) -> Zeroizing<String> {
    let mut text = WipedBuffer::default();
    write_value(value, sorted_order, &mut text);
    text.into_text()
}

/// The canonical text of the object of these members.
pub(super) fn canonicalize_members(members: &Map<String, Value>) -> Zeroizing<String> {
    let mut text = WipedBuffer::default();
    write_object(members, sorted_order, &mut text);
    text.into_text()
}

fn sorted_order(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    sorted
}
