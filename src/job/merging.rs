//! Job documents as they are served: each job's own, completed by the rules of `spec/endo.md` 2.11.

use serde_json::{Map, Value, json};

use crate::message::JobType;

/// The message schema of one job, with its metadata, its form and its response named.
pub(super) fn message_schema(job_type: &JobType, own: &Map<String, Value>) -> Value {
    let mut schema = own.clone();
    let form = format!("message.{job_type}.angular");
    object_member(&mut schema, "x-form-schema").insert("angular".into(), form.into());
    schema.insert("x-response-schema".into(), json!(job_type));
    object_member(&mut schema, "properties").insert("metadata".into(), message_metadata(job_type));
    let required = with_metadata(own.get("required"));
    schema.insert("required".into(), required);
    Value::Object(schema)
}

/// The response schema of one job, with the metadata of every response.
pub(super) fn response_schema(own: &Map<String, Value>) -> Value {
    let mut schema = own.clone();
    object_member(&mut schema, "properties").insert("metadata".into(), response_metadata());
    Value::Object(schema)
}

/// The message schema that a default job checks messages of any other job type against.
pub(super) fn any_job_type(message_schema: &Value) -> Value {
    let mut schema = message_schema.clone();
    schema["properties"]["metadata"]["properties"]["jobType"] = json!({"type": "string"});
    schema
}

fn message_metadata(job_type: &JobType) -> Value {
    json!({
        "type": "object",
        "required": ["jobType"],
        "properties": {"jobType": {"type": "string", "enum": [job_type], "default": job_type}, "respondTo": {}},
    })
}

fn response_metadata() -> Value {
    json!({
        "type": "object",
        "required": ["status", "code"],
        "properties": {"status": {"type": "string"}, "code": {"type": "integer"}},
    })
}

/// The member of that name as an object: the one that is there, in its place, or an empty one.
fn object_member<'a>(schema: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let member = schema.entry(name).or_insert_with(|| json!({}));
    if !member.is_object() {
        *member = json!({});
    }
    member.as_object_mut().expect("it was made an object just now")
}

fn with_metadata(required: Option<&Value>) -> Value {
    let mut names = vec![json!("metadata")];
    for name in required.and_then(Value::as_array).into_iter().flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Value::Array(names)
}
