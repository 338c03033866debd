//! Values as the texts of controls: what a form holds at first, and whether it can hold it.

use serde_json::{Number, Value};

use super::field::{Choice, Field, Item, Kind, TextKind};

/// Makes sure that the field can hold its default: what a control would change is asked for as JSON, and what is of
/// another type is no default.
pub(super) fn settle(field: &mut Field) {
    let Some(default) = &field.default else { return };
    let is_empty_control = !matches!(field.kind, Kind::Choice { .. });
    if default.is_null() && field.is_nullable && is_empty_control {
        return field.default = None;
    }
    match fit(&field.kind, default) {
        Fit::Holds => {}
        Fit::IsOther => field.default = None,
        Fit::WouldChange => field.kind = Kind::Json,
    }
}

enum Fit {
    Holds,
    /// The control would post something else.
    WouldChange,
    /// It is no value of this type.
    IsOther,
}

impl Fit {
    fn of(fits: bool) -> Self {
        if fits { Self::Holds } else { Self::IsOther }
    }
}

fn fit(kind: &Kind, default: &Value) -> Fit {
    match (kind, default) {
        (Kind::Text(kind), Value::String(text)) => text_fit(*kind, text),
        (Kind::Number(kind), Value::Number(number)) if kind.is_whole => whole_fit(number),
        (Kind::Number(_), Value::Number(_)) => Fit::Holds,
        (Kind::Flag, Value::Bool(_)) | (Kind::Json, _) => Fit::Holds,
        (Kind::Choice { choices, .. }, value) => Fit::of(is_among(choices, value)),
        (Kind::Several(choices), Value::Array(values)) => {
            Fit::of(values.iter().all(|value| is_among(choices, value)))
        }
        (Kind::Lines(item), Value::Array(values)) => lines_fit(*item, values),
        _ => Fit::IsOther,
    }
}

/// Of what is whole, the control posts an integer.
fn whole_fit(number: &Number) -> Fit {
    match number.as_f64().filter(|_| number.is_f64()) {
        None => Fit::Holds,
        Some(number) if number.fract() == 0.0 => Fit::WouldChange,
        Some(_) => Fit::IsOther,
    }
}

fn is_among(choices: &[Choice], value: &Value) -> bool {
    choices.iter().any(|choice| choice.value == *value)
}

/// Browsers trim what has a format, and turn other ends of lines into their own.
fn text_fit(kind: TextKind, text: &str) -> Fit {
    let is_odd = |c: char| c.is_control() && !(kind.has_lines && c == '\n');
    let would_change = text.contains(is_odd) || kind.is_trimmed() && text.trim() != text;
    if would_change { Fit::WouldChange } else { Fit::Holds }
}

fn lines_fit(item: Item, values: &[Value]) -> Fit {
    let is_line = |value: &Value| match (item, value) {
        (Item::Text, Value::String(text)) => !text.contains(char::is_control) && !text.trim().is_empty(),
        (Item::Number, Value::Number(_)) => true,
        (Item::Whole, Value::Number(number)) => !number.is_f64(),
        _ => false,
    };
    if values.iter().all(is_line) { Fit::Holds } else { Fit::WouldChange }
}

impl TextKind {
    /// Whether blanks around the text mean nothing.
    pub(super) fn is_trimmed(self) -> bool {
        self.format.is_some_and(|format| format.is_trimmed)
    }
}

/// What the field's one control holds at first.
pub(super) fn first_text(field: &Field) -> String {
    match (&field.kind, &field.default) {
        (_, None) => String::new(),
        (Kind::Text(_), Some(Value::String(text))) => text.clone(),
        (Kind::Lines(_), Some(Value::Array(lines))) => lines.iter().map(line).collect::<Vec<_>>().join("\n"),
        (Kind::Json, Some(value)) => serde_json::to_string_pretty(value).unwrap_or_default(),
        (_, Some(value)) => value.to_string(),
    }
}

fn line(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
