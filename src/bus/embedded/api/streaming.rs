//! Reading along: what a device receives or sends from now on, a line a message (`spec/meshblu.md` 6.5).

mod topics;
mod wanted;

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

use self::topics::Topics;
use self::wanted::{Kind, Wanted};
use super::answer::{Answer, routed};
use super::presented::Presented;
use super::refusal::Refusal;
use super::server::Door;
use super::slots::{Full, Slot};
use crate::bus::embedded::access::Right;
use crate::bus::embedded::whitelist::List;
use crate::bus::embedded::{Arrived, BusError, Interest, Listening, Reading};
use crate::connection::Connection;
use crate::memory::Taken;
use crate::message::DeviceUuid;

/// The messages at a device, for itself and for those on the list of each kind that is asked for: what the reader may not
/// hear of is left out. The head comes at once: whatever is sent after it will be seen. Ends when the device is
/// unregistered, when the reader's token is revoked, when the bus stops, when the reader lags too far behind or closes its
/// half of the connection, and when its slot goes to a device that has fewer. Nobody reads along as somebody else.
pub(super) async fn read_along(
    door: Data<Door>,
    who: Presented,
    wanted: Wanted,
    request: HttpRequest,
) -> Answer {
    let (reader, events) = listen(&door, who, wanted).await?;
    let slot = door.slots.take(reader).map_err(|full| match full {
        Full::OfDevice => Refusal::AllStreams { at_most: door.limits.device_streams },
        Full::AtAll => Refusal::Crowded,
    })?;
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
                line = events.next() => line?,
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
struct Attendance {
    /// Done when the slot is lost.
    lasts: oneshot::Receiver<Infallible>,
    _reads: oneshot::Sender<Infallible>,
    /// The room of a line that the reader has not taken yet.
    untaken: Taken,
}

/// Holds a slot for as long as somebody reads along. Who has lost it and does not read what was sent before hears of nothing,
/// so their connection ends after so long.
fn reading(mut slot: Slot, connection: Option<Connection>, patience: Duration) -> Attendance {
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
    Attendance { lasts, _reads: reads, untaken: Taken::default() }
}

/// Whether the same would be read: the answer to a HEAD, which ends at once.
pub(super) async fn readable(door: Data<Door>, who: Presented, wanted: Wanted) -> Answer {
    listen(&door, who, wanted).await?;
    Ok(head().streaming(stream::empty::<Result<Bytes, Infallible>>()))
}

/// The reader, and what it hears.
async fn listen(door: &Door, who: Presented, wanted: Wanted) -> Result<(DeviceUuid, Events), BusError> {
    let listening = door.look(who.asking(), move |bus, view| {
        let Wanted { device, mut kinds, topics } = wanted;
        let device = device.or_else(|| who.device().cloned()).ok_or(BusError::Forbidden)?;
        let interest =
            Interest { device: device.clone(), kinds: kinds.iter().map(|kind| kind.event).collect() };
        let (caller, listening) = who.listening(bus, view, interest)?;
        if kinds.is_empty() {
            return Err(BusError::Unprocessable);
        }
        keep_permitted(bus.reading(view, &caller), &device, &mut kinds)?;
        Ok((caller.auth, Events { listening, device, kinds, topics }))
    });
    listening.await
}

/// Keeps what the caller may hear of.
fn keep_permitted(reading: Reading<'_>, device: &DeviceUuid, kinds: &mut Vec<Kind>) -> Result<(), BusError> {
    let mut permitted = Vec::new();
    for kind in kinds.drain(..) {
        match reading.permit(device, Right { to_act: List::DiscoverAs, there: kind.list }) {
            Ok(_) => permitted.push(kind),
            Err(BusError::Forbidden) => {}
            Err(error) => return Err(error),
        }
    }
    *kinds = permitted;
    if kinds.is_empty() { Err(BusError::Forbidden) } else { Ok(()) }
}

fn head() -> HttpResponseBuilder {
    let mut response = routed(StatusCode::OK);
    response.content_type("application/x-ndjson");
    response
}

/// What somebody hears who reads along.
struct Events {
    listening: Listening,
    device: DeviceUuid,
    kinds: Vec<Kind>,
    topics: Topics,
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let event = self.listening.next().await?;
            let is_permitted = self.kinds.iter().any(|kind| kind.event == event.kind);
            if let Some(line) = is_permitted.then(|| self.line(&event)).flatten() {
                return Some(line.into());
            }
        }
    }

    /// The message with `fromUuid` (`spec/meshblu.md` 4.7); none if its topic is not wanted.
    fn line(&self, event: &Arrived) -> Option<String> {
        let mut message: Value = serde_json::from_str(&event.body).unwrap_or_default();
        if !self.topics.want(message.get("topic")) {
            return None;
        }
        let first = event.route.as_ref().and_then(|route| route.hops().first());
        if let Some(message) = message.as_object_mut() {
            message.insert("fromUuid".into(), json!(first.map_or(&self.device, |first| &first.from)));
        }
        Some(format!("{message}\n"))
    }
}
