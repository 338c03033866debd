//! The answers of the bus, in the form its clients read (`spec/meshblu.md` 2.5).

use std::convert::Infallible;
use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::refusal::Refusal;
use crate::memory::{Crowded, Room, Taken};

pub(super) const CODE: HeaderName = HeaderName::from_static("x-meshblu-code");
pub(super) const STATUS: HeaderName = HeaderName::from_static("x-meshblu-status");

/// What a route answers.
pub(super) type Answer = Result<HttpResponse, Refusal>;

/// Makes answers, as far as there is room in memory for those that their callers have not taken yet. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Answers(Room);

/// The text of an answer. Its room in memory is given back once the caller has taken it.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Bytes,
    _room: Taken,
}

impl Answers {
    pub(super) fn within(bytes: usize) -> Self {
        Self(Room::new(bytes))
    }

    /// The room that they share.
    pub(super) fn room(&self) -> &Room {
        &self.0
    }

    /// The JSON text of this body. Best made where the body was found: what waits for its caller is kept as text alone.
    pub(super) fn json(&self, body: &impl Serialize) -> Result<Text, Crowded> {
        self.text(serde_json::to_vec(body).expect("what is answered can be written"))
    }

    /// An answer of this text.
    pub(super) fn text(&self, text: Vec<u8>) -> Result<Text, Crowded> {
        let mut room = Taken::default();
        self.0.grow(&mut room, text.len())?;
        Ok(Text { bytes: text.into(), _room: room })
    }
}

impl Text {
    /// 200 with this JSON text.
    pub(super) fn found(self) -> HttpResponse {
        self.routed(StatusCode::OK)
    }

    /// This status with this JSON text.
    pub(super) fn routed(self, status: StatusCode) -> HttpResponse {
        routed(status).content_type(ContentType::json()).body(self)
    }
}

impl MessageBody for Text {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.len() as u64)
    }

    /// The server asks once more when the caller has taken nearly all of it.
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let rest = take(&mut self.get_mut().bytes);
        Poll::Ready((!rest.is_empty()).then_some(Ok(rest)))
    }
}

/// The beginning of an answer that the bus itself gives, with the status in its headers too.
pub(super) fn routed(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    let text = status.canonical_reason().unwrap_or_default();
    response.insert_header((CODE, HeaderValue::from(status.as_u16())));
    response.insert_header((STATUS, HeaderValue::from_static(text)));
    response
}

/// 204, without a body.
pub(super) fn done() -> HttpResponse {
    routed(StatusCode::NO_CONTENT).finish()
}

/// 200 with this body, which is small.
pub(super) fn found(body: &impl Serialize) -> HttpResponse {
    routed(StatusCode::OK).json(body)
}

/// This body without a member `error` at its top: clients take that for a failure, whatever the status
/// (`spec/meshblu.md` 10, item 3). A search shows it.
pub(super) fn shown(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.shift_remove("error");
    }
    document
}
