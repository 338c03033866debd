//! A bus alone, over real HTTP, with a store in a directory of its own.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use endo::ambient::{Ambient, Clock, Random, Stopwatch};
use endo::bus::embedded::api::{ApiLimits, serve};
use endo::bus::embedded::{EmbeddedBus, Ground};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::keys::signers;
use super::store;

/// A bus that serves until it is dropped.
pub(crate) struct TestBus {
    pub(crate) address: SocketAddr,
    pub(crate) bus: EmbeddedBus,
    pub(crate) client: Client,
    server: ServerHandle,
    pub(crate) directory: TempDir,
}

/// A registered device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) uuid: String,
    pub(crate) token: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and text, to compare at once.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, text: &str) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (status, text), "{:?}", self.headers);
    }
}

impl TestBus {
    pub(crate) async fn open() -> Self {
        Self::with(ApiLimits::default(), None).await
    }

    pub(crate) async fn with(limits: ApiLimits, max_pages: Option<u32>) -> Self {
        Self::at(Clock::system(), limits, max_pages).await
    }

    /// A bus that this clock tells the time.
    pub(crate) async fn at(clock: Clock, limits: ApiLimits, max_pages: Option<u32>) -> Self {
        let ambient = Ambient { clock, random: Random::system() };
        Self::by_both(ambient, Stopwatch::from_fn(|| Duration::ZERO), limits, max_pages).await
    }

    /// A bus with this time and randomness.
    pub(crate) async fn of(ambient: Ambient) -> Self {
        Self::by_both(ambient, Stopwatch::from_fn(|| Duration::ZERO), ApiLimits::default(), None).await
    }

    /// A bus whose searches take so long as this stopwatch says.
    pub(crate) async fn searching_by(stopwatch: Stopwatch) -> Self {
        Self::by_both(Ambient::system(), stopwatch, ApiLimits::default(), None).await
    }

    async fn by_both(
        Ambient { clock, random }: Ambient,
        stopwatch: Stopwatch,
        limits: ApiLimits,
        max_pages: Option<u32>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = store::try_open(directory.path(), max_pages).unwrap();
        let ground = Ground { store, clock, random, stopwatch, signers: signers() };
        Self::on(directory, ground, limits).await
    }

    /// A bus whose store finds out by this stopwatch how long its callers take.
    pub(crate) async fn timed_by(stopwatch: Stopwatch) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = store::open_by(directory.path(), None, stopwatch).unwrap();
        let (clock, stopwatch) = (Clock::system(), Stopwatch::from_fn(|| Duration::ZERO));
        let ground = Ground { store, clock, random: Random::system(), stopwatch, signers: signers() };
        Self::on(directory, ground, ApiLimits::default()).await
    }

    async fn on(directory: TempDir, ground: Ground, limits: ApiLimits) -> Self {
        let bus = EmbeddedBus::open(ground).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = serve(listener, bus.clone(), limits, None).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { address, bus, client, server: handle, directory }
    }

    /// A request without credentials.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// `"PUT /v2/devices/x"`, by `device`.
    pub(crate) fn by(&self, device: &Device, call: &str) -> RequestBuilder {
        self.anonymous(call).basic_auth(&device.uuid, Some(&device.token))
    }

    pub(crate) fn anonymous(&self, call: &str) -> RequestBuilder {
        let (method, path) = call.split_once(' ').unwrap();
        self.request(method.parse().unwrap(), path)
    }

    /// Registers a device with this document.
    pub(crate) async fn register(&self, document: Value) -> Device {
        let answer = send(self.request(Method::POST, "/devices").json(&document)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        Device { uuid: text("uuid"), token: text("token") }
    }

    /// A version 2 device with these whitelists: `{"message": {"from": [{"uuid": "*"}]}}`.
    pub(crate) async fn device(&self, whitelists: Value) -> Device {
        self.register(json!({"meshblu": {"version": "2.0.0", "whitelists": whitelists}})).await
    }

    /// A version 2 device that hears itself and takes messages from anybody.
    pub(crate) async fn listener(&self) -> Device {
        let device = self.device(json!({"message": {"from": [{"uuid": "*"}]}})).await;
        self.subscribe(&device, &device, "message.received").await;
        device
    }

    pub(crate) async fn subscribe(&self, subscriber: &Device, emitter: &Device, kind: &str) {
        let call = format!("POST /v2/devices/{}/subscriptions/{}/{kind}", subscriber.uuid, emitter.uuid);
        send(self.by(subscriber, &call)).await.is(204, "");
    }
}

impl Drop for TestBus {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

/// A request with a JSON body; our HTTP client is built without its own.
pub(crate) trait WithJson {
    fn json(self, body: &Value) -> Self;
}

impl WithJson for RequestBuilder {
    fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}
