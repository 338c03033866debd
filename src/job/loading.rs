//! From a job's directory to its parsed, merged and compiled documents.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use super::directory::{BuiltIn, Run};
use super::merging;
use super::naming;
use super::old_drafts::modernise;
use super::response::ResponseSchema;
use super::schema::{Schema, SchemaError};
use crate::message::JobType;

/// Why the jobs cannot be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A document is no JSON.
    #[error("{file} of the job `{job}` is no JSON")]
    Syntax {
        /// The job's directory.
        job: String,
        /// The document.
        file: &'static str,
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// A document is no JSON object.
    #[error("{file} of the job `{job}` is no JSON object")]
    NotAnObject {
        /// The job's directory.
        job: String,
        /// The document.
        file: &'static str,
    },
    /// Nothing could be let out of the job.
    #[error("the job `{job}` has no response schema")]
    NoResponse {
        /// The job's directory.
        job: String,
    },
    /// A schema cannot be used.
    #[error("{file} of the job `{job}` cannot be used")]
    Schema {
        /// The job's directory.
        job: String,
        /// The document.
        file: &'static str,
        /// What is wrong with it.
        source: SchemaError,
    },
    /// Two directories have names that make the same job type.
    #[error("two jobs have the type `{0}`")]
    Duplicate(JobType),
    /// The default job type is none of the job types.
    #[error("the default job type `{0}` is none of the job types")]
    UnknownDefault(JobType),
    /// A directory of jobs cannot be read.
    #[error("the directory of jobs {} cannot be read", directory.display())]
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A directory describes a job that nothing here can run.
    #[error("{} describes a job, but no code of this program runs it", .0.display())]
    NoCode(PathBuf),
}

/// Something about a job that works, but that its author may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadNotice {
    /// The job's directory.
    pub job: String,
    /// The document.
    pub file: &'static str,
    /// Where in the document, and what.
    pub text: String,
}

impl fmt::Display for LoadNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the job `{}`: {}", self.file, self.job, self.text)
    }
}

/// A job that is ready to run, and what is served about it.
pub(super) struct LoadedJob {
    pub(super) job_type: JobType,
    pub(super) run: Run,
    pub(super) form: Option<Value>,
    pub(super) message: Schema,
    pub(super) response_document: Value,
    pub(super) response: ResponseSchema,
}

/// Parses, merges and compiles the documents of one job.
pub(super) fn load(built_in: BuiltIn, notices: &mut Vec<LoadNotice>) -> Result<LoadedJob, LoadError> {
    let directory = built_in.directory;
    let job_type = naming::job_type(directory.name);
    let mut job = Documents { job: directory.name, notices };
    let form = job.object("form.json", directory.form)?.map(Value::Object);
    let own_message = job.object("message.json", directory.message)?.unwrap_or_default();
    let own_response = job.object("response.json", directory.response)?;
    let own_response = own_response.filter(|schema| !schema.is_empty()).ok_or_else(|| job.no_response())?;

    let message = merging::message_schema(&job_type, &own_message);
    let message = job.compile("message.json", &message, |modern| Schema::compile(message.clone(), modern))?;
    let response_document = merging::response_schema(&own_response);
    let response = job.compile("response.json", &response_document, ResponseSchema::compile)?;
    Ok(LoadedJob { job_type, run: built_in.run, form, message, response_document, response })
}

/// Compiles the message schema that a default job uses for other job types.
pub(super) fn any_job_type(job: &LoadedJob) -> Result<Schema, LoadError> {
    let schema = merging::any_job_type(&job.message.document);
    let modern = modernise(&schema).schema;
    let named = |source| LoadError::Schema { job: job.job_type.to_string(), file: "message.json", source };
    Schema::compile(schema, &modern).map_err(named)
}

/// Refuses directories of jobs that this program has no code for.
pub(super) fn refuse_jobs_without_code(directory: &Path) -> Result<(), LoadError> {
    let unreadable = |source| LoadError::Unreadable { directory: directory.to_owned(), source };
    for entry in directory.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            return Err(LoadError::NoCode(path));
        }
    }
    Ok(())
}

struct Documents<'a> {
    job: &'static str,
    notices: &'a mut Vec<LoadNotice>,
}

impl Documents<'_> {
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

    fn no_response(&self) -> LoadError {
        LoadError::NoResponse { job: self.job.to_owned() }
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
