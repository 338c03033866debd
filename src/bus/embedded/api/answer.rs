//! The answers of the bus, in the form its clients read (`spec/meshblu.md` 2.5).

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use serde_json::Value;

use super::refusal::Refusal;

pub(super) const CODE: HeaderName = HeaderName::from_static("x-meshblu-code");
pub(super) const STATUS: HeaderName = HeaderName::from_static("x-meshblu-status");

/// What a route answers.
pub(super) type Answer = Result<HttpResponse, Refusal>;

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

/// 200 with this body.
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
