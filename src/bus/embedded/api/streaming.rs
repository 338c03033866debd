//! Reading along: what arrives at a device from now on, a line a message (`spec/meshblu.md` 6.5).

use std::convert::Infallible;

use actix_web::HttpResponseBuilder;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::answer::{Answer, routed};
use super::presented::Presented;
use super::refusal::Refusal;
use super::request::Target;
use super::server::Door;
use crate::bus::embedded::access::Right;
use crate::bus::embedded::subscription::SubscriptionType;
use crate::bus::embedded::whitelist::List;
use crate::bus::embedded::{Arrived, BusError, Listening};
use crate::message::DeviceUuid;

const READ_ALONG: Right = Right { to_act: List::DiscoverAs, there: List::MessageReceived };

/// The messages that arrive at a device, for itself and for those on its list `message.received`. The head comes at
/// once: whatever is sent after it will be seen. Ends when the device is unregistered, when the reader's token is
/// revoked, when the bus stops, when the reader lags too far behind, and when its place goes to a device that has fewer.
/// Nobody reads along as somebody else.
pub(super) async fn received(door: Data<Door>, who: Presented, Target(device): Target) -> Answer {
    let (reader, events) = listen(&door, who, device).await?;
    let slot = door.slots.take(reader).map_err(|_| Refusal::Crowded)?;
    slot.settle();
    let lines = stream::unfold((events, slot), async |(mut events, mut slot)| {
        let line = tokio::select! {
            line = next(&mut events) => line?,
            () = slot.lost() => return None,
        };
        Some((Ok::<_, Infallible>(line), (events, slot)))
    });
    Ok(head().streaming(Box::pin(lines)))
}

/// Whether the same would be read: the answer to a HEAD, which ends at once.
pub(super) async fn receivable(door: Data<Door>, who: Presented, Target(device): Target) -> Answer {
    listen(&door, who, device).await?;
    Ok(head().streaming(stream::empty::<Result<Bytes, Infallible>>()))
}

async fn listen(
    door: &Door,
    who: Presented,
    device: DeviceUuid,
) -> Result<(DeviceUuid, Listening), BusError> {
    let listening = door.bus.look(move |bus, view| {
        let (caller, events) = who.listening(bus, view, device.clone())?;
        bus.reading(view, &caller).permit(&device, READ_ALONG)?;
        Ok((caller.auth, events))
    });
    listening.await
}

fn head() -> HttpResponseBuilder {
    let mut response = routed(StatusCode::OK);
    response.content_type("application/x-ndjson");
    response
}

async fn next(events: &mut Listening) -> Option<Bytes> {
    loop {
        let event = events.next().await?;
        if event.kind == SubscriptionType::MessageReceived {
            return Some(line(&event).into());
        }
    }
}

/// The message with `fromUuid` (`spec/meshblu.md` 4.7).
fn line(event: &Arrived) -> String {
    let mut message: Value = serde_json::from_str(&event.body).unwrap_or_default();
    if let (Some(message), Some(first)) = (message.as_object_mut(), event.route.hops().first()) {
        message.insert("fromUuid".into(), json!(first.from));
    }
    format!("{message}\n")
}
