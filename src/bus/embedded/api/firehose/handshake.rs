//! Who may have a session.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::web::Data;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::mpsc;

use super::asked::{Asked, value};
use super::conversation::{Call, Conversation, Terms, Transport};
use super::rejection::Rejection;
use super::sessions::Seat;
use crate::bus::Login;
use crate::bus::embedded::api::presented::{login, of_headers};
use crate::bus::embedded::api::server::Door;
use crate::bus::embedded::api::waiting::Asking;
use crate::bus::embedded::{EmbeddedBus, Interest, Listening};
use crate::store::View;

/// A session that may begin.
pub(super) struct Admitted {
    pub(super) seat: Seat,
    pub(super) calls: mpsc::Sender<Call>,
    hears: Listening,
    called: mpsc::Receiver<Call>,
}

/// Lets a device in that shows its token, and asks for itself, whatever others of its address did: all that come by one
/// proxy have one.
pub(super) async fn admit(
    door: &Data<Door>,
    request: &HttpRequest,
    asked: &Asked,
) -> Result<Admitted, Rejection> {
    let admitted = recognise(door, request, asked).await;
    let is_wrong = matches!(admitted, Err(Rejection::Unauthenticated));
    if is_wrong && door.strangers.count_refused(peer(request), door.bus.clock.now()) {
        return Err(Rejection::TooMany);
    }
    admitted
}

async fn recognise(door: &Data<Door>, request: &HttpRequest, asked: &Asked) -> Result<Admitted, Rejection> {
    let login = shown(request).ok_or(Rejection::Unauthenticated)?;
    let asking = Asking::of(request, Some(login.clone()));
    let device = login.uuid.clone();
    if asked.device.as_ref().is_some_and(|asked| *asked != device) {
        return Err(Rejection::Unauthenticated);
    }
    let itself = Interest::in_what_arrives_at(device.clone());
    let listen = move |bus: &EmbeddedBus, view: &View<'_>| Ok(bus.listen_as(view, &login, itself)?.1);
    let hears = door.look(asking, listen).await?;
    door.meter.count(&device, door.bus.clock.now())?;
    let sid = URL_SAFE_NO_PAD.encode(door.bus.random.bytes::<15>());
    let (seat, calls, called) = door.sessions.take_seat(sid, device)?;
    Ok(Admitted { seat, calls, hears, called })
}

/// The credentials: headers, else the query.
fn shown(request: &HttpRequest) -> Option<Login> {
    let query = || login(&value(request, "uuid")?, &value(request, "token")?);
    of_headers(request.headers(), "x-meshblu-uuid", "x-meshblu-token").or_else(query)
}

fn peer(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip())
}

impl Admitted {
    /// Begins the session over this transport.
    pub(super) fn begin(self, door: &Door, transport: Transport) {
        let room = door.answers.room().clone();
        let terms = Terms { limits: door.limits.firehose, room, random: door.bus.random.clone() };
        let Self { seat, hears, called, .. } = self;
        tokio::spawn(Conversation { seat, hears, calls: called, transport, terms }.run());
    }
}
