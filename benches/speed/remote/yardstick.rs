//! The yardstick: a handler that does nothing but make the two calls of the bus that a message takes.

use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::Client;

use super::cast;
use super::child::{answer, tell};
use crate::scene;

/// Where the bus is, and what calls it.
#[derive(Clone)]
struct Caller {
    client: Client,
    url: String,
}

/// Who calls, and as whom.
struct Who<'a> {
    uuid: &'a str,
    token: &'a str,
    acting: &'a str,
}

impl Caller {
    async fn call(&self, path: &str, who: Who<'_>, body: String) {
        let call = self.client.post(format!("{}{path}", self.url)).basic_auth(who.uuid, Some(who.token));
        let call = call.header("x-meshblu-as", who.acting).header("accept", "application/json");
        let answer = call.header("content-type", "application/json").body(body).send().await.unwrap();
        assert!(answer.status().is_success());
        answer.bytes().await.unwrap();
    }
}

async fn two_calls(_: web::Bytes, caller: web::Data<Caller>) -> HttpResponse {
    let service = Who { uuid: cast::SERVICE, token: cast::SERVICE_TOKEN, acting: cast::credentials() };
    caller.call("/search/devices", service, cast::search()).await;
    let credentials = Who { uuid: cast::credentials(), token: cast::credentials_token(), acting: cast::USER };
    caller.call("/messages", credentials, cast::reply()).await;
    HttpResponse::Created().body("Created")
}

/// Serves until nobody asks any more.
pub(super) fn run(bus: &str) {
    let url = bus.to_owned();
    let runtime = scene::runtime();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Its client on its own thread, as the handler is: no way is shorter.
    let app = move || {
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let caller = web::Data::new(Caller { client, url: url.clone() });
        App::new().app_data(caller).route("/v2/messages", web::post().to(two_calls))
    };
    let server = {
        let _inside = runtime.enter();
        HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run()
    };
    let handle = server.handle();
    let serving = runtime.spawn(server);
    tell(address);
    answer(|| ());
    runtime.block_on(handle.stop(false));
    runtime.block_on(serving).unwrap().unwrap();
}
