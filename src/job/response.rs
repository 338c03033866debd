//! Responses: checked against the job's schema, and stripped of what it does not know.

use jsonschema::Validator;
use serde_json::Value;

use super::references;
use super::schema::{SchemaError, options};
use super::shape::Shapes;
use super::stripping::strip;

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

    /// The response without what the schema does not know; nothing if it does not satisfy the schema, before or after.
    pub(super) fn conform(&self, mut response: Value) -> Option<Value> {
        for _ in 0..MOST_ROUNDS {
            if !self.validator.is_valid(&response) {
                return None;
            }
            if !strip(&self.shapes, &mut response) {
                return Some(response);
            }
        }
        None
    }
}
