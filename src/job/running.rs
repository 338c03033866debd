//! One run of a job: bounded in time, and apart from everything else, so that a panic ends nothing but itself.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::contract::JobError;
use super::response::ResponseSchema;
use super::runner::{Trouble, Work};
use super::wording;
use crate::message::{Failure, Reply};
use crate::redaction::Redaction;
use crate::telemetry::with_causes;

/// Why a job has no reply: what the sender is told if it stays at that, and what to do before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFailure {
    /// What the sender is told.
    pub failure: Failure,
    /// What happens next.
    pub next: Next,
}

/// What happens after a failed run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same run may succeed later.
    Repeat {
        /// How long the API wants to be left alone, if it said.
        after: Option<Duration>,
    },
    /// Another run would fail the same way, or is not to be.
    Final,
    /// The run ended before its time; what it had started outside may have been done or not.
    Interrupted,
    /// The API refused the credentials. They are to be refreshed; then the job may run once more.
    CredentialsExpired,
    /// The same, as a handler says, whose word for it there is alone.
    CredentialsSaidExpired,
}

impl RunFailure {
    /// A failure that another run would not mend.
    pub fn last(failure: Failure) -> Self {
        Self { failure, next: Next::Final }
    }
}

impl From<JobError> for RunFailure {
    fn from(error: JobError) -> Self {
        let text = error.to_string();
        let (failure, next) = match error {
            JobError::Refused { code, .. } => (Failure::said_by_job(code, text), Next::Final),
            JobError::CredentialsExpired => (Failure::credentials_expired(), Next::CredentialsExpired),
            JobError::Unavailable { code, retry_after, .. } => {
                (Failure::said_by_job(code, text), Next::Repeat { after: retry_after })
            }
            JobError::OutcomeUnknown => (Failure::outcome_unknown(), Next::Final),
        };
        Self { failure, next }
    }
}

/// Runs a job within `limit`; its reply is held to `schema`, if there is one. Whatever comes of it repeats none of the secrets
/// that the job's API or its handler was told.
pub(super) async fn run(
    work: Result<Work, Trouble>,
    limit: Duration,
    redaction: &Redaction,
    schema: Option<&ResponseSchema>,
) -> Result<Reply, RunFailure> {
    let answer = match work {
        Ok(work) => apart(work, limit).await?,
        Err(trouble) => Err(trouble),
    };
    match answer {
        Ok(reply) => conforming(clean(reply, redaction), schema).map_err(|rule| not_conforming(&rule)),
        Err(trouble) => told_of(trouble).map_err(|RunFailure { failure, next }| {
            // What was cut might not be known again.
            let reword = |words| wording::cut(redaction.clean_text(words));
            RunFailure { failure: failure.reworded(reword), next }
        }),
    }
}

fn clean(reply: Reply, redaction: &Redaction) -> Reply {
    let metadata = reply.metadata.map(|metadata| redaction.clean_members(metadata));
    Reply { metadata, data: reply.data.map(|data| redaction.clean(data)) }
}

/// The reply as `schema` has it, if there is one; else the rule that it breaks.
fn conforming(reply: Reply, schema: Option<&ResponseSchema>) -> Result<Reply, String> {
    match schema {
        Some(schema) => schema.conform(reply),
        None => Ok(reply),
    }
}

fn not_conforming(rule: &str) -> RunFailure {
    tracing::warn!(response.rule = rule, "a response does not satisfy its schema");
    RunFailure::last(Failure::response_invalid())
}

/// What is told where a run gave no reply of its job's.
fn told_of(trouble: Trouble) -> Result<Reply, RunFailure> {
    Err(match trouble {
        Trouble::Unreadable(error) => return Ok(unreadable(&error)),
        Trouble::Invalid => RunFailure::last(Failure::response_invalid()),
        Trouble::Job(error) => error.into(),
        Trouble::Expired(failure) => RunFailure { failure, next: Next::CredentialsSaidExpired },
        Trouble::Told(failure) => RunFailure::last(failure),
        Trouble::Lost => {
            let failure = Failure::new(503, "the job's handler gave no answer").leaving_open();
            RunFailure { failure, next: Next::Repeat { after: None } }
        }
        Trouble::Hosts(error) => {
            tracing::warn!(error = with_causes(&error), "the record names no usable hosts");
            RunFailure::last(Failure::invalid_credentials_device())
        }
    })
}

/// A task of its own, ended when the time is up or nobody waits any more.
async fn apart<T: Send + 'static>(
    job: impl Future<Output = T> + Send + 'static,
    limit: Duration,
) -> Result<T, RunFailure> {
    let mut task = JoinSet::new();
    task.spawn(job.in_current_span());
    match tokio::time::timeout(limit, task.join_next()).await {
        Ok(Some(Ok(answer))) => Ok(answer),
        Ok(_) => Err(interrupted(Failure::new(500, "job_failed"))),
        Err(_) => {
            tracing::warn!(limit.ms = limit.as_millis(), "a job ran too long and was ended");
            Err(interrupted(Failure::new(504, "job_timed_out").leaving_open()))
        }
    }
}

fn interrupted(failure: Failure) -> RunFailure {
    RunFailure { failure, next: Next::Interrupted }
}

/// The reply to a message that does not satisfy its schema.
pub(super) fn unprocessable(errors: Vec<String>) -> Reply {
    let reply = json!({
        "metadata": {"code": 422, "status": "Unprocessable Entity"},
        "data": {"errors": errors},
    });
    serde_json::from_value(reply).expect("it is written as a reply")
}

/// The reply to a message of no known job type.
pub(super) fn not_found() -> Reply {
    let reply = json!({"metadata": {"code": 404, "status": "Not Found"}});
    serde_json::from_value(reply).expect("it is written as a reply")
}

fn unreadable(error: &serde_json::Error) -> Reply {
    unprocessable(vec![wording::cut(format!("message.data cannot be read by the job: {error}"))])
}
