//! What strangers let lie or send fits into memory, however many they are.

use endo::bus::embedded::Caller;
use endo::bus::embedded::api::ApiLimits;
use endo::store::{StoreError, Transaction, View};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reqwest::RequestBuilder;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::support::bus::{Device, TestBus, WithJson, send};

const MEGABYTE: usize = 1 << 20;

/// A bus with room for so many bytes of answers that nobody has taken yet.
async fn with_room_for(all_answers_bytes: usize) -> TestBus {
    TestBus::with(ApiLimits { all_answers_bytes, ..ApiLimits::default() }, None).await
}

/// A caller that reads no more than it says.
struct Slow(TcpStream);

impl Slow {
    /// Asks, and reads the first letter of the answer alone.
    async fn ask(bus: &TestBus, path: &str) -> Self {
        let mut caller = Self(TcpStream::connect(bus.address).await.unwrap());
        assert_eq!(caller.repeat(path).await, b'H');
        caller
    }

    async fn repeat(&mut self, path: &str) -> u8 {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        self.0.read_u8().await.unwrap()
    }

    /// Reads the rest of an answer: its status line and its header, then so many bytes.
    async fn read_out(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        head
    }
}

#[tokio::test]
async fn answers_that_nobody_reads_leave_room_for_the_process() {
    let bus = with_room_for(10 * MEGABYTE).await;
    let large = bus.register(json!({"text": "x".repeat(9 * MEGABYTE)})).await;
    let small = bus.register(json!({"text": "x"})).await;
    let read = format!("/v2/devices?uuid={}&token={}", large.uuid, large.token);
    let mut slow = Slow::ask(&bus, &read).await;
    for call in ["GET /v2/whoami".to_owned(), format!("GET /v2/devices/{}", large.uuid)] {
        let refused = send(bus.by(&large, &call)).await;
        refused.is(503, r#"{"error":"Maximum Capacity Exceeded"}"#);
        assert_eq!(refused.header("retry-after"), Some("5"));
    }
    assert_eq!(send(bus.by(&small, "GET /v2/whoami")).await.status, 200);
    assert!(slow.read_out().await.starts_with("TTP/1.1 200"));
    assert_eq!(slow.repeat(&read).await, b'H');
    assert!(slow.read_out().await.starts_with("TTP/1.1 200"));
}

#[tokio::test]
async fn what_changes_a_document_and_cannot_be_answered_is_not_done() {
    let bus = with_room_for(10 * MEGABYTE).await;
    let device = bus.register(json!({"text": "x".repeat(9 * MEGABYTE)})).await;
    let slow = Slow::ask(&bus, &format!("/v2/devices?uuid={}&token={}", device.uuid, device.token)).await;
    let call = format!("PUT /v2/devices/{}/find-and-update", device.uuid);
    let update = json!({"$set": {"n": 1}});
    assert_eq!(send(bus.by(&device, &call).json(&update)).await.status, 503);
    let one = json!({"uuid": device.uuid, "n": 1});
    let shown = bus.by(&device, "POST /search/devices").header("x-meshblu-projection", r#"{"n":true}"#);
    send(shown.json(&one)).await.is(200, "[]");
    drop(slow);
}

#[tokio::test]
async fn who_reads_along_where_there_is_no_room_is_cut_off() {
    let bus = with_room_for(MEGABYTE).await;
    let device = bus.listener().await;
    let along = format!("GET /subscribe/{}/received", device.uuid);
    let mut along = bus.by(&device, &along).send().await.unwrap();
    let message = |length: usize| json!({"devices": [device.uuid], "payload": "x".repeat(length)});
    for length in [MEGABYTE / 2, 2 * MEGABYTE] {
        send(bus.by(&device, "POST /messages").json(&message(length))).await.is(204, "");
    }
    let mut heard = 0;
    while let Some(piece) = along.chunk().await.unwrap() {
        heard += piece.len();
    }
    assert!((MEGABYTE / 2..MEGABYTE).contains(&heard), "{heard}");
}

/// Says something of so many bytes to `device`.
async fn tell(bus: &TestBus, device: &Device, length: usize) {
    let message = json!({"devices": [device.uuid], "payload": "x".repeat(length)});
    send(bus.by(device, "POST /messages").json(&message)).await.is(204, "");
}

#[tokio::test]
async fn who_lags_behind_the_furthest_ends_where_others_need_the_room_to_hear() {
    let bus = TestBus::open().await;
    let listening = async || {
        let device = bus.listener().await;
        let heard = bus.bus.listen(device.uuid.as_str().into());
        (device, heard)
    };
    let (modest, mut heard) = listening().await;
    tell(&bus, &modest, 10).await;
    let mut lagging = Vec::new();
    for _ in 0..20 {
        let (device, unheard) = listening().await;
        tell(&bus, &device, 4 * MEGABYTE).await;
        lagging.push(unheard);
    }
    tell(&bus, &modest, 2 * MEGABYTE).await;
    assert!(heard.next().await.unwrap().body.len() < 200);
    assert!(heard.next().await.unwrap().body.len() > 2 * MEGABYTE);
    let mut hear = 0;
    for unheard in &mut lagging {
        match unheard.next_now() {
            Some(_) => hear += 1,
            None => assert!(unheard.next().await.is_none(), "who hears nothing is told so"),
        }
    }
    assert!((12..=16).contains(&hear), "{hear}");
    let (again, mut heard) = listening().await;
    tell(&bus, &again, 4 * MEGABYTE).await;
    assert!(heard.next().await.is_some());
}

#[tokio::test]
async fn a_text_that_many_have_not_heard_takes_its_room_once() {
    let bus = TestBus::open().await;
    let (mut devices, mut unheard) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let device = bus.listener().await;
        unheard.push(bus.bus.listen(device.uuid.as_str().into()));
        devices.push(device.uuid);
    }
    let message = json!({"devices": devices, "payload": "x".repeat(4 * MEGABYTE)});
    send(bus.by(&bus.device(json!({})).await, "POST /messages").json(&message)).await.is(204, "");
    for heard in &mut unheard {
        assert!(heard.next().await.is_some());
    }
}

#[tokio::test]
async fn a_commit_with_much_to_tell_is_not_shared_with_more() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let mut heard = bus.bus.listen(device.uuid.as_str().into());
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let gate = move |_: &Transaction<'_>| wait.recv().map_err(|_| StoreError::Closed);
    let (caller, length) = (Caller::itself(device.uuid.as_str().into()), 9 * MEGABYTE);
    let message = json!({"devices": [device.uuid], "payload": "x".repeat(length)});
    let large = bus.bus.change(move |bus, transaction| bus.changing(transaction, &caller).send(&message));
    let next = bus.bus.change(move |_, _| Ok(heard.next_now().is_some()));
    let open = async move { go.send(()).unwrap() };
    let (gated, sent, is_heard, ()) = tokio::join!(bus.bus.store().write(gate), large, next, open);
    gated.unwrap();
    sent.unwrap();
    assert!(is_heard.unwrap());
}

