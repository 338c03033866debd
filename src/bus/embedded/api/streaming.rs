//! Reading along: what arrives at a device from now on, a line a message (`spec/meshblu.md` 6.5).

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use super::answer::{Answer, routed};
use super::presented::Presented;
use super::refusal::Refusal;
use super::request::Target;
use super::server::Door;
use crate::bus::embedded::access::permit;
use crate::bus::embedded::whitelist::List;
use crate::bus::embedded::{BusError, Heard};

/// The messages that arrive at a device, for itself and for those on its list `message.received`. The head comes at
/// once: whatever is sent after it will be seen. Ends when the device is unregistered, when the bus stops, and when the
/// reader lags too far behind. Nobody reads along as somebody else.
pub(super) async fn received(door: Data<Door>, who: Presented, Target(device): Target) -> Answer {
    let place = Arc::clone(&door.streams).try_acquire_owned().map_err(|_| Refusal::Crowded)?;
    let listening = door.bus.look(move |bus, view| {
        let caller = who.itself(bus, view)?;
        // Listens before it looks at the device, so that it cannot miss that the device goes.
        let lines = bus.streams.listen(device.clone());
        permit(view, &caller, &device, (List::DiscoverAs, List::MessageReceived))?;
        Ok::<_, BusError>(lines)
    });
    let lines = stream::unfold((listening.await?, place), async |(mut lines, place)| {
        let line = next(&mut lines).await?;
        Some((Ok::<_, Infallible>(line), (lines, place)))
    });
    let mut response = routed(StatusCode::OK);
    Ok(response.content_type("application/x-ndjson").streaming(Box::pin(lines)))
}

async fn next(lines: &mut mpsc::Receiver<Heard>) -> Option<Bytes> {
    let line = lines.recv().await?;
    let mut bytes = Vec::with_capacity(line.len() + 1);
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    Some(bytes.into())
}
