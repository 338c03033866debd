//! Responses: checked against the job's schema, and stripped of what it does not know.

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::directory::Answer;
use super::references;
use super::schema::{SchemaError, options};
use super::shape::Shapes;
use super::stripping::strip;
use super::wording;

/// Stripping may change which branches of a schema apply; real schemas are done after one round.
const MOST_ROUNDS: usize = 8;

/// The compiled response schema of one job.
pub(super) struct ResponseSchema {
    validator: Validator,
    shapes: Shapes,
}

impl ResponseSchema {
    /// Compiles a schema in the words of draft 2020-12.
    pub(super) fn compile(modern: &Value) -> Result<Self, SchemaError> {
        references::check(modern)?;
        Ok(Self { validator: options().build(modern)?, shapes: Shapes::of(modern)? })
    }

    /// The response without what the schema does not know.
    ///
    /// # Errors
    /// Where it does not satisfy the schema, before or after; nothing of its values.
    pub(super) fn conform(&self, answer: Answer) -> Result<Value, String> {
        let metadata = ("metadata".to_owned(), Value::Object(answer.metadata));
        let mut response = Value::Object(Map::from_iter([metadata, ("data".to_owned(), answer.data)]));
        for _ in 0..MOST_ROUNDS {
            if !self.validator.is_valid(&response) {
                return Err(wording::first_fault(&self.validator, &response));
            }
            if !strip(&self.shapes, &mut response) {
                return Ok(response);
            }
        }
        Err("stripping it comes to no end".into())
    }
}