/// A gate that holds up whatever the store does next; open once this is dropped.
struct Gate(std::sync::mpsc::Sender<()>);

impl Gate {
    /// What waits at the gate, once it has begun.
    fn shut() -> (Self, impl FnOnce() -> Result<(), StoreError> + Send, oneshot::Receiver<()>) {
        let ((open, wait), (begin, begun)) = (std::sync::mpsc::channel(), oneshot::channel());
        let held = move || {
            let _ = begin.send(());
            let _ = wait.recv();
            Ok(())
        };
        (Self(open), held, begun)
    }

    fn open(self) {
        drop(self.0);
    }
}

/// Of these calls, whose bodies leave no room for each other, all but one are refused while that one is held up.
async fn only_one_is_let_in(calls: Vec<RequestBuilder>, gate: Gate) {
    let mut left = calls.len();
    let mut answers: FuturesUnordered<_> = calls.into_iter().map(send).collect();
    while left > 1 {
        assert_eq!(answers.next().await.unwrap().status, 503);
        left -= 1;
    }
    gate.open();
    assert_eq!(answers.next().await.unwrap().status, 200);
}

#[tokio::test]
async fn what_waits_for_the_writer_keeps_the_room_of_its_body() {
    let bus = TestBus::with(ApiLimits { all_bodies_bytes: MEGABYTE, ..ApiLimits::default() }, None).await;
    let device = bus.device(json!({})).await;
    let (gate, held, begun) = Gate::shut();
    let store = bus.bus.store().clone();
    let writes = tokio::spawn(async move { store.write(move |_: &Transaction<'_>| held()).await });
    begun.await.unwrap();
    let call = format!("PUT /v2/devices/{}/find-and-update", device.uuid);
    let update = json!({"$set": {"text": "x".repeat(600_000)}});
    only_one_is_let_in((0..3).map(|_| bus.by(&device, &call).json(&update)).collect(), gate).await;
    writes.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_waits_for_a_search_keeps_the_room_of_its_body() {
    let bus = TestBus::with(ApiLimits { all_bodies_bytes: MEGABYTE, ..ApiLimits::default() }, None).await;
    let device = bus.device(json!({})).await;
    for call in ["GET /devices", "GET /v2/devices", "GET /mydevices", "POST /search/devices"] {
        let (gate, held, begun) = Gate::shut();
        let store = bus.bus.store().clone();
        let searches = tokio::spawn(async move { store.search(move |_: &View<'_>| held()).await });
        begun.await.unwrap();
        let query = json!({"uuid": device.uuid, "text": "x".repeat(600_000)});
        only_one_is_let_in((0..3).map(|_| bus.by(&device, call).json(&query)).collect(), gate).await;
        searches.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn bodies_whose_end_does_not_come_leave_room_for_those_that_are_there() {
    let limits = ApiLimits { arriving_bodies_bytes: MEGABYTE, ..ApiLimits::default() };
    let bus = TestBus::with(limits, None).await;
    let device = bus.device(json!({})).await;
    let head = format!("POST /devices HTTP/1.1\r\nhost: x\r\ncontent-length: {MEGABYTE}\r\n\r\n");
    let large = json!({"devices": ["x".repeat(200_000)]});
    let mut hanging = Vec::new();
    // Some of them may find the large one in their way.
    while send(bus.by(&device, "POST /messages").json(&large)).await.status != 503 {
        let mut stranger = TcpStream::connect(bus.address).await.unwrap();
        stranger.write_all(head.as_bytes()).await.unwrap();
        stranger.write_all(&[b' '; MEGABYTE - 1000]).await.unwrap();
        hanging.push(stranger);
    }
    let numbers = json!({"devices": ["x"], "payload": vec![1; 20_000]});
    send(bus.by(&device, "POST /messages").json(&numbers)).await.is(204, "");
    drop(hanging);
    while send(bus.by(&device, "POST /messages").json(&large)).await.status != 204 {}
}
