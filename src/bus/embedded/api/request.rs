//! What the address and the headers of a request say.

use actix_web::dev::Payload;
use actix_web::http::header::HeaderValue;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::convert::Infallible;
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
pub(super) struct Shown(Option<HeaderValue>);

impl Shown {
    /// What it asks for; read once the caller is known, like all that strangers can get wrong.
    pub(super) fn read(&self) -> Result<Option<Projection>, ProjectionError> {
        let Some(header) = &self.0 else { return Ok(None) };
        let wanted = serde_json::from_slice(header.as_bytes()).map_err(|_| ProjectionError::NotAnObject)?;
        Projection::parse(&wanted).map(Some)
    }
}

impl FromRequest for Shown {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.headers().get("x-meshblu-projection").cloned())))
    }
}
