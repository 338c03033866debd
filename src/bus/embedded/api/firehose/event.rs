//! An event as the firehose tells it: the one event of socket.io that there is.

use serde::Serialize;

use crate::bus::embedded::Arrived;
use crate::bus::engine_io::{Packet, PacketType};
use crate::message::Route;

#[derive(Serialize)]
struct Told<'a> {
    metadata: Metadata<'a>,
    #[serde(rename = "rawData")]
    raw_data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    response_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a Route>,
    #[serde(skip_serializing_if = "none")]
    forwarded_routes: &'a [Route],
}

fn none(routes: &&[Route]) -> bool {
    routes.is_empty()
}

/// `42["message",{"metadata":{…},"rawData":"…"}]`.
pub(super) fn packet(event: &Arrived, response_id: &str) -> Packet {
    let metadata = Metadata { response_id, route: event.route.as_ref(), forwarded_routes: &event.forwarded };
    let told = ("message", Told { metadata, raw_data: &event.body });
    let text = serde_json::to_string(&told).expect("texts and lists of texts can be written as JSON");
    Packet::new(PacketType::Message, format!("2{text}"))
}
