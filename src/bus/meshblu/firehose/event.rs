//! The one event that a firehose sends.

use serde::Deserialize;
use serde_json::Value;

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
    let (name, told): (String, Value) = serde_json::from_str(arguments).map_err(|_| NoMessage)?;
    if name != "message" {
        return Ok(None);
    }
    let told: Told = serde_json::from_value(told).map_err(|_| NoMessage)?;
    let route = told.metadata.route;
    if &*route.hops().last().ok_or(NoMessage)?.kind != MESSAGE_RECEIVED {
        return Ok(None);
    }
    match serde_json::from_str::<serde_json::Map<String, Value>>(&told.raw_data) {
        Ok(_) => Ok(Some(FirehoseEvent { route, body: told.raw_data })),
        Err(_) => Err(NoMessage),
    }
}
