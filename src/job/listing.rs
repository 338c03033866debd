//! Job types with their fields, for people.

use serde::Serialize;
use serde_json::Value;

use crate::message::JobType;

/// One job type, as its schemas describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobListing {
    /// What messages name in `metadata.jobType`.
    pub job_type: JobType,
    /// The message schema's title.
    pub title: Option<String>,
    /// The message schema's description.
    pub description: Option<String>,
    /// The members of `data` in messages.
    pub data: Vec<Field>,
    /// The members of `data` in responses, or of its items.
    pub response: Vec<Field>,
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its types, parted by `|`; `any` where the schema names none.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// What the schema says about it: its description, or else its title.
    pub description: Option<String>,
}

/// What the served documents of one job say.
pub(super) fn listing(job_type: &JobType, message: &Value, response: &Value) -> JobListing {
    JobListing {
        job_type: job_type.clone(),
        title: text(message, "title"),
        description: text(message, "description"),
        data: fields(&message["properties"]["data"]),
        response: fields(&response["properties"]["data"]),
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let schema = if schema["items"].is_object() { &schema["items"] } else { schema };
    let members = schema["properties"].as_object().into_iter().flatten();
    members.map(|(name, member)| field(schema, name, member)).collect()
}

fn field(schema: &Value, name: &str, member: &Value) -> Field {
    let listed = schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    Field {
        name: name.to_owned(),
        kind: kind(&member["type"]),
        required: listed || member["required"] == true,
        description: text(member, "description").or_else(|| text(member, "title")),
    }
}

fn kind(kind: &Value) -> String {
    match kind {
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
        _ => "any".into(),
    }
}

fn text(schema: &Value, keyword: &str) -> Option<String> {
    schema.get(keyword)?.as_str().map(str::to_owned)
}
