//! `job.yaml`: what runs the job of a directory.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use serde_saphyr::Error as YamlError;
use thiserror::Error;

use crate::config::{closest, did_you_mean};

/// What runs the job of this directory, beside whose schemas the file stands.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "job.yaml")]
pub(super) struct JobFile {
    /// The process that runs the job.
    pub(super) handler: HandlerMember,
    /// Whether running the job twice does no harm. Then it is run again when its handler gave no answer, or when
    /// the gateway ended meanwhile; otherwise the sender is told `outcome_unknown`.
    #[serde(default)]
    pub(super) repeatable: bool,
}

/// The process that runs the job.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandlerMember {
    /// Where it listens: `http://127.0.0.1:4000/jobs`, `unix:/run/jobs.sock`, or `unix:/run/jobs.sock:/jobs` to name
    /// a path. On another machine it needs https, and `jobs.remote_handlers = true` in `endo.toml`.
    pub(super) url: String,
}

/// What is wrong with a `job.yaml`.
#[derive(Debug, Error)]
pub enum JobFileError {
    /// It is no YAML.
    #[error("it is no YAML")]
    Syntax(#[source] Box<YamlError>),
    /// A key is there twice, and nobody knows which of the two counts.
    #[error("line {line}, column {column}: the key `{key}` is there already; take one of the two away")]
    Twice {
        /// The line of the second, from 1.
        line: u64,
        /// Its column, from 1.
        column: u64,
        /// The key.
        key: String,
    },
    /// It is empty, or something else than keys with values.
    #[error(
        "it has no keys; say in it what runs the job: `handler: {{url: ADDRESS}}`, with an ADDRESS such as \
         http://127.0.0.1:4000/jobs or unix:/run/jobs.sock"
    )]
    NoKeys,
    /// It has a key that means nothing.
    #[error("there is no key `{key}`{}", did_you_mean(suggestion.as_deref()))]
    UnknownKey {
        /// The key with those it is in: `handler.url`.
        key: String,
        /// The key that is probably meant.
        suggestion: Option<String>,
    },
    /// A key is missing or has a value that it does not take.
    #[error("`{key}` must be {needs}")]
    Value {
        /// The key with those it is in: `handler.url`.
        key: &'static str,
        /// What it takes.
        needs: &'static str,
    },
}

/// Reads a `job.yaml`.
pub(super) fn parse(text: &str) -> Result<JobFile, JobFileError> {
    let document: Value = serde_saphyr::from_str(text).map_err(of_yaml)?;
    if document.as_object().is_none_or(|members| members.is_empty()) {
        return Err(JobFileError::NoKeys);
    }
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<JobFile>();
    check_keys(&document, schema.as_value(), "")?;
    let must = |key, needs| JobFileError::Value { key, needs };
    let handler = document.get("handler").and_then(Value::as_object);
    let handler = handler.ok_or(must("handler", "there, with the `url` of the process that runs the job"))?;
    let url = handler.get("url").and_then(Value::as_str).ok_or(must(
        "handler.url",
        "the address of the process that runs the job, such as http://127.0.0.1:4000/jobs",
    ))?;
    let repeatable = document.get("repeatable").map_or(Some(false), Value::as_bool);
    let repeatable = repeatable.ok_or(must("repeatable", "true or false"))?;
    Ok(JobFile { handler: HandlerMember { url: url.to_owned() }, repeatable })
}

/// In one line: without the piece of the file that stands around the place.
fn of_yaml(error: YamlError) -> JobFileError {
    match error {
        YamlError::WithSnippet { error, .. } => of_yaml(*error),
        YamlError::DuplicateMappingKey { key, location } => JobFileError::Twice {
            line: location.line(),
            column: location.column(),
            key: key.unwrap_or_default(),
        },
        error => JobFileError::Syntax(Box::new(error)),
    }
}

fn check_keys(value: &Value, schema: &Value, place: &str) -> Result<(), JobFileError> {
    let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return Ok(());
    };
    for (key, member) in members {
        let Some(schema) = known.get(key) else {
            let suggestion = closest(key, known.keys()).map(|key| format!("{place}{key}"));
            return Err(JobFileError::UnknownKey { key: format!("{place}{key}"), suggestion });
        };
        check_keys(member, schema, &format!("{place}{key}."))?;
    }
    Ok(())
}

/// The JSON Schema of `job.yaml`, as text that ends in a newline.
pub fn job_file_schema() -> String {
    let schema = schemars::schema_for!(JobFile);
    let mut text =
        serde_json::to_string_pretty(&schema).expect("a schema is a JSON value, which can be written");
    text.push('\n');
    text
}
