//! The one event that a firehose sends.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::message::{MESSAGE_RECEIVED, Route};

/// A message that arrived at the gateway's own device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirehoseEvent {
    /// The way it took.
    pub route: Route,
    /// The message as JSON text.
    pub body: String,
}

#[derive(Deserialize)]
struct Told {
    metadata: Metadata,
    #[serde(rename = "rawData")]
    raw_data: String,
}

#[derive(Deserialize)]
struct Metadata {
    route: Route,
}

/// An event that is called a message and cannot be read as one.
#[derive(Debug)]
pub(super) struct NoMessage;

/// The message of an event's arguments, `["message", {…}]`; nothing for any other event, and for a change of a device
/// that the gateway listens to.
pub(super) fn read(arguments: &str) -> Result<Option<FirehoseEvent>, NoMessage> {
    let (name, _): (String, IgnoredAny) = serde_json::from_str(arguments).map_err(|_| NoMessage)?;
    if name != "message" {
        return Ok(None);
    }
    let (_, told): (IgnoredAny, Told) = serde_json::from_str(arguments).map_err(|_| NoMessage)?;
    let route = told.metadata.route;
    if &*route.hops().last().ok_or(NoMessage)?.kind != MESSAGE_RECEIVED {
        return Ok(None);
    }
    match is_object(&told.raw_data) {
        true => Ok(Some(FirehoseEvent { route, body: told.raw_data })),
        false => Err(NoMessage),
    }
}

/// Whether this is one, whatever is in it: what is passed on as text is not kept parsed, for that takes many times its room.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}
