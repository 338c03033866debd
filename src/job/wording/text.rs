//! Values, numbers and places as JavaScript writes them.

use serde_json::{Number, Value};

const LONGEST: usize = 1_000;

/// A text without what is beyond a thousand bytes of it.
pub(in super::super) fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

/// A string as `JSON.stringify` writes it.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The step from a value to its member `name`: `.a-b`, `["a b"]`, `[1]`.
fn step(name: &str) -> String {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("[{name}]");
    }
    if name.contains(|c: char| matches!(c, '.' | '[' | ']') || c.is_whitespace()) {
        return format!("[{}]", quoted(name));
    }
    format!(".{name}")
}

/// How the value at a JSON pointer is named: `instance.a-b["a b"][1]`.
pub(super) fn path(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.fold("instance".to_owned(), |path, name| path + &step(&name))
}

/// The JSON pointer of the member `name` of the value at `pointer`.
pub(super) fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A list as `Array.prototype.join(",")` writes it.
pub(super) fn joined(list: &Value) -> String {
    match list.as_array() {
        Some(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        None => plain(list),
    }
}

/// A value as it becomes text inside a list.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(value) => number(value),
        Value::String(text) => text.clone(),
        Value::Array(_) => joined(value),
        Value::Object(_) => "[object Object]".into(),
    }
}

fn number(number: &Number) -> String {
    ryu_js::Buffer::new().format(number.as_f64().unwrap_or(f64::NAN)).to_owned()
}

/// Whether two values are the same to JSON Schema, which knows one kind of number.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => one == other,
    }
}
