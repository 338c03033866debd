//! What the GitHub jobs share: the call, and what GitHub's errors mean for a job.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use octocrab::{AuthState, GitHubError, OctocrabBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::ambient::Timestamp;
use crate::job::{ApiClient, EgressError, JobError, RetryAfter};
use crate::telemetry::with_causes;

/// What stays as it is in a segment of a path (RFC 3986, "unreserved").
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longer than any name GitHub gives, in bytes.
const LONGEST_NAME: usize = 256;

/// The longest text of GitHub's that a sender gets to see, in characters.
const LONGEST_TEXT: usize = 200;

/// The data of a job about one user or organisation.
#[derive(Deserialize)]
pub(super) struct Username {
    username: String,
}

impl Username {
    /// The path of this user's `things`; no name leads anywhere else.
    pub(super) fn path(&self, things: &str) -> Result<String, JobError> {
        let name = &*self.username;
        if name.len() > LONGEST_NAME || matches!(name, "" | "." | "..") {
            return Err(JobError::Refused { code: 404, message: "Not Found".to_owned() });
        }
        Ok(format!("/users/{}/{things}", utf8_percent_encode(name, SEGMENT)))
    }
}

/// The first page (30) of a list of GitHub's.
pub(super) async fn list<T: DeserializeOwned>(
    api: &ApiClient,
    path: &str,
    parameters: &[(&str, &str)],
) -> Result<Vec<T>, JobError> {
    let Ok(github) =
        OctocrabBuilder::new_empty().with_service(api.service()).with_auth(AuthState::None).build();
    let parameters = (!parameters.is_empty()).then_some(parameters);
    github.get(path, parameters).await.map_err(|error| meaning(&error))
}

fn meaning(error: &octocrab::Error) -> JobError {
    match error {
        octocrab::Error::GitHub { source, .. } => meaning_of_answer(source),
        octocrab::Error::Service { source, .. } => {
            source.downcast_ref().map_or_else(unreadable, meaning_of_silence)
        }
        _ => unreadable(),
    }
}

fn meaning_of_answer(error: &GitHubError) -> JobError {
    let none = HeaderMap::new();
    let headers = error.headers.as_ref().unwrap_or(&none);
    match error.status_code {
        StatusCode::UNAUTHORIZED => JobError::CredentialsExpired,
        status if is_rate_limit(status, headers) => {
            unavailable(status, "GitHub's rate limit is used up", retry_after(headers))
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            unavailable(status, &format!("GitHub answered {}", status.as_u16()), retry_after(headers))
        }
        status => JobError::Refused { code: status.as_u16(), message: safe_text(error) },
    }
}

/// What it means that no answer came.
fn meaning_of_silence(error: &EgressError) -> JobError {
    // Why is for the operator: whoever reads the reply can do nothing about it.
    tracing::warn!(error = with_causes(error), "GitHub gave no answer");
    match error {
        EgressError::Timeout => {
            unavailable(StatusCode::GATEWAY_TIMEOUT, "GitHub did not answer in time", None)
        }
        EgressError::Connect(_) | EgressError::Exchange(_) => {
            unavailable(StatusCode::BAD_GATEWAY, "GitHub cannot be reached", None)
        }
        EgressError::TooLarge { .. } => refused("GitHub's answer is too long"),
        _ => refused("GitHub cannot be called"),
    }
}

fn unreadable() -> JobError {
    refused("GitHub's answer cannot be read")
}

fn refused(message: &str) -> JobError {
    JobError::Refused { code: 502, message: message.to_owned() }
}

fn unavailable(status: StatusCode, message: &str, retry_after: Option<Duration>) -> JobError {
    JobError::Unavailable { code: status.as_u16(), message: message.to_owned(), retry_after }
}

/// GitHub says so with 429, or with 403 and a header; a 403 without is a plain refusal.
fn is_rate_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    let told =
        headers.contains_key(header::RETRY_AFTER) || number(headers, "x-ratelimit-remaining") == Some(0);
    status == StatusCode::TOO_MANY_REQUESTS || (status == StatusCode::FORBIDDEN && told)
}

/// How long GitHub wants to be left alone, by its own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let now = headers.get(header::DATE).and_then(|date| Timestamp::from_http_date(date.to_str().ok()?));
    let until_reset = || {
        number(headers, "x-ratelimit-remaining").filter(|remaining| *remaining == 0)?;
        let reset = i64::try_from(number(headers, "x-ratelimit-reset")?).ok()?;
        Some(RetryAfter::At(Timestamp::from_millis(reset.checked_mul(1000)?)))
    };
    match RetryAfter::of(headers).or_else(until_reset)? {
        RetryAfter::In(span) => Some(span),
        at @ RetryAfter::At(_) => Some(at.span_from(now?)).filter(|span| !span.is_zero()),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// GitHub's own `message`, on one line and not too long; octocrab puts the whole body there if it has none.
fn safe_text(error: &GitHubError) -> String {
    let words = error.message.split(|c: char| c.is_whitespace() || c.is_control());
    let text = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if text.is_empty() || text.starts_with(['{', '[', '<']) {
        return format!("GitHub answered {}", error.status_code.as_u16());
    }
    match text.char_indices().nth(LONGEST_TEXT) {
        // Who looks for a secret in it is to know that its end may be missing.
        Some(_) => text.chars().take(LONGEST_TEXT - 1).chain(['…']).collect(),
        None => text,
    }
}
