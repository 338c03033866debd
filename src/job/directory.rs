//! A job with the documents of its directory, as lists of jobs are made of.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::contract::Job;
use super::naming;
use super::runner::{Runner, erased};
use crate::message::JobType;

/// The documents of one job directory, as text; empty where there is none.
#[derive(Clone, Copy, Debug)]
pub struct JobDirectory {
    /// The directory's name; it decides the job type: `list-events-by-user` is `ListEventsByUser`.
    pub name: &'static str,
    /// `message.json`: the JSON Schema of the messages the job takes.
    pub message: &'static str,
    /// `form.json`: forms for the message, keyed by designer, served as they are.
    pub form: &'static str,
    /// `response.json`: the JSON Schema of the job's replies.
    pub response: &'static str,
}

/// Embeds the documents of the directory of that name, which stands beside the file that says this.
#[macro_export]
macro_rules! job_directory {
    ($name:literal) => {
        $crate::job::JobDirectory {
            name: $name,
            message: include_str!(concat!($name, "/message.json")),
            form: include_str!(concat!($name, "/form.json")),
            response: include_str!(concat!($name, "/response.json")),
        }
    };
}
pub use job_directory as directory;

/// The same documents, wherever they come from.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    pub(super) name: Cow<'static, str>,
    pub(super) message: Cow<'static, str>,
    pub(super) form: Cow<'static, str>,
    pub(super) response: Cow<'static, str>,
}

impl From<JobDirectory> for Documents {
    fn from(directory: JobDirectory) -> Self {
        let JobDirectory { name, message, form, response } = directory;
        Self { name: name.into(), message: message.into(), form: form.into(), response: response.into() }
    }
}

/// A job with its documents, and what runs it.
pub struct DescribedJob {
    pub(super) documents: Documents,
    pub(super) runner: Runner,
    pub(super) provider: Option<&'static str>,
}

impl DescribedJob {
    /// This job, for credentials of one API of the catalogue of providers; any other would not understand its calls.
    pub fn of(mut self, provider: &'static str) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The one API it is for, by its name in the catalogue; nothing where it is for any.
    pub fn provider(&self) -> Option<&'static str> {
        self.provider
    }

    /// Its directory.
    pub fn name(&self) -> &str {
        &self.documents.name
    }

    /// What messages call it.
    pub fn job_type(&self) -> JobType {
        naming::job_type(&self.documents.name)
    }
}

impl fmt::Debug for DescribedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DescribedJob").field(&self.documents.name).finish()
    }
}

/// Joins a job written in Rust with its directory: one line of the list of jobs.
pub fn built_in<J: Job>(directory: JobDirectory, job: J) -> DescribedJob {
    DescribedJob { documents: directory.into(), runner: Runner::Rust(erased(Arc::new(job))), provider: None }
}
