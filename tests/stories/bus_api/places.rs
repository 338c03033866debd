//! Nobody waits for a place that another device has, and whoever hangs up leaves theirs.

use std::sync::mpsc::{Sender, channel};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use endo::bus::embedded::api::ApiLimits;
use endo::store::{StoreError, Transaction, View};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::bus::{Answer, Device, TestBus, WithJson, send};

/// Three quarters of them are for those who wait, and half of these for whoever comes.
const CONNECTIONS: usize = 64;
const PLENTY: usize = 24;
/// What one device may have of the others beside: half of them, six less that are kept for those who have none.
const SHARE: usize = 9;
/// The same once a device has that.
const NEXT_SHARE: usize = 5;

async fn small() -> TestBus {
    let mut limits = ApiLimits::default();
    (limits.terms.connections, limits.terms.workers) = (CONNECTIONS, 1);
    TestBus::with(limits, None).await
}

/// A turn that lasts until it is let go.
struct Held {
    go: Sender<()>,
    turn: JoinHandle<Result<(), StoreError>>,
}

/// Says that it has begun, and goes on when it is let go.
fn hold() -> (Sender<()>, oneshot::Receiver<()>, impl FnOnce() -> Result<(), StoreError> + Send + 'static) {
    let ((go, wait), (begun, has_begun)) = (channel(), oneshot::channel());
    let hold = move || {
        let _ = begun.send(());
        wait.recv().map_err(|_| StoreError::Closed)
    };
    (go, has_begun, hold)
}

impl Held {
    /// The turn to change something.
    async fn change(bus: &TestBus) -> Self {
        let ((go, has_begun, hold), store) = (hold(), bus.bus.store().clone());
        let turn = tokio::spawn(async move { store.write(move |_: &Transaction<'_>| hold()).await });
        has_begun.await.unwrap();
        Self { go, turn }
    }

    /// The turn to search.
    async fn search(bus: &TestBus) -> Self {
        let ((go, has_begun, hold), store) = (hold(), bus.bus.store().clone());
        let turn = tokio::spawn(async move { store.search(move |_: &View<'_>| hold()).await });
        has_begun.await.unwrap();
        Self { go, turn }
    }

    async fn end(self) {
        self.go.send(()).unwrap();
        self.turn.await.unwrap().unwrap();
    }
}

/// A change of its own document, on a connection of its own.
async fn change(bus: &TestBus, device: &Device) -> Answer {
    let call = bus.by(device, &format!("PATCH /v2/devices/{}", device.uuid));
    send(call.header("connection", "close").json(&json!({"changed": true}))).await
}

/// Changes that wait, once all that there is no place for were refused.
async fn waiting<'a>(
    bus: &'a TestBus,
    device: &'a Device,
    places: usize,
) -> FuturesUnordered<impl Future<Output = Answer> + 'a> {
    const TOO_MANY: usize = 3;
    let mut waiting: FuturesUnordered<_> = (0..places + TOO_MANY).map(|_| change(bus, device)).collect();
    for _ in 0..TOO_MANY {
        let refused = waiting.next().await.unwrap();
        let told = refused.json();
        assert_eq!((refused.status.as_u16(), &told["error"]), (503, &json!("Maximum Capacity Exceeded")));
        assert!(told["detail"].as_str().unwrap().contains("half of the places"), "{told}");
        assert_eq!(refused.header("retry-after"), Some("5"));
    }
    waiting
}

async fn are_all(mut waiting: FuturesUnordered<impl Future<Output = Answer>>, status: u16) {
    while let Some(answer) = waiting.next().await {
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn a_device_with_very_much_waiting_leaves_places_to_others() {
    let bus = small().await;
    let (greedy, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let held = Held::change(&bus).await;
    let of_greedy = waiting(&bus, &greedy, PLENTY + SHARE).await;
    for path in ["/healthcheck", "/proofoflife"] {
        assert_eq!(send(bus.anonymous(&format!("GET {path}"))).await.status, 200);
    }
    assert_eq!(send(bus.by(&greedy, "GET /v2/whoami")).await.status, 503);
    assert_eq!(send(bus.by(&other, "GET /v2/whoami")).await.status, 200);
    let of_other = waiting(&bus, &other, NEXT_SHARE).await;
    held.end().await;
    tokio::join!(are_all(of_greedy, 204), are_all(of_other, 204));
    assert_eq!(send(bus.by(&greedy, "GET /v2/whoami")).await.status, 200);
}

#[tokio::test]
async fn nobody_takes_places_of_a_device_without_its_token() {
    let bus = small().await;
    let (greedy, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let forged = Device { token: "wrong".to_owned(), ..other.clone() };
    let held = Held::change(&bus).await;
    let of_greedy = waiting(&bus, &greedy, PLENTY + SHARE).await;
    let of_stranger = waiting(&bus, &forged, NEXT_SHARE).await;
    assert_eq!(send(bus.anonymous("GET /v2/whoami")).await.status, 503);
    assert_eq!(send(bus.by(&other, "GET /v2/whoami")).await.status, 200);
    let of_other = waiting(&bus, &other, 2).await;
    held.end().await;
    tokio::join!(are_all(of_greedy, 204), are_all(of_stranger, 403), are_all(of_other, 204));
}

/// A caller who sends this.
async fn saying(bus: &TestBus, device: &Device, calls: &[(&str, &str)]) -> TcpStream {
    let login = BASE64_STANDARD.encode(format!("{}:{}", device.uuid, device.token));
    let mut socket = TcpStream::connect(bus.address).await.unwrap();
    for (line, body) in calls {
        let head = format!("host: x\r\nauthorization: Basic {login}\r\ncontent-length: {}", body.len());
        let call = format!("{line} HTTP/1.1\r\n{head}\r\n\r\n{body}");
        socket.write_all(call.as_bytes()).await.unwrap();
    }
    socket
}

#[tokio::test]
async fn nothing_is_done_for_whoever_hangs_up_before_its_turn() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let (changes, searches) = (Held::change(&bus).await, Held::search(&bus).await);
    let set = format!("PATCH /v2/devices/{}", device.uuid);
    let calls = [(set.as_str(), r#"{"a": 1}"#), ("POST /search/devices", "{}"), (&set, r#"{"b": 2}"#)];
    let mut caller = saying(&bus, &device, &calls).await;
    caller.shutdown().await.unwrap();
    let mut answers = String::new();
    caller.read_to_string(&mut answers).await.unwrap();
    let refusal = r#"{"error":"Nothing was done: the caller hung up before its turn"}"#;
    assert_eq!(answers.matches("HTTP/1.1 503 ").count(), calls.len(), "{answers}");
    assert_eq!(answers.matches(refusal).count(), calls.len(), "{answers}");
    tokio::join!(changes.end(), searches.end());
    let kept = send(bus.by(&device, "GET /v2/whoami")).await.json();
    assert!(kept.get("a").is_none() && kept.get("b").is_none(), "{kept}");
}

#[tokio::test]
async fn whoever_hangs_up_leaves_its_place() {
    let bus = small().await;
    let device = bus.device(json!({})).await;
    let held = Held::change(&bus).await;
    let whoami = async || send(bus.by(&device, "GET /v2/whoami")).await.status;
    let callers = waiting(&bus, &device, PLENTY + SHARE).await;
    assert_eq!(whoami().await, 503);
    drop(callers);
    let mut asked = 0;
    while whoami().await != 200 {
        asked += 1;
        assert!(asked < 10_000, "their places are taken still");
    }
    held.end().await;
}
