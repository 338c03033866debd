//! The server behind the front door: its listener, its time limits and its end.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use tokio::sync::mpsc;

use super::documents::Documents;
use super::entrance::Entrance;
use super::health::{Draining, Health};
use super::jobs::Jobs;
use super::limits::Limits;
use super::owners::Owners;
use super::problem::Problem;
use super::routes::routes;
use super::webhook::Webhook;
use super::welcome::welcome;
use crate::ambient::{Clock, Random};
use crate::connection::{Lookout, attend};

/// Nobody is told anything by it: that it is gone tells that the door is.
pub type Presence = mpsc::Sender<Infallible>;

/// What the routes need.
pub struct FrontDoor {
    /// What the schema routes serve.
    pub documents: Documents,
    /// Who tells whether the gateway is well.
    pub health: Health,
    /// What `/version` says.
    pub version: &'static str,
    /// Tells how long an answer took.
    pub clock: Clock,
    /// Makes trace ids.
    pub random: Random,
    /// Where the messages of a bus elsewhere come in, if there is one.
    pub webhook: Option<Webhook>,
    /// What people, and their programs, come in for; nothing where the door serves documents alone.
    pub console: Option<Console>,
    /// Dropped with the door, after everything else in it: threads that serve end a little later than their server.
    pub presence: Presence,
}

/// What people come in for.
pub struct Console {
    /// What the owners of credentials see and do.
    pub owners: Owners,
    /// What people's browsers come in by.
    pub entrance: Entrance,
    /// The jobs that people can send messages to from pages.
    pub jobs: Jobs,
}

impl FrontDoor {
    fn console(&self) -> Result<&Console, Problem> {
        self.console.as_ref().ok_or_else(Problem::nothing_here)
    }

    /// What the owners of credentials see and do.
    pub(super) fn owners(&self) -> Result<&Owners, Problem> {
        Ok(&self.console()?.owners)
    }

    /// What people's browsers come in by.
    pub(super) fn entrance(&self) -> Result<&Entrance, Problem> {
        Ok(&self.console()?.entrance)
    }

    /// The jobs there are.
    pub(super) fn jobs(&self) -> Result<&Jobs, Problem> {
        Ok(&self.console()?.jobs)
    }
}

/// Serves the front door on `listener` until the server's handle stops it; must be called within a Tokio runtime.
///
/// A request that HTTP itself cannot read is answered by its status alone, before any route: 400, 431 or, when its head
/// takes too long, 408. No signal is handled here.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(listener: TcpListener, door: FrontDoor, limits: Limits) -> io::Result<Server> {
    let door = Data::new(door);
    let terms = limits.terms;
    let lookout = Lookout::new(&terms);
    let app = move || {
        let app = App::new().app_data(door.clone()).app_data(limits);
        app.wrap(from_fn(welcome)).wrap(from_fn(attend)).configure(routes)
    };
    let server = HttpServer::new(app)
        .workers(terms.workers)
        .max_connections(terms.connections)
        .client_request_timeout(terms.request_within)
        .client_disconnect_timeout(terms.disconnect_within)
        .keep_alive(terms.keep_alive)
        .shutdown_timeout(terms.drain_within.as_secs())
        .on_connect(move |socket, data| lookout.watch(socket, data))
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// Stops a server without cutting anybody off: it is not ready any more, takes no connection, finishes what runs within
/// its limit, and ends.
pub async fn drain(server: &ServerHandle, draining: &Draining) {
    draining.begin();
    server.stop(true).await;
}
