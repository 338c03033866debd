//! (a) The yardstick: a handler that does nothing, taking the same request over the same number of connections.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};

use super::connection::{Connection, post};
use super::load::{Load, Round, on_its_own_thread};
use super::table::Table;

/// The numbers of connections that everything is measured with.
pub(crate) const CONNECTIONS: [usize; 4] = [1, 8, 64, 128];
/// As long as they are on the bus.
const UUID: &str = "01234567-89ab-4cde-8f01-23456789abcd";
const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

/// One connection that sends one request again and again.
pub(crate) struct Sending {
    pub(crate) connection: Connection,
    pub(crate) request: Vec<u8>,
}

impl Round for Sending {
    async fn run(&mut self) {
        self.connection.exchange(&self.request).await;
    }
}

/// Answers the rate for each number of connections.
pub(crate) fn measure(table: &mut Table) -> BTreeMap<usize, f64> {
    table.head("(a) an empty actix handler takes the same POST");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app =
        || App::new().route("/messages", web::post().to(async |_: web::Bytes| HttpResponse::NoContent()));
    let server = {
        let _inside = runtime.enter();
        HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run()
    };
    let handle = server.handle();
    let serving = runtime.spawn(server);
    let mut rates = BTreeMap::new();
    for connections in CONNECTIONS {
        let load = Load { connections, lasting: Duration::from_secs(2), rate: None };
        let measured = on_its_own_thread(async move {
            let mut rounds = Vec::new();
            for _ in 0..connections {
                let connection = Connection::open(address).await;
                rounds.push(Sending { connection, request: post("/messages", UUID, TOKEN, &body()) });
            }
            load.press(rounds).await
        });
        table.load(&format!("{connections} connections"), &measured, None);
        rates.insert(connections, measured.rate);
    }
    runtime.block_on(handle.stop(false));
    runtime.block_on(serving).unwrap().unwrap();
    rates
}

/// A body as long as that of a message.
fn body() -> String {
    super::scene::message(UUID, "ListEventsByUser", 1)
}
