//! Whom the credentials belong to.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::job::{Job, JobContext, JobError};

pub(super) struct ShowAccount;

#[derive(Deserialize, Serialize)]
pub(super) struct Account {
    login: String,
    name: Option<String>,
}

impl Job for ShowAccount {
    type Data = Value;
    type Response = Account;

    async fn run(&self, _data: Value, context: JobContext) -> Result<Account, JobError> {
        let request = Request::get("/user").body(Bytes::new()).expect("a fixed path is a request");
        let answer = context.api().call(request).await.map_err(|_| JobError::Unavailable {
            code: 502,
            message: "GitHub cannot be reached".to_owned(),
            retry_after: None,
        })?;
        let refused = |message: &str| JobError::Refused { code: 502, message: message.to_owned() };
        match answer.status() {
            StatusCode::OK => serde_json::from_slice(answer.body()).map_err(|_| refused("unreadable")),
            StatusCode::UNAUTHORIZED => Err(JobError::CredentialsExpired),
            _ => Err(refused("GitHub refused")),
        }
    }
}
