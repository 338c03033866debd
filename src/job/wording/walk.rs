//! The walk through schema and value, in the order of the schema.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::super::references::{references, resolve};
use super::super::schema::Schema;
use super::fault::Fault;
use super::text::member;
use super::{arrays, combinations, fallback, objects, scalars};

const DEEPEST: usize = 400;
const STEPS: u32 = 200_000;
const MOST: usize = 100;

/// What is wrong with `instance`, in schema order; nothing where the schema's validator finds it valid.
///
/// At most a hundred faults.
pub(in super::super) fn faults(schema: &Schema, instance: &Value) -> Vec<Fault> {
    if schema.validator.is_valid(instance) {
        return Vec::new();
    }
    let walk = Walk { schema, steps: Cell::new(STEPS) };
    let start = Place { schema: &schema.document, instance, place: "", depth: 0 };
    let mut faults = walk.faults(start);
    faults.extend(fallback::faults(&schema.validator, instance, faults.is_empty()));
    faults.truncate(MOST);
    faults
}

/// A value and the schema it is to satisfy.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) schema: &'a Value,
    pub(super) instance: &'a Value,
    /// Of the value: a JSON pointer.
    pub(super) place: &'a str,
    pub(super) depth: usize,
}

/// One keyword of a schema, with its argument, at a value.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) schema: &'a Map<String, Value>,
    pub(super) keyword: &'a str,
    pub(super) argument: &'a Value,
    pub(super) instance: &'a Value,
    /// Of the value: a JSON pointer.
    pub(super) place: &'a str,
    depth: usize,
}

impl<'a> Rule<'a> {
    /// This rule is broken, in these words.
    pub(super) fn says(&self, words: &str) -> Vec<Fault> {
        self.says_of(words.to_owned(), String::new())
    }

    /// The same, in words that hold what the rule asks for as `argument`.
    pub(super) fn says_of(&self, words: String, argument: String) -> Vec<Fault> {
        let (place, keyword) = (self.place.to_owned(), self.keyword.to_owned());
        vec![Fault { place, keyword, argument, choices: Vec::new(), by: None, words }]
    }

    /// The same if `broken`.
    pub(super) fn says_if(&self, broken: bool, words: &str) -> Vec<Fault> {
        if broken { self.says(words) } else { Vec::new() }
    }

    /// The same, in words that end with what the rule asks for.
    pub(super) fn asks_if(&self, broken: bool, words: &str, argument: String) -> Vec<Fault> {
        if broken { self.says_of(format!("{words} {argument}"), argument) } else { Vec::new() }
    }

    /// A choice is asked for among what has these names, as far as it has any; in words that end with `argument`.
    pub(super) fn offers(&self, names: Vec<Option<String>>, words: &str, argument: String) -> Vec<Fault> {
        let choices: Vec<_> = names.into_iter().collect::<Option<_>>().unwrap_or_default();
        let faults = self.asks_if(true, words, argument).into_iter();
        faults.map(|fault| Fault { choices: choices.clone(), ..fault }).collect()
    }

    /// Where the member `name` of the value is.
    pub(super) fn member(&self, name: &str) -> String {
        member(self.place, name)
    }

    /// The same value under another schema.
    pub(super) fn under<'b>(&self, schema: &'b Value) -> Place<'b>
    where
        'a: 'b,
    {
        Place { schema, instance: self.instance, place: self.place, depth: self.depth + 1 }
    }

    /// Another value, at `place`, under another schema.
    pub(super) fn at<'b>(&self, place: &'b str, instance: &'b Value, schema: &'b Value) -> Place<'b> {
        Place { schema, instance, place, depth: self.depth + 1 }
    }
}

/// A walk of bounded depth and length; schemas may refer to themselves.
pub(super) struct Walk<'a> {
    pub(super) schema: &'a Schema,
    steps: Cell<u32>,
}

impl Walk<'_> {
    /// What is wrong `at` a place, as far as the words here reach.
    pub(super) fn faults(&self, at: Place<'_>) -> Vec<Fault> {
        let left = self.steps.get();
        if left == 0 || at.depth > DEEPEST {
            return Vec::new();
        }
        self.steps.set(left - 1);
        let Place { instance, place, depth, .. } = at;
        let Some(schema) = at.schema.as_object() else { return not_allowed(at) };
        let mut faults = self.referred(schema, at);
        for (keyword, argument) in schema {
            faults.extend(self.keyword(Rule { schema, keyword, argument, instance, place, depth }));
        }
        faults
    }

    fn referred(&self, schema: &Map<String, Value>, place: Place<'_>) -> Vec<Fault> {
        let targets = references(schema).filter_map(|reference| resolve(&self.schema.document, reference));
        let there = |(_, schema)| Place { schema, depth: place.depth + 1, ..place };
        targets.flat_map(|target| self.faults(there(target))).collect()
    }

    fn keyword(&self, rule: Rule<'_>) -> Vec<Fault> {
        match rule.keyword {
            "allOf" | "extends" => combinations::all_of(self, rule),
            "anyOf" => combinations::any_of(self, rule),
            "oneOf" => combinations::one_of(self, rule),
            "not" | "disallow" => combinations::not(self, rule),
            "if" => combinations::condition(self, rule),
            "properties" => objects::properties(self, rule),
            "patternProperties" => objects::pattern_properties(self, rule),
            "additionalProperties" => objects::additional_properties(self, rule),
            "required" => objects::required(rule),
            "minProperties" | "maxProperties" => objects::count(rule),
            "dependencies" | "dependentRequired" | "dependentSchemas" => objects::dependencies(self, rule),
            "items" | "prefixItems" => arrays::items(self, rule),
            "minItems" | "maxItems" => arrays::length(rule),
            "uniqueItems" => arrays::unique(rule),
            _ => scalars::keyword(self, rule),
        }
    }
}

/// A schema that is no object takes everything, or is `false`.
fn not_allowed(at: Place<'_>) -> Vec<Fault> {
    if at.schema != &Value::Bool(false) {
        return Vec::new();
    }
    let (keyword, argument) = (String::new(), String::new());
    vec![Fault {
        place: at.place.to_owned(),
        keyword,
        argument,
        choices: Vec::new(),
        by: None,
        words: "is not allowed".to_owned(),
    }]
}
