//! Reading what a Meshblu answers (`spec/endo.md` 2.1, `spec/meshblu.md` 2.5).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::MeshbluError;
use super::identity::Identity;
use crate::memory::weight::{self, MAX_WEIGHT};
use crate::redaction::Redaction;

/// The longest message of an error that is passed on, in characters.
const LONGEST_MESSAGE: usize = 300;
/// Carries an error beside whatever the body is.
const ERROR: &str = "x-meshblu-error";

/// What a bus answers, and to whom.
pub(super) struct Answer<'a> {
    pub(super) response: Response<Bytes>,
    pub(super) caller: Option<Identity<'a>>,
}

impl Answer<'_> {
    /// The body of an answer that says that the call was done; `null` where it has none.
    ///
    /// # Errors
    /// [`MeshbluError::Refused`] for every status that is no success, and for a success that carries an error;
    /// [`MeshbluError::Unreadable`] for a success with a body that no bus sends, such as a page of what stands before it, and
    /// for what would take too much memory.
    pub(super) fn read(&self) -> Result<Value, MeshbluError> {
        let status = self.response.status();
        fits_into_memory(&self.response)?;
        let body = serde_json::from_slice::<Value>(self.response.body()).ok();
        if let Some(message) = told(&self.response, body.as_ref()) {
            return Err(self.refused(message));
        }
        if !status.is_success() {
            return Err(self.refused(format!("Invalid Response Code {}", status.as_u16())));
        }
        match body {
            Some(body) => Ok(body),
            None if self.response.body().is_empty() || is_text(self.response.headers()) => Ok(Value::Null),
            None => Err(MeshbluError::Unreadable),
        }
    }

    /// The list that such an answer is, read without more than `T` asks for.
    ///
    /// # Errors
    /// As [`read`](Self::read); [`MeshbluError::Unreadable`] for what is no such list.
    pub(super) fn read_list<T: DeserializeOwned>(&self) -> Result<Vec<T>, MeshbluError> {
        fits_into_memory(&self.response)?;
        let is_done = self.response.status().is_success() && !self.response.headers().contains_key(ERROR);
        match serde_json::from_slice(self.response.body()) {
            // An error is an object.
            Ok(list) if is_done => Ok(list),
            _ => serde_json::from_value(self.read()?).map_err(|_| MeshbluError::Unreadable),
        }
    }

    /// What a bus says of an error, as people get to see it: without the token by which it was called.
    fn refused(&self, message: String) -> MeshbluError {
        let sent = Redaction::of(self.caller.map(|caller| caller.token()));
        let message = sent.clean_text(message);
        let message = message.chars().filter(|c| !c.is_control()).take(LONGEST_MESSAGE).collect();
        MeshbluError::Refused { status: self.response.status(), message }
    }
}

/// Devices of strangers, and what a bus elsewhere tells of them, may be anything.
fn fits_into_memory(answer: &Response<Bytes>) -> Result<(), MeshbluError> {
    match weight::of_text(answer.body()) {
        weight if weight > MAX_WEIGHT => Err(MeshbluError::Unreadable),
        _ => Ok(()),
    }
}

/// The message of an error: of the header, else of the body, else the body where that is a text.
fn told(answer: &Response<Bytes>, body: Option<&Value>) -> Option<String> {
    let header = answer.headers().get(ERROR);
    if let Some(error) = header.and_then(|header| serde_json::from_slice::<Value>(header.as_bytes()).ok()) {
        return Some(error["message"].as_str().unwrap_or("unknown error").to_owned());
    }
    match body.and_then(|body| body.get("error")) {
        Some(Value::String(message)) => return Some(message.clone()),
        Some(Value::Null | Value::Bool(false)) | None => {}
        Some(_) => return Some("unknown error".to_owned()),
    }
    match body {
        Some(Value::String(text)) if answer.status().as_u16() >= 400 => Some(text.clone()),
        None if answer.status().as_u16() >= 400 && is_text(answer.headers()) => {
            std::str::from_utf8(answer.body()).ok().filter(|text| !text.is_empty()).map(str::to_owned)
        }
        _ => None,
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind.starts_with("text/plain"))
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()
}
