//! What runs a job: code of this program, or an external handler. The two see different things.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::context::JobContext;
use super::contract::{Job, JobError};
use super::handler::Handler;
use super::workbench::Provisions;
use crate::egress::EgressError;
use crate::message::{Failure, Message, Reply};

/// Why a run gave no [`Reply`].
pub(super) enum Trouble {
    /// The credentials name no usable hosts.
    Hosts(EgressError),
    /// `data` satisfies the schema, but is not what the job reads.
    Unreadable(serde_json::Error),
    /// The answer is none, or cannot be written as JSON.
    Invalid,
    /// The job's own error.
    Job(JobError),
    /// The API does not take the secret, as a handler says in its own words.
    Expired(Failure),
    /// The answer of a handler that may be asked again.
    Lost,
    /// What a handler wants the sender to be told.
    Told(Failure),
}

/// One run, nothing of which has happened yet.
pub(super) type Work = BoxFuture<'static, Result<Reply, Trouble>>;

/// A job written in Rust, its types erased. It gets its data and the public part of the credentials, nothing else.
pub(super) type RustJob = Arc<dyn Fn(Value, JobContext) -> Work + Send + Sync>;

/// What runs a job.
pub(super) enum Runner {
    Rust(RustJob),
    Handler(Handler),
}

impl Runner {
    /// The run of `message` with these provisions.
    pub(super) fn work(&self, message: &Message, provisions: Provisions) -> Result<Work, Trouble> {
        match self {
            Self::Rust(job) => {
                let context = provisions.into_context().map_err(Trouble::Hosts)?;
                Ok(job(message.data.clone().unwrap_or_default(), context))
            }
            Self::Handler(handler) => {
                let question = provisions.into_question(message);
                Ok(Box::pin(handler.clone().answer(question)))
            }
        }
    }
}

/// Erases the types of a job: here, once.
pub(super) fn erased<J: Job>(job: Arc<J>) -> RustJob {
    Arc::new(move |data, context| Box::pin(run(job.clone(), data, context)))
}

async fn run<J: Job>(job: Arc<J>, data: Value, context: JobContext) -> Result<Reply, Trouble> {
    let data = serde_json::from_value(data).map_err(Trouble::Unreadable)?;
    let response = job.run(data, context).await.map_err(Trouble::Job)?;
    let metadata = Some(job.metadata(&response));
    let data = Some(serde_json::to_value(&response).map_err(|_| Trouble::Invalid)?);
    Ok(Reply { metadata, data })
}
