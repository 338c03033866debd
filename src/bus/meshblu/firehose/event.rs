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

/// The message of an event's arguments, `["message", {…}]`; `None` for any other event, and for what is no message:
/// a change of a device that the gateway listens to, or a text that is no object.
pub(super) fn read(arguments: &str) -> Option<FirehoseEvent> {
    let (name, told): (String, Told) = serde_json::from_str(arguments).ok()?;
    let route = told.metadata.route;
    let is_message = route.hops().last().is_some_and(|hop| &*hop.kind == MESSAGE_RECEIVED);
    let is_object = serde_json::from_str::<serde_json::Map<String, Value>>(&told.raw_data).is_ok();
    (name == "message" && is_message && is_object).then_some(FirehoseEvent { route, body: told.raw_data })
}
