//! Schemas, compiled once at load; nothing is ever fetched.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use jsonschema::{Draft, ValidationError, ValidationOptions, Validator};
use serde_json::{Value, json};
use thiserror::Error;

use super::formats::is_date_time;
use super::references;

/// Why a schema cannot be used.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// It refers to something outside its own document.
    #[error("it refers to `{0}`, which is not in this document: nothing is fetched")]
    ForeignReference(String),
    /// It refers to itself without going deeper into the value.
    #[error("`{0}` refers back to itself without end")]
    EndlessReference(String),
    /// It is no JSON Schema.
    #[error("it is no JSON Schema at #{}", .0.instance_path())]
    Invalid(#[source] Box<ValidationError<'static>>),
}

impl From<ValidationError<'static>> for SchemaError {
    fn from(error: ValidationError<'static>) -> Self {
        Self::Invalid(Box::new(error))
    }
}

/// A compiled schema with what it was made from.
pub(super) struct Schema {
    /// The schema as it was written: texts follow its order and words.
    pub(super) document: Value,
    /// Decides what is valid.
    pub(super) validator: Validator,
    /// Its patterns and formats, one by one.
    pub(super) checks: Checks,
}

impl Schema {
    /// Compiles `document`, of which `modern` is the same in the words of draft 2020-12.
    pub(super) fn compile(document: Value, modern: &Value) -> Result<Self, SchemaError> {
        references::check(modern)?;
        let validator = options().build(modern)?;
        let checks = Checks::of(&document);
        Ok(Self { document, validator, checks })
    }
}

/// How every schema of a job is compiled.
pub(super) fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .with_format("date-time", is_date_time)
        .with_format("ip-address", |text: &str| text.parse::<Ipv4Addr>().is_ok())
}

/// The patterns and formats that a schema mentions anywhere, each compiled for itself.
#[derive(Default)]
pub(super) struct Checks {
    patterns: HashMap<String, Validator>,
    formats: HashMap<String, Validator>,
}

impl Checks {
    fn of(document: &Value) -> Self {
        let mut checks = Self::default();
        checks.collect(document);
        checks
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(members) => members.iter().for_each(|(name, member)| self.member(name, member)),
            _ => {}
        }
    }

    fn member(&mut self, name: &str, member: &Value) {
        match (name, member) {
            ("pattern", Value::String(pattern)) => add(&mut self.patterns, "pattern", pattern),
            ("format", Value::String(format)) => add(&mut self.formats, "format", format),
            ("patternProperties", Value::Object(schemas)) => {
                schemas.keys().for_each(|pattern| add(&mut self.patterns, "pattern", pattern));
            }
            _ => {}
        }
        self.collect(member);
    }

    /// Whether `text` matches a pattern of the schema.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).is_none_or(|validator| validator.is_valid(&json!(text)))
    }

    /// Whether `value` has a format of the schema; formats nobody knows have no rules.
    pub(super) fn conforms(&self, format: &str, value: &Value) -> bool {
        self.formats.get(format).is_none_or(|validator| validator.is_valid(value))
    }
}

/// Texts that only look like patterns may stand in examples: what does not compile is left out.
fn add(checks: &mut HashMap<String, Validator>, keyword: &str, argument: &str) {
    if let Ok(validator) = options().build(&json!({keyword: argument})) {
        checks.insert(argument.to_owned(), validator);
    }
}
