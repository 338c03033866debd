//! From a job's directory to its parsed, merged and compiled documents.

use serde_json::{Map, Value};

use super::directory::{DescribedJob, Documents};
use super::load_error::{LoadError, LoadNotice};
use super::merging;
use super::naming;
use super::old_drafts::modernise;
use super::response::ResponseSchema;
use super::runner::Runner;
use super::schema::{Schema, SchemaError};
use crate::message::JobType;

/// A job that is ready to run, and what is served about it.
pub(super) struct LoadedJob {
    pub(super) job_type: JobType,
    pub(super) runner: Runner,
    pub(super) form: Option<Value>,
    pub(super) message: Schema,
    /// What is served about its responses, if there is anything.
    pub(super) response_document: Option<Value>,
    /// What lets its responses out; without one they pass as they are.
    pub(super) response: Option<ResponseSchema>,
}

/// Parses, merges and compiles the documents of one job.
pub(super) fn load(job: DescribedJob, notices: &mut Vec<LoadNotice>) -> Result<LoadedJob, LoadError> {
    let DescribedJob { documents, runner, .. } = job;
    let Documents { name, message, form, response } = documents;
    let job_type = naming::job_type(&name);
    let mut job = Loading { job: &name, notices };
    let form = job.object("form.json", &form)?.map(Value::Object);
    let own_message = job.object("message.json", &message)?.unwrap_or_default();
    let own_response = job.object("response.json", &response)?;

    let message = merging::message_schema(&job_type, &own_message);
    let message = job.compile("message.json", &message, |modern| Schema::compile(message.clone(), modern))?;
    let response_document = own_response.as_ref().map(merging::response_schema);
    let response = match &response_document {
        Some(document) if own_response.is_some_and(|own| !own.is_empty()) => {
            Some(job.compile("response.json", document, ResponseSchema::compile)?)
        }
        _ => job.without_response(&runner)?,
    };
    Ok(LoadedJob { job_type, runner, form, message, response_document, response })
}

/// Compiles the message schema that a default job uses for other job types.
pub(super) fn any_job_type(job: &LoadedJob) -> Result<Schema, LoadError> {
    let schema = merging::any_job_type(&job.message.document);
    let modern = modernise(&schema).schema;
    let named = |source| LoadError::Schema { job: job.job_type.to_string(), file: "message.json", source };
    Schema::compile(schema, &modern).map_err(named)
}

struct Loading<'a> {
    job: &'a str,
    notices: &'a mut Vec<LoadNotice>,
}

impl Loading<'_> {
    fn object(&self, file: &'static str, text: &str) -> Result<Option<Map<String, Value>>, LoadError> {
        let job = || self.job.to_owned();
        if text.trim().is_empty() {
            return Ok(None);
        }
        match serde_json::from_str(text).map_err(|source| LoadError::Syntax { job: job(), file, source })? {
            Value::Object(document) => Ok(Some(document)),
            _ => Err(LoadError::NotAnObject { job: job(), file }),
        }
    }

    /// As jobs of the original may be, which run elsewhere. What runs here says what it lets out.
    fn without_response<T>(&mut self, runner: &Runner) -> Result<Option<T>, LoadError> {
        let job = self.job.to_owned();
        match runner {
            Runner::Rust(_) => Err(LoadError::NoResponse { job }),
            Runner::Handler(_) => {
                let text = "it says nothing of responses, so they pass unstripped".to_owned();
                self.notices.push(LoadNotice { job, file: "response.json", text });
                Ok(None)
            }
        }
    }

    fn compile<T>(
        &mut self,
        file: &'static str,
        document: &Value,
        compile: impl FnOnce(&Value) -> Result<T, SchemaError>,
    ) -> Result<T, LoadError> {
        let modern = modernise(document);
        let job = self.job.to_owned();
        self.notices.extend(modern.changes.into_iter().map(|text| LoadNotice {
            job: job.clone(),
            file,
            text,
        }));
        compile(&modern.schema).map_err(|source| LoadError::Schema { job, file, source })
    }
}
