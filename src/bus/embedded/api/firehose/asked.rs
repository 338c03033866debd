//! What a request of the firehose asks for, in its address.

use actix_web::HttpRequest;

use super::super::request::{segment, uuid};
use super::rejection::Rejection;
use crate::bus::engine_io::Framing;
use crate::bus::form;
use crate::message::DeviceUuid;

/// The versions of Engine.IO that speak as version 3 does; clients that name none are of old.
const VERSIONS: [&str; 2] = ["", "3"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Polling,
    WebSocket,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked {
    /// The device that the path names: its last segment.
    pub(super) device: Option<DeviceUuid>,
    pub(super) transport: Transport,
    /// The session; none in a handshake.
    pub(super) sid: Option<String>,
    /// How payloads are framed.
    pub(super) framing: Framing,
}

impl Asked {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Rejection> {
        let query = |name: &str| value(request, name);
        let transport = match query("transport").as_deref() {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(Rejection::UnknownTransport),
        };
        if !VERSIONS.contains(&query("EIO").as_deref().unwrap_or_default()) {
            return Err(Rejection::Version);
        }
        // Answers as scripts, for browsers that cannot do otherwise; none is left.
        if query("j").is_some() {
            return Err(Rejection::BadRequest);
        }
        let framing = if query("b64").is_some() { Framing::Text } else { Framing::Binary };
        Ok(Self { device: device(request)?, transport, sid: query("sid"), framing })
    }
}

/// The first value of this name in the query.
pub(super) fn value(request: &HttpRequest, name: &str) -> Option<String> {
    form::first(request.query_string(), name)
}

fn device(request: &HttpRequest) -> Result<Option<DeviceUuid>, Rejection> {
    let rest = segment(request, "rest");
    match rest.trim_end_matches('/').rsplit_once('/') {
        Some((_, last)) => uuid(last).map(Some).ok_or(Rejection::Unauthenticated),
        None => Ok(None),
    }
}
