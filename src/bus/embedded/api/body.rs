//! The body of a request, read within its limits and parsed once.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::problem::Problem;
use super::refusal::Refusal;
use super::server::Door;
use crate::bus::form;
use crate::connection::Hearing;
use crate::memory::weight::{self, MAX_WEIGHT};
use crate::memory::{Held, Taken};

/// A body, if there is one: an object or an array. Whatever is made of it stays in its room in memory until it is worked on.
#[derive(Debug)]
pub(super) struct Body(Held<Option<Value>>);

impl Body {
    /// The body, or an empty object where there is none.
    pub(super) fn or_empty(self) -> Held<Value> {
        self.0.map(|value| value.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// The body's members; none where it is no object.
    pub(super) fn members(self) -> Held<Map<String, Value>> {
        self.0.map(|value| match value {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Form,
    /// Not parsed: the body counts as absent.
    Other,
}

impl FromRequest for Body {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let door = Door::of(request).clone();
        let payload = Hearing::of(request, payload.take());
        let format = admit(request.headers(), door.limits.body_bytes);
        Box::pin(async move {
            let format = format.map_err(Refusal::Problem)?;
            let late = |_| Refusal::Problem(Problem::Timeout);
            let reading = read(payload, &door);
            let (bytes, _arrived) =
                timeout(door.limits.terms.request_within, reading).await.map_err(late)??;
            door.parse(&bytes, format)
        })
    }
}

fn admit(headers: &HeaderMap, limit: usize) -> Result<Format, Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0);
    if length > limit {
        return Err(Problem::BodyTooLarge);
    }
    if text(CONTENT_ENCODING).is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        return Err(Problem::ContentCoding);
    }
    Ok(text(CONTENT_TYPE).map_or(Format::Json, format))
}

/// A body without a content type is read as JSON.
fn format(content_type: &str) -> Format {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/x-www-form-urlencoded" => Format::Form,
        json if json.ends_with("/json") || json.ends_with("+json") => Format::Json,
        _ => Format::Other,
    }
}

/// The whole body. Whoever lets the end of theirs wait takes room from none that is there.
async fn read(mut payload: Hearing<Payload>, door: &Door) -> Result<(Bytes, Taken), Refusal> {
    let mut body = BytesMut::new();
    let mut room = Taken::default();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::Problem(Problem::MalformedBody))?;
        let length = body.len() + chunk.len();
        if length > door.limits.body_bytes {
            return Err(Refusal::Problem(Problem::BodyTooLarge));
        }
        door.arriving.grow(&mut room, length).map_err(|_| Refusal::Crowded)?;
        body.extend_from_slice(&chunk);
    }
    Ok((body.freeze(), room))
}

impl Door {
    /// Parses a body, once it is known how much memory that takes and that there is room for it.
    fn parse(&self, bytes: &[u8], format: Format) -> Result<Body, Refusal> {
        let weight = match format {
            Format::Json => weight::of_text(bytes),
            Format::Form | Format::Other => bytes.len(),
        };
        if weight > MAX_WEIGHT {
            return Err(Refusal::Problem(Problem::BodyTooLarge));
        }
        let mut room = Taken::default();
        self.room.grow(&mut room, weight).map_err(|_| Refusal::Crowded)?;
        Ok(Body(Held::new(parse(bytes, format).map_err(Refusal::Problem)?, room)))
    }
}

fn parse(bytes: &[u8], format: Format) -> Result<Option<Value>, Problem> {
    let bytes = bytes.trim_ascii();
    match format {
        _ if bytes.is_empty() => Ok(None),
        Format::Other => Ok(None),
        Format::Form => Ok(Some(Value::Object(form::parse(&String::from_utf8_lossy(bytes))))),
        Format::Json => match serde_json::from_slice(bytes) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value)),
            _ => Err(Problem::MalformedBody),
        },
    }
}
