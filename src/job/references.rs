//! References inside a schema: all of them lead somewhere in the same document, and none for ever.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::schema::SchemaError;

/// Keywords that refer to another schema.
const REFERRING: [&str; 2] = ["$ref", "$dynamicRef"];

/// Keywords whose members have names of their own.
const NAMING: [&str; 5] =
    ["/properties", "/patternProperties", "/definitions", "/$defs", "/dependentSchemas"];

/// Checks every reference of `document`.
///
/// # Errors
/// [`SchemaError::ForeignReference`], [`SchemaError::EndlessReference`].
pub(super) fn check(document: &Value) -> Result<(), SchemaError> {
    let mut search = Search { document, ended: HashSet::new() };
    search.everywhere(document, &mut String::from("#"))
}

/// Where `reference` leads in `document`: the pointer (`#/$defs/x`) and the schema there.
pub(super) fn resolve<'a>(document: &'a Value, reference: &str) -> Option<(String, &'a Value)> {
    let fragment = percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return Some((format!("#{fragment}"), document.pointer(&fragment)?));
    }
    anchored(document, &fragment, "#")
}

fn anchored<'a>(value: &'a Value, anchor: &str, at: &str) -> Option<(String, &'a Value)> {
    let names_it = |keyword| value.get(keyword).is_some_and(|name| name == anchor);
    if names_it("$anchor") || names_it("$dynamicAnchor") {
        return Some((at.to_owned(), value));
    }
    members(value).into_iter().find_map(|(name, member)| anchored(member, anchor, &join(at, &name)))
}

/// `at` one step deeper, escaped as JSON pointers are (RFC 6901).
pub(super) fn join(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn members(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), member)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect(),
        _ => Vec::new(),
    }
}

/// The references that `schema` itself makes; a member of that name that is no text is something else.
pub(super) fn references(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    REFERRING.iter().filter_map(|keyword| schema.get(*keyword)?.as_str())
}

struct Search<'a> {
    document: &'a Value,
    ended: HashSet<String>,
}

impl<'a> Search<'a> {
    fn everywhere(&mut self, value: &'a Value, at: &mut String) -> Result<(), SchemaError> {
        if value.is_object() {
            self.follow(value, at.clone(), &mut Vec::new())?;
        }
        let length = at.len();
        for (name, member) in members(value) {
            if is_data(&name, at) {
                continue;
            }
            *at = join(at, &name);
            self.everywhere(member, at)?;
            at.truncate(length);
        }
        Ok(())
    }

    /// Follows what applies to the same value as the schema at `at` does.
    fn follow(&mut self, schema: &'a Value, at: String, way: &mut Vec<String>) -> Result<(), SchemaError> {
        if way.contains(&at) {
            return Err(SchemaError::EndlessReference(at));
        }
        let Some(object) = schema.as_object().filter(|_| !self.ended.contains(&at)) else { return Ok(()) };
        way.push(at.clone());
        for reference in references(object) {
            let (target, schema) = resolve(self.document, reference)
                .ok_or_else(|| SchemaError::ForeignReference(reference.to_owned()))?;
            self.follow(schema, target, way)?;
        }
        for (pointer, inner) in in_place(object, &at) {
            self.follow(inner, pointer, way)?;
        }
        way.pop();
        self.ended.insert(at);
        Ok(())
    }
}

/// Whether the member `name` of what is at `at` is data, which may look like anything.
fn is_data(name: &str, at: &str) -> bool {
    let keyword =
        matches!(name, "enum" | "const" | "default" | "examples" | "example") || name.starts_with("x-");
    keyword && !NAMING.iter().any(|naming| at.ends_with(naming))
}

/// The schemas inside `schema` that apply to the same value.
fn in_place<'a>(schema: &'a Map<String, Value>, at: &str) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    for keyword in ["not", "if", "then", "else"] {
        found.extend(schema.get(keyword).map(|inner| (join(at, keyword), inner)));
    }
    for keyword in ["allOf", "anyOf", "oneOf", "dependentSchemas"] {
        let at = join(at, keyword);
        let inner = schema.get(keyword).map(members).unwrap_or_default();
        found.extend(inner.into_iter().map(|(name, schema)| (join(&at, &name), schema)));
    }
    found
}
