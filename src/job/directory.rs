//! Jobs written in Rust, with the documents of their directories, as the one list of them is made of.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::context::JobContext;
use super::contract::{Job, JobError};

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

/// What a job gave back, before its response is checked.
pub(super) struct Answer {
    pub(super) metadata: Map<String, Value>,
    pub(super) data: Value,
}

/// Why a job gave back no [`Answer`].
pub(super) enum Trouble {
    /// `data` satisfies the schema, but is not what the job reads.
    Unreadable(serde_json::Error),
    /// The response cannot be written as JSON.
    Unwritable,
    /// The job's own error.
    Job(JobError),
}

/// A job whose types are erased.
pub(super) type Run =
    Arc<dyn Fn(Value, JobContext) -> BoxFuture<'static, Result<Answer, Trouble>> + Send + Sync>;

/// A job with its directory; its types are erased here, once.
pub struct BuiltIn {
    pub(super) directory: JobDirectory,
    pub(super) run: Run,
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BuiltIn").field(&self.directory.name).finish()
    }
}

/// Joins a job with its directory: one line of the list of jobs.
pub fn built_in<J: Job>(directory: JobDirectory, job: J) -> BuiltIn {
    let job = Arc::new(job);
    let run = move |data, context| -> BoxFuture<'static, _> { Box::pin(answer(job.clone(), data, context)) };
    BuiltIn { directory, run: Arc::new(run) }
}

async fn answer<J: Job>(job: Arc<J>, data: Value, context: JobContext) -> Result<Answer, Trouble> {
    let data = serde_json::from_value(data).map_err(Trouble::Unreadable)?;
    let response = job.run(data, context).await.map_err(Trouble::Job)?;
    let metadata = job.metadata(&response);
    let data = serde_json::to_value(&response).map_err(|_| Trouble::Unwritable)?;
    Ok(Answer { metadata, data })
}
