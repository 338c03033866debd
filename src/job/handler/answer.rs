//! What a handler answers: `{metadata, data}`, or `{error: {code, message}}` with a status that is no success.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::super::runner::Trouble;
use crate::message::{Failure, FailureCode, Reply};

/// The longest word that is taken for a code.
const LONGEST_CODE: usize = 100;
/// The code of errors that name none (`spec/endo.md` 2.5, step a).
const NO_CODE: u16 = 500;
/// What errors say that say nothing themselves.
const NO_MESSAGE: &str = "the job failed and said no more";

/// A reply or an error of the handler's own.
pub(super) type Answer = Result<Reply, Trouble>;

#[derive(Deserialize)]
struct ErrorAnswer {
    error: ErrorMember,
}

#[derive(Deserialize)]
struct ErrorMember {
    #[serde(default)]
    code: Value,
    /// Whoever calls back with no more than a code, or a text in an error's place, says none.
    #[serde(default)]
    message: Option<String>,
}

/// What the handler says; `None` if that is nothing of the two.
pub(super) fn read(response: &Response<Bytes>) -> Option<Answer> {
    let document: Value = serde_json::from_slice(response.body()).ok()?;
    if !document.is_object() {
        return None;
    }
    if !response.status().is_success() {
        let answer = serde_json::from_value::<ErrorAnswer>(document).ok();
        return answer.map(|answer| Err(trouble(response.status(), answer.error.into())));
    }
    // An error with a success's status would become an empty reply.
    if document.get("error").is_some_and(|error| !error.is_null()) {
        return None;
    }
    serde_json::from_value(document).ok().map(Ok)
}

/// Whether whatever stands before the handler says that it does not answer.
pub(super) fn is_of_its_gateway(response: &Response<Bytes>) -> bool {
    matches!(
        response.status(),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Whoever says 401 twice says that the API refused the secret, and so did nothing.
fn trouble(status: StatusCode, failure: Failure) -> Trouble {
    match (status, failure.status()) {
        (StatusCode::UNAUTHORIZED, Some(401)) => Trouble::Expired(failure),
        _ => Trouble::Told(failure),
    }
}

impl From<ErrorMember> for Failure {
    fn from(error: ErrorMember) -> Self {
        let message = error.message.unwrap_or_else(|| NO_MESSAGE.to_owned());
        Self::said_by_job(code(error.code), message)
    }
}

fn code(code: Value) -> FailureCode {
    match code {
        Value::Number(number) => {
            number.as_u64().and_then(|number| u16::try_from(number).ok()).unwrap_or(NO_CODE).into()
        }
        Value::String(word) if !word.is_empty() && word.len() <= LONGEST_CODE => FailureCode::Word(word),
        _ => NO_CODE.into(),
    }
}
