//! Reading along: what arrives at a device from now on, a line a message (`spec/meshblu.md` 6.5).

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::answer::{Answer, routed};
use super::presented::Presented;
use super::refusal::Refusal;
use super::request::Target;
use super::server::Door;
use super::slots::Slot;
use crate::bus::embedded::access::Right;
use crate::bus::embedded::subscription::SubscriptionType;
use crate::bus::embedded::whitelist::List;
use crate::bus::embedded::{Arrived, BusError, Listening};
use crate::connection::Connection;
use crate::memory::Taken;
use crate::message::DeviceUuid;

const READ_ALONG: Right = Right { to_act: List::DiscoverAs, there: List::MessageReceived };

/// The messages that arrive at a device, for itself and for those on its list `message.received`. The head comes at
/// once: whatever is sent after it will be seen. Ends when the device is unregistered, when the reader's token is
/// revoked, when the bus stops, when the reader lags too far behind or closes its half of the connection, and when its
/// slot goes to a device that has fewer. Nobody reads along as somebody else.
pub(super) async fn received(
    door: Data<Door>,
    who: Presented,
    Target(device): Target,
    request: HttpRequest,
) -> Answer {
    let (reader, events) = listen(&door, who, device).await?;
    let slot = door.slots.take(reader).map_err(|_| Refusal::Crowded)?;
    slot.settle();
    let connection = Connection::of(&request);
    let reading = reading(slot, connection.clone(), door.limits.terms.disconnect_within);
    let room = door.answers.room().clone();
    let lines = stream::unfold((events, reading), move |(mut events, mut reading)| {
        let room = room.clone();
        async move {
            // Asked for more, the reader has taken what came before.
            reading.untaken = Taken::default();
            let line = tokio::select! {
                line = next(&mut events) => line?,
                _ = &mut reading.lasts => return None,
            };
            // Where many read slowly, whoever is to hear what is large ends like those who lag behind.
            room.grow(&mut reading.untaken, line.len()).ok()?;
            Some((Ok::<_, Infallible>(line), (events, reading)))
        }
    });
    Ok(head().streaming(Box::pin(lines.take_until(hung_up(connection)))))
}

/// Done when the reader hangs up: nothing is read of it, so the server does not see that while nothing is sent.
async fn hung_up(reader: Option<Connection>) {
    match reader {
        Some(reader) => reader.hung_up().await,
        None => pending().await,
    }
}

/// Somebody reads along until this is dropped.
struct Reading {
    /// Done when the slot is lost.
    lasts: oneshot::Receiver<Infallible>,
    _reads: oneshot::Sender<Infallible>,
    /// The room of a line that the reader has not taken yet.
    untaken: Taken,
}

/// Holds a slot for as long as somebody reads along. Who has lost it and does not read what was sent before hears of nothing,
/// so their connection ends after so long.
fn reading(mut slot: Slot, connection: Option<Connection>, patience: Duration) -> Reading {
    let (reads, mut ended) = oneshot::channel();
    let (keeps, lasts) = oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            _ = &mut ended => return,
            () = slot.lost() => drop(keeps),
        }
        if timeout(patience, ended).await.is_err() {
            connection.inspect(Connection::give_up);
        }
    });
    Reading { lasts, _reads: reads, untaken: Taken::default() }
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
    let listening = door.bus.look_for(who.account(), move |bus, view| {
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
