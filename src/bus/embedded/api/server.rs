//! The server of the bus's API: its listener and what its routes share.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpRequest, HttpServer};

use super::answer::Answers;
use super::dress::dress;
use super::firehose::{Sessions, Strangers};
use super::limits::ApiLimits;
use super::meter::Meter;
use super::routes::routes;
use super::slash;
use super::slots::Slots;
use crate::bus::embedded::EmbeddedBus;
use crate::connection::{Lookout, attend};
use crate::egress::Url;
use crate::memory::Room;
use crate::sharing::Places;
use crate::store::Account;

/// What the routes share.
pub(super) struct Door {
    pub(super) bus: EmbeddedBus,
    /// Where the operator says that browsers reach it.
    pub(super) known_as: Option<Url>,
    pub(super) limits: ApiLimits,
    /// For bodies whose end has not come.
    pub(super) arriving: Room,
    /// For bodies that are worked on.
    pub(super) room: Room,
    pub(super) answers: Answers,
    pub(super) slots: Slots,
    /// For those who wait for the store.
    pub(super) places: Places<Account>,
    pub(super) meter: Arc<Meter>,
    pub(super) sessions: Sessions,
    pub(super) strangers: Strangers,
}

impl Door {
    /// The door that the server of this request hands out.
    pub(super) fn of(request: &HttpRequest) -> &Data<Self> {
        request.app_data::<Data<Self>>().expect("the server hands the door out")
    }
}

/// Serves the bus on `listener` until the server's handle stops it; must be called within a Tokio runtime. Browsers are told
/// that it is at `known_as`; without that, at whatever host they ask.
///
/// Where one object has the same key twice, the last one counts. A request that HTTP itself cannot read is answered by
/// its status alone: 400, 408 or 431. No signal is handled here.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    bus: EmbeddedBus,
    limits: ApiLimits,
    known_as: Option<Url>,
) -> io::Result<Server> {
    let door = Data::new(Door {
        bus,
        known_as,
        limits: limits.clone(),
        arriving: Room::new(limits.arriving_bodies_bytes),
        room: Room::new(limits.all_bodies_bytes),
        answers: Answers::within(limits.all_answers_bytes),
        slots: Slots::new(limits.streams, limits.device_streams),
        places: Places::among(limits.terms.connections.saturating_mul(limits.terms.workers)),
        meter: Arc::new(Meter::new(limits.operations_per_minute)),
        sessions: Sessions::new(limits.firehose),
        strangers: Strangers::new(limits.firehose.refusals),
    });
    let terms = limits.terms;
    let lookout = Lookout::new(&terms);
    let app = move || {
        App::new()
            .app_data(door.clone())
            .wrap(from_fn(dress))
            .wrap(from_fn(slash::one_at_the_end))
            .wrap(from_fn(attend))
            .configure(routes)
    };
    let server = HttpServer::new(app)
        .workers(terms.workers)
        .max_connections(terms.connections)
        .client_request_timeout(terms.request_within)
        .client_disconnect_timeout(terms.disconnect_within)
        .keep_alive(terms.keep_alive)
        // Else a line of a stream waits until its reader has confirmed the one before, up to 40 ms.
        .tcp_nodelay(true)
        .on_connect(move |socket, data| lookout.watch(socket, data))
        .shutdown_timeout(terms.drain_within.as_secs())
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
