//! What a job written in Rust is: typed data in, a typed response out, or an error that says what happens next.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::context::JobContext;

/// One kind of work that messages can ask for.
pub trait Job: Send + Sync + 'static {
    /// What `data` of a message is read into, once it satisfies the job's message schema; absent `data` is read as `null`.
    type Data: DeserializeOwned + Send;
    /// What becomes `data` of the reply; checked against the job's response schema, which also decides what is kept.
    type Response: Serialize + Send;

    /// Does the work.
    fn run(
        &self,
        data: Self::Data,
        context: JobContext,
    ) -> impl Future<Output = Result<Self::Response, JobError>> + Send;

    /// `metadata` of the reply: `code` and `status`, and whatever else the sender is to find there.
    fn metadata(&self, _response: &Self::Response) -> Map<String, Value> {
        Map::from_iter([("code".to_owned(), json!(200)), ("status".to_owned(), json!("OK"))])
    }
}

/// Why a job has no response; the variant says what happens next, the text is what the sender gets to see.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JobError {
    /// The work cannot be done as asked; the sender is told, nothing is repeated.
    #[error("{message}")]
    Refused {
        /// An HTTP status, or whatever code the API gave.
        code: u16,
        /// A text that is safe to show to the sender.
        message: String,
    },
    /// The API no longer takes the credentials: they are refreshed once, then the sender is told.
    #[error("the credentials have expired")]
    CredentialsExpired,
    /// The API cannot answer now; the job may be repeated.
    #[error("{message}")]
    Unavailable {
        /// An HTTP status for the sender if it stays at that: the API's own, if it gave one.
        code: u16,
        /// A text that is safe to show to the sender.
        message: String,
        /// How long the API wants to be left alone, if it said.
        retry_after: Option<Duration>,
    },
    /// Something may have been done or not; it is not repeated, and the sender is told just that.
    #[error("it is not known whether the work was done")]
    OutcomeUnknown,
}
