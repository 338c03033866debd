//! Why jobs cannot be loaded, and what their authors may want to know.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::handler::JobFileError;
use super::schema::SchemaError;
use crate::egress::HandlerAddressError;
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
    /// Nothing could be let out of a job of this program.
    #[error("the job `{job}` has no schema of what it may answer: response.json is missing or empty")]
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
    /// A directory describes a job, but does not say what runs it.
    #[error("{} has no job.yaml that says what runs the job", .0.display())]
    NoCode(PathBuf),
    /// A file of a job directory cannot be read.
    #[error("cannot read {}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A document is there in a form that is not read.
    #[error("{} is CSON, which is not read here; `endo job convert {}` makes JSON of it", file.display(), directory.display())]
    OnlyCson {
        /// The document.
        file: PathBuf,
        /// What to convert.
        directory: PathBuf,
    },
    /// A `job.yaml` makes no sense.
    #[error("cannot use {}", file.display())]
    JobFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: JobFileError,
    },
    /// A handler is where it may not be.
    #[error("cannot use the handler in {named_in}")]
    Handler {
        /// The file or setting that names it.
        named_in: String,
        /// Why not.
        source: HandlerAddressError,
    },
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
