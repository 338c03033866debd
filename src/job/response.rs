//! Responses: checked against the job's schema, and stripped of what it does not know.

use http::StatusCode;
use jsonschema::Validator;
use serde_json::{Map, Value};

use super::references;
use super::schema::{SchemaError, options};
use super::shape::Shapes;
use super::stripping::strip;
use crate::message::Reply;

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

    /// The response without what the schema does not know, and with both `code` and `status` where it has `metadata`.
    ///
    /// # Errors
    /// Where it does not satisfy the schema, before or after: the place in the schema of a rule that it breaks, nothing of what
    /// somebody answered.
    pub(super) fn conform(&self, reply: Reply) -> Result<Reply, String> {
        let metadata = reply.metadata.map(|metadata| ("metadata".to_owned(), Value::Object(whole(metadata))));
        let data = reply.data.map(|data| ("data".to_owned(), data));
        let mut response = Value::Object(metadata.into_iter().chain(data).collect());
        for _ in 0..MOST_ROUNDS {
            if let Err(error) = self.validator.validate(&response) {
                return Err(error.schema_path().as_str().to_owned());
            }
            if !strip(&self.shapes, &mut response) {
                return Ok(as_reply(response));
            }
        }
        Err("stripping it comes to no end".into())
    }
}

/// Jobs of before may say one of the two alone, or the code as text: the original passed on whatever they said.
fn whole(mut metadata: Map<String, Value>) -> Map<String, Value> {
    let code = match metadata.get("code") {
        None => Some(StatusCode::OK),
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_u64().and_then(|code| StatusCode::from_u16(code.try_into().ok()?).ok()),
    };
    if let Some(code) = code {
        metadata.insert("code".to_owned(), code.as_u16().into());
        let status = metadata.entry("status").or_insert(Value::Null);
        if status.is_null() {
            *status = code.canonical_reason().unwrap_or("Unknown").into();
        }
    }
    metadata
}

fn as_reply(mut response: Value) -> Reply {
    let metadata = response.get_mut("metadata").and_then(Value::as_object_mut).map(std::mem::take);
    Reply { metadata, data: response.get_mut("data").map(Value::take) }
}
