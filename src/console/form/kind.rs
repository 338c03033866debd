//! How a value is asked for, as its schema and its form tell.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::field::{Choice, Item, Kind, NumberKind, TextKind};
use super::formats::Format;
use super::layout::Hint;
use super::range::Range;

/// More values than this are not listed.
const MOST_CHOICES: usize = 300;

/// The types that a schema names, without `null`; whether `null` was among them.
pub(super) fn types(schema: &Map<String, Value>) -> (Vec<&str>, bool) {
    let named: Vec<_> = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().map(|one| one.as_str().unwrap_or("any")).collect(),
        _ => Vec::new(),
    };
    let is_nullable = named.contains(&"null");
    (named.into_iter().filter(|kind| *kind != "null").collect(), is_nullable)
}

/// The kind of a value that is not made of others; [`Kind::Json`] for whatever has no control of its own.
pub(super) fn simple(schema: &Map<String, Value>, hint: &Hint, is_required: bool) -> Kind {
    let choices = match schema.get("const") {
        Some(only) => Some(named_by(hint, named(std::slice::from_ref(only), None))),
        None => choices(schema, hint),
    };
    if let Some(choices) = choices {
        return match <[Choice; 1]>::try_from(choices) {
            Ok([only]) if is_required => Kind::Fixed(only.value),
            Ok([only]) => choice(vec![only], hint),
            Err(choices) => choice(choices, hint),
        };
    }
    match types(schema).0.as_slice() {
        ["string"] => Kind::Text(text(schema, hint)),
        ["number" | "integer", ..]
            if types(schema).0.iter().all(|kind| matches!(*kind, "number" | "integer")) =>
        {
            Kind::Number(number(schema))
        }
        ["boolean"] => flag(schema, hint, is_required),
        _ => Kind::Json,
    }
}

/// The kind of an array of simple values, where `items` is the schema of each.
pub(super) fn array(items: &Map<String, Value>, hint: &Hint) -> Kind {
    if let Some(choices) = choices(items, hint) {
        return Kind::Several(choices);
    }
    match types(items) {
        (kinds, false) if kinds == ["string"] => Kind::Lines(Item::Text),
        (kinds, false) if kinds == ["integer"] => Kind::Lines(Item::Whole),
        (kinds, false) if kinds == ["number"] => Kind::Lines(Item::Number),
        _ => Kind::Json,
    }
}

fn choice(choices: Vec<Choice>, hint: &Hint) -> Kind {
    let as_radios = hint.kind.as_deref().is_some_and(|kind| kind.starts_with("radio"));
    Kind::Choice { choices, as_radios }
}

/// A box to tick says `false` where it is empty; where nothing need be said, or `null` may be, people choose.
fn flag(schema: &Map<String, Value>, hint: &Hint, is_required: bool) -> Kind {
    let (_, is_nullable) = types(schema);
    let is_box = hint.kind.as_deref() == Some("checkbox");
    let says_one = is_required || schema.get("default").is_some_and(Value::is_boolean);
    if is_box || says_one && !is_nullable {
        return Kind::Flag;
    }
    let null = is_nullable.then_some(Value::Null);
    let values: Vec<_> = [true.into(), false.into()].into_iter().chain(null).collect();
    choice(named(&values, None), hint)
}

fn text(schema: &Map<String, Value>, hint: &Hint) -> TextKind {
    let format = schema.get("format").and_then(Value::as_str).and_then(Format::named);
    let kind = hint.kind.as_deref();
    let default = schema.get("default").and_then(Value::as_str).unwrap_or_default();
    let is_secret =
        kind == Some("password") || schema.get("format").is_some_and(|format| format == "password");
    TextKind {
        format,
        has_lines: !is_secret && (kind == Some("textarea") || default.contains('\n')),
        is_secret,
        may_be_empty: schema.get("minLength").and_then(Value::as_f64) == Some(0.0),
    }
}

fn number(schema: &Map<String, Value>) -> NumberKind {
    let is_whole = types(schema).0.iter().all(|kind| *kind == "integer");
    NumberKind { is_whole, range: Range::of(schema) }
}

/// The values of `enum`, or of an `oneOf` or `anyOf` of constants.
fn choices(schema: &Map<String, Value>, hint: &Hint) -> Option<Vec<Choice>> {
    let values = match schema.get("enum").and_then(Value::as_array) {
        Some(values) => named(values, schema.get("enumNames")),
        None => ["oneOf", "anyOf"].iter().find_map(|keyword| constants(schema.get(*keyword)?))?,
    };
    let in_bounds = (1..=MOST_CHOICES).contains(&values.len());
    in_bounds.then(|| told_apart(named_by(hint, values)))
}

/// With the names that the form gives them.
fn named_by(hint: &Hint, choices: Vec<Choice>) -> Vec<Choice> {
    let named = |choice: Choice| {
        let name = hint.names.iter().find(|(value, _)| is_same(value, &choice.value));
        Choice { title: name.map_or(choice.title, |(_, name)| name.clone()), value: choice.value }
    };
    choices.into_iter().map(named).collect()
}

/// Says of those that look the same, or whose values are written the same, which value each is.
fn told_apart(choices: Vec<Choice>) -> Vec<Choice> {
    let written = |choice: &Choice| choice.value.as_str().map_or_else(|| choice.posts(), str::to_owned);
    let mut uses: HashMap<String, usize> = HashMap::new();
    for choice in &choices {
        let looks = BTreeSet::from([choice.title.trim().to_owned(), written(choice).trim().to_owned()]);
        looks.into_iter().for_each(|look| *uses.entry(look).or_default() += 1);
    }
    let is_alone = |look: &str| uses.get(look.trim()) == Some(&1);
    let say = |choice: Choice| match is_alone(&choice.title) && is_alone(&written(&choice)) {
        true => choice,
        false => Choice { title: format!("{} ({})", choice.title, in_full(&choice.value)), ..choice },
    };
    choices.into_iter().map(say).collect()
}

fn in_full(value: &Value) -> String {
    match value {
        Value::String(_) => format!("the text {value}"),
        Value::Number(_) => format!("the number {value}"),
        other => other.to_string(),
    }
}

/// A `titleMap` that is an object has texts for values.
fn is_same(named: &Value, value: &Value) -> bool {
    named == value
        || named.as_str().is_some_and(|named| {
            !value.is_string() && serde_json::from_str(named).ok().as_ref() == Some(value)
        })
}

fn named(values: &[Value], names: Option<&Value>) -> Vec<Choice> {
    let name = |index: usize| names.and_then(|names| names.get(index)?.as_str());
    let choice = |(index, value): (usize, &Value)| Choice {
        value: value.clone(),
        title: name(index).map_or_else(|| title(value), str::to_owned),
    };
    values.iter().enumerate().map(choice).collect()
}

fn constants(branches: &Value) -> Option<Vec<Choice>> {
    let branches = branches.as_array().filter(|branches| !branches.is_empty())?;
    let constant = |branch: &Value| {
        let value = branch.get("const")?;
        let named = branch.get("title").and_then(Value::as_str);
        Some(Choice { value: value.clone(), title: named.map_or_else(|| title(value), str::to_owned) })
    };
    branches.iter().map(constant).collect()
}

fn title(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim().is_empty() => "(empty)".into(),
        Value::String(text) => text.clone(),
        Value::Null => "Nothing (null)".into(),
        Value::Bool(true) => "Yes".into(),
        Value::Bool(false) => "No".into(),
        other => other.to_string(),
    }
}
