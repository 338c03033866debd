//! The walk through schema and value, in the order of the schema.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::super::references::{references, resolve};
use super::super::schema::Schema;
use super::text::cut;
use super::{arrays, combinations, fallback, objects, scalars};

const DEEPEST: usize = 400;
const STEPS: u32 = 200_000;
const MOST_TEXTS: usize = 100;

/// What is wrong with `instance`, in schema order; nothing where the schema's validator finds it valid.
///
/// At most a hundred texts, none of them endless.
pub(in super::super) fn texts(schema: &Schema, instance: &Value) -> Vec<String> {
    if schema.validator.is_valid(instance) {
        return Vec::new();
    }
    let walk = Walk { schema, steps: Cell::new(STEPS) };
    let start = Place { schema: &schema.document, instance, path: "instance", depth: 0 };
    let mut texts = walk.faults(start);
    texts.extend(fallback::texts(&schema.validator, instance, texts.is_empty()));
    texts.truncate(MOST_TEXTS);
    texts.into_iter().map(|text| as_message(cut(text))).collect()
}

fn as_message(text: String) -> String {
    match text.strip_prefix("instance.") {
        Some(rest) => format!("message.{rest}"),
        None => text,
    }
}

/// A value and the schema it is to satisfy.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) schema: &'a Value,
    pub(super) instance: &'a Value,
    pub(super) path: &'a str,
    pub(super) depth: usize,
}

/// One keyword of a schema, with its argument, at a value.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) schema: &'a Map<String, Value>,
    pub(super) argument: &'a Value,
    pub(super) instance: &'a Value,
    pub(super) path: &'a str,
    depth: usize,
}

impl<'a> Rule<'a> {
    /// This rule is broken, in these words.
    pub(super) fn says(&self, words: &str) -> Vec<String> {
        vec![format!("{} {words}", self.path)]
    }

    /// The same if `broken`.
    pub(super) fn says_if(&self, broken: bool, words: &str) -> Vec<String> {
        if broken { self.says(words) } else { Vec::new() }
    }

    /// The same value under another schema.
    pub(super) fn under<'b>(&self, schema: &'b Value) -> Place<'b>
    where
        'a: 'b,
    {
        Place { schema, instance: self.instance, path: self.path, depth: self.depth + 1 }
    }

    /// Another value, at `path`, under another schema.
    pub(super) fn at<'b>(&self, path: &'b str, instance: &'b Value, schema: &'b Value) -> Place<'b> {
        Place { schema, instance, path, depth: self.depth + 1 }
    }
}

/// A walk of bounded depth and length; schemas may refer to themselves.
pub(super) struct Walk<'a> {
    pub(super) schema: &'a Schema,
    steps: Cell<u32>,
}

impl Walk<'_> {
    /// What is wrong at `place`, as far as the words here reach.
    pub(super) fn faults(&self, place: Place<'_>) -> Vec<String> {
        let left = self.steps.get();
        if left == 0 || place.depth > DEEPEST {
            return Vec::new();
        }
        self.steps.set(left - 1);
        let Place { instance, path, depth, .. } = place;
        let Some(schema) = place.schema.as_object() else {
            let nothing_fits = place.schema == &Value::Bool(false);
            return nothing_fits.then(|| format!("{path} is not allowed")).into_iter().collect();
        };
        let mut faults = self.referred(schema, place);
        for (keyword, argument) in schema {
            faults.extend(self.keyword(keyword, Rule { schema, argument, instance, path, depth }));
        }
        faults
    }

    fn referred(&self, schema: &Map<String, Value>, place: Place<'_>) -> Vec<String> {
        let targets = references(schema).filter_map(|reference| resolve(&self.schema.document, reference));
        let there = |(_, schema)| Place { schema, depth: place.depth + 1, ..place };
        targets.flat_map(|target| self.faults(there(target))).collect()
    }

    fn keyword(&self, keyword: &str, rule: Rule<'_>) -> Vec<String> {
        match keyword {
            "allOf" | "extends" => combinations::all_of(self, keyword, rule),
            "anyOf" => combinations::any_of(self, rule),
            "oneOf" => combinations::one_of(self, rule),
            "not" | "disallow" => combinations::not(self, rule),
            "if" => combinations::condition(self, rule),
            "properties" => objects::properties(self, rule),
            "patternProperties" => objects::pattern_properties(self, rule),
            "additionalProperties" => objects::additional_properties(self, rule),
            "required" => objects::required(rule),
            "minProperties" | "maxProperties" => objects::count(keyword, rule),
            "dependencies" | "dependentRequired" | "dependentSchemas" => objects::dependencies(self, rule),
            "items" | "prefixItems" => arrays::items(self, rule),
            "minItems" | "maxItems" => arrays::length(keyword, rule),
            "uniqueItems" => arrays::unique(rule),
            _ => scalars::keyword(self, keyword, rule),
        }
    }
}
