//! What the address and the headers of a request say.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::future::{Ready, ready};

use super::refusal::Refusal;
use crate::bus::embedded::BusError;
use crate::bus::embedded::projection::{Projection, ProjectionError};
use crate::message::DeviceUuid;

const MAX_UUID: usize = 256;

/// This text as the name of a device, if it can be one.
pub(super) fn uuid(text: &str) -> Option<DeviceUuid> {
    let can_be = !text.is_empty() && text.len() <= MAX_UUID && !text.chars().any(char::is_control);
    can_be.then(|| text.into())
}

/// The device that the path names.
#[derive(Clone, Debug)]
pub(super) struct Target(pub(super) DeviceUuid);

impl FromRequest for Target {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let named = uuid(&segment(request, "uuid"));
        ready(named.map(Self).ok_or(Refusal::Bus(BusError::Forbidden)))
    }
}

/// A named segment of the path, decoded.
pub(super) fn segment<'a>(request: &'a HttpRequest, name: &str) -> Cow<'a, str> {
    percent_decode_str(request.match_info().query(name)).decode_utf8_lossy()
}

/// The header `x-meshblu-projection`.
#[derive(Clone, Debug)]
pub(super) struct Shown(pub(super) Option<Projection>);

impl FromRequest for Shown {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(header) = request.headers().get("x-meshblu-projection") else {
            return ready(Ok(Self(None)));
        };
        let projection = serde_json::from_slice(header.as_bytes()).map_err(|_| ProjectionError::NotAnObject);
        let projection = projection.and_then(|wanted: serde_json::Value| Projection::parse(&wanted));
        ready(projection.map(|projection| Self(Some(projection))).map_err(Refusal::from))
    }
}
