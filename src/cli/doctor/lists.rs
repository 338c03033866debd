//! Putting something on a list of the service device, whatever stands in the list's place.

use serde_json::{Value, json};

/// The update that puts `item` on the list at `path`. A bus adds to lists alone: what is none becomes one, with what
/// stood there on it; what keeps the list from being there at all gives way.
pub(super) fn adding(document: &Value, path: &str, item: Value) -> Value {
    let mut found = document;
    let mut rest = path;
    loop {
        let (name, below) = rest.split_once('.').unwrap_or((rest, ""));
        let here = path.strip_suffix(below).unwrap_or(path).trim_end_matches('.');
        found = match (found.get(name), below) {
            (None, _) | (Some(Value::Array(_)), "") => return json!({"$addToSet": {path: item}}),
            (Some(Value::Null), "") => return json!({"$set": {path: [item]}}),
            (Some(lone), "") if *lone == item => return json!({"$set": {path: [item]}}),
            (Some(lone), "") => return json!({"$set": {path: [lone, item]}}),
            (Some(members @ Value::Object(_)), _) => members,
            (Some(_), below) => return json!({"$set": {here: around(below, json!([item]))}}),
        };
        rest = below;
    }
}

/// The documents that the names of `path` lead through, with `leaf` in the innermost.
fn around(path: &str, leaf: Value) -> Value {
    path.rsplit('.').fold(leaf, |inner, name| json!({name: inner}))
}
