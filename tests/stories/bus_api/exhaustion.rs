//! A stranger who asks for much at once gets a refusal, and the others their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::{Clock, Stopwatch, Timestamp};
use endo::bus::embedded::api::ApiLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::bus::{Device, TestBus, WithJson, send};
use crate::support::store;

const MEGABYTE: usize = 1 << 20;

async fn put(bus: &TestBus, device: &Device, update: Value) -> u16 {
    let call = format!("PUT /v2/devices/{}", device.uuid);
    send(bus.by(device, &call).json(&update)).await.status.as_u16()
}

/// Of this a document takes one piece, and no second one beside it.
async fn is_taken_once(piece: Value) {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let piece = json!({"$push": {"pieces": piece}});
    assert_eq!(put(&bus, &device, piece.clone()).await, 204);
    assert_eq!(put(&bus, &device, piece.clone()).await, 413);
    assert_eq!(put(&bus, &device, json!({"$unset": {"pieces": true}})).await, 204);
    assert_eq!(put(&bus, &device, piece).await, 204);
}

#[tokio::test]
async fn a_document_does_not_grow_without_end() {
    is_taken_once(json!("x".repeat(9 * MEGABYTE))).await;
}

#[tokio::test]
async fn a_document_of_small_values_does_not_grow_without_end() {
    is_taken_once(json!(vec![json!({"": 1}); 90_000])).await;
}

#[tokio::test]
async fn a_document_is_looked_up_by_a_thousand_texts_at_most() {
    let bus = TestBus::open().await;
    let types = |count: usize| json!({"type": (0..count).map(|n| n.to_string()).collect::<Vec<_>>()});
    let register = |document: Value| send(bus.anonymous("POST /devices").json(&document));
    assert_eq!(register(types(1_000)).await.status, 201);
    assert_eq!(register(types(1_001)).await.status, 413);
    let device = bus.device(json!({})).await;
    assert_eq!(put(&bus, &device, json!({"$set": types(1_001)})).await, 413);
    assert_eq!(put(&bus, &device, json!({"$set": types(1_000)})).await, 204);
}

fn hooks(count: usize) -> Vec<Value> {
    vec![json!({"type": "webhook", "url": "http://127.0.0.1:1/", "method": "POST"}); count]
}

async fn waiting(bus: &TestBus) -> u64 {
    store::waiting(bus.bus.store(), endo::store::Work::Webhook).await
}

#[tokio::test]
async fn a_message_leads_to_as_much_work_as_one_message_may() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let update = json!({"$set": {"meshblu.forwarders.message.received": hooks(100)}});
    assert_eq!(put(&bus, &device, update).await, 204);
    let message = |length: usize| json!({"devices": [device.uuid], "payload": "x".repeat(length)});
    send(bus.by(&device, "POST /messages").json(&message(2 * MEGABYTE))).await.is(204, "");
    assert_eq!(waiting(&bus).await, 63);
    send(bus.by(&device, "POST /messages").json(&message(10))).await.is(204, "");
    assert_eq!(waiting(&bus).await, 163);
}

#[tokio::test]
async fn large_documents_of_recipients_keep_a_small_one_from_nothing() {
    let bus = TestBus::open().await;
    let lists = json!({"version": "2.0.0", "whitelists": {"message": {"from": [{"uuid": "*"}]}}});
    let mut devices = Vec::new();
    for _ in 0..7 {
        let device = bus.register(json!({"meshblu": lists, "waste": "x".repeat(9 * MEGABYTE)})).await;
        bus.subscribe(&device, &device, "message.received").await;
        devices.push(device.uuid);
    }
    let small = bus.listener().await;
    devices.push(small.uuid.clone());
    let mut heard = bus.bus.listen(small.uuid.as_str().into());
    let mut beyond = bus.bus.listen(devices[6].as_str().into());
    let message = json!({"devices": devices});
    send(bus.by(&bus.device(json!({})).await, "POST /messages").json(&message)).await.is(204, "");
    assert_eq!(&*heard.next().await.unwrap().body, message.to_string());
    bus.bus.close_streams();
    assert!(beyond.next().await.is_none());
}

#[tokio::test]
async fn who_listens_too_much_keeps_nobody_else_from_hearing() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({"broadcast": {"sent": [{"uuid": "*"}]}})).await;
    let meshblu = json!({"version": "2.0.0", "forwarders": {"broadcast": {"received": hooks(100)}}});
    for _ in 0..2 {
        let nosy = bus.register(json!({"meshblu": meshblu})).await;
        bus.subscribe(&nosy, &nosy, "broadcast.received").await;
        bus.subscribe(&nosy, &device, "broadcast.sent").await;
    }
    let friend = bus.device(json!({})).await;
    bus.subscribe(&friend, &friend, "broadcast.received").await;
    bus.subscribe(&friend, &device, "broadcast.sent").await;
    let mut heard = bus.bus.listen(friend.uuid.as_str().into());
    let message = json!({"devices": ["*"], "payload": "x".repeat(MEGABYTE)});
    send(bus.by(&device, "POST /messages").json(&message)).await.is(204, "");
    assert_eq!(&*heard.next().await.unwrap().body, message.to_string());
    assert!(waiting(&bus).await < 130);
}

/// Each of them wants a little less than an even part of what was everybody's, and all of them together more than there is.
#[tokio::test]
async fn hundreds_who_listen_too_much_keep_nobody_else_from_hearing() {
    let bus = TestBus::open().await;
    let listener = async |entries: Vec<Value>| {
        let forwarders = json!({"message": {"received": entries}});
        let whitelists = json!({"message": {"from": [{"uuid": "*"}]}});
        let meshblu = json!({"version": "2.0.0", "whitelists": whitelists, "forwarders": forwarders});
        let device = bus.register(json!({"meshblu": meshblu})).await;
        bus.subscribe(&device, &device, "message.received").await;
        device.uuid
    };
    let mut devices = Vec::new();
    for _ in 0..270 {
        devices.push(listener(hooks(3)).await);
    }
    let friend = listener(hooks(0)).await;
    devices.push(friend.clone());
    let mut heard = bus.bus.listen(friend.as_str().into());
    let message = json!({"devices": devices, "payload": "x".repeat(160_000)});
    send(bus.by(&bus.device(json!({})).await, "POST /messages").json(&message)).await.is(204, "");
    assert_eq!(&*heard.next().await.unwrap().body, message.to_string());
}

#[tokio::test]
async fn who_listens_too_much_does_not_keep_a_device_from_being_changed() {
    let bus = TestBus::open().await;
    let lists = json!({"configure": {"sent": [{"uuid": "*"}]}});
    let device = bus.device(lists).await;
    let nosy = bus.device(json!({})).await;
    let hooks = json!({"meshblu.forwarders.configure.received": hooks(100)});
    assert_eq!(put(&bus, &nosy, json!({"$set": hooks})).await, 204);
    bus.subscribe(&nosy, &device, "configure.sent").await;
    bus.subscribe(&nosy, &nosy, "configure.received").await;
    assert_eq!(put(&bus, &device, json!({"$set": {"large": "x".repeat(2 * MEGABYTE)}})).await, 204);
}

#[tokio::test]
async fn a_reader_who_does_not_keep_up_is_cut_off_before_memory_is_full() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let mut slow = bus.bus.listen(device.uuid.as_str().into());
    let message = json!({"devices": [device.uuid], "payload": "x".repeat(MEGABYTE)});
    for _ in 0..6 {
        send(bus.by(&device, "POST /messages").json(&message)).await.is(204, "");
    }
    let mut heard = 0;
    while slow.next().await.is_some() {
        heard += 1;
    }
    assert_eq!(heard, 3);
}

#[tokio::test]
async fn a_device_that_reads_along_everywhere_leaves_room_for_others() {
    let bus = TestBus::open().await;
    let (greedy, other) = (bus.listener().await, bus.listener().await);
    let read_along = async |device: &Device| {
        let request = bus.by(device, &format!("GET /subscribe/{}/received", device.uuid));
        request.send().await.unwrap()
    };
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(read_along(&greedy).await);
        assert_eq!(open.last().unwrap().status(), 200);
    }
    let refused = read_along(&greedy).await;
    assert_eq!(
        (refused.status(), refused.headers()["retry-after"].to_str().unwrap()),
        (503.try_into().unwrap(), "5")
    );
    let told: serde_json::Value = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
    assert_eq!(told["error"], "Maximum Capacity Exceeded");
    assert!(told["detail"].as_str().unwrap().contains("reads along 16 times at most"), "{told}");
    assert_eq!(read_along(&other).await.status(), 200);
}

#[tokio::test]
async fn who_does_not_read_is_disconnected_once_another_reads_along_in_its_stead() {
    let mut limits = ApiLimits { streams: 2, device_streams: 2, ..ApiLimits::default() };
    limits.terms.disconnect_within = Duration::from_millis(50);
    let bus = TestBus::with(limits, None).await;
    let (idle, other) = (bus.listener().await, bus.listener().await);
    let pair = STANDARD.encode(format!("{}:{}", idle.uuid, idle.token));
    let head = format!(
        "GET /subscribe/{}/received HTTP/1.1\r\nhost: x\r\nauthorization: Basic {pair}\r\n\r\n",
        idle.uuid
    );
    let mut unread = Vec::new();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(bus.address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'H');
        unread.push(socket);
    }
    // More than lies on the way.
    let message = json!({"devices": [idle.uuid], "payload": "x".repeat(9 * MEGABYTE)});
    for _ in 0..3 {
        send(bus.by(&idle, "POST /messages").json(&message)).await.is(204, "");
    }
    let along = bus.by(&other, &format!("GET /subscribe/{}/received", other.uuid)).send().await.unwrap();
    assert_eq!(along.status(), 200);
    while unread[0].write_all(b"x").await.is_ok() {}
}

#[tokio::test]
async fn a_line_longer_than_the_backlog_is_heard_all_the_same() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let mut reader = bus.bus.listen(device.uuid.as_str().into());
    for _ in 0..2 {
        let message = json!({"devices": [device.uuid], "payload": "x".repeat(9 * MEGABYTE)});
        send(bus.by(&device, "POST /messages").json(&message)).await.is(204, "");
        assert!(reader.next().await.unwrap().body.len() > 9 * MEGABYTE);
    }
}

#[tokio::test]
async fn a_search_that_would_take_too_long_is_refused() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let numbers = vec![7; 500_000];
    assert_eq!(put(&bus, &device, json!({"$set": {"numbers": numbers}})).await, 204);
    let many: Vec<_> = (10..1500).collect();
    let heavy = json!({"numbers": {"$in": many}});
    let refused = send(bus.by(&device, "POST /search/devices").json(&heavy)).await;
    refused.is(503, r#"{"error":"The query took too long"}"#);
    let light = send(bus.by(&device, "POST /search/devices").json(&json!({"numbers": 8}))).await;
    light.is(200, "[]");
}

#[tokio::test]
async fn an_update_that_would_take_too_long_is_refused() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    assert_eq!(put(&bus, &device, json!({"$set": {"numbers": vec![0; 20_000]}})).await, 204);
    let many: Vec<_> = (1..1_900).collect();
    let heavy = json!({"$set": {"n": 1}, "$pull": {"numbers": {"$not": {"$in": many}}}});
    let call = format!("PUT /v2/devices/{}", device.uuid);
    let refused = send(bus.by(&device, &call).json(&heavy)).await;
    refused.is(503, "null");
    assert_eq!(refused.headers["x-meshblu-error"], r#"{"message":"The update took too long"}"#);
    let kept = send(bus.by(&device, "GET /v2/whoami")).await.json();
    assert_eq!((kept["numbers"].as_array().unwrap().len(), kept.get("n")), (20_000, None));
    assert_eq!(put(&bus, &device, json!({"$pull": {"numbers": {"$in": [0, 1]}}})).await, 204);
}

#[tokio::test]
async fn an_update_that_matches_or_moves_too_much_is_refused() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let members: serde_json::Map<_, _> = (0..30_000).map(|n| (format!("m{n}"), json!(1))).collect();
    let set = json!({"$set": {"texts": ["ab".repeat(5_000)], "members": members}});
    assert_eq!(put(&bus, &device, set).await, 204);
    let gone = |count: usize| (0..count).map(|n| (format!("members.m{n}"), json!(true)));
    let unset = |count: usize| json!({"$unset": gone(count).collect::<serde_json::Map<_, _>>()});
    let pull = |pattern: &str| json!({"$pull": {"texts": {"$regex": pattern}}});
    assert_eq!(put(&bus, &device, unset(900)).await, 503);
    assert_eq!(put(&bus, &device, pull("a[ab]{12000}[^ab]")).await, 503);
    assert_eq!(put(&bus, &device, unset(100)).await, 204);
    assert_eq!(put(&bus, &device, pull("^(ab)+$")).await, 204);
    let kept = send(bus.by(&device, "GET /v2/whoami")).await.json();
    assert_eq!((kept["members"].as_object().unwrap().len(), &kept["texts"]), (29_900, &json!([])));
}

/// A document of this size that everybody may see.
async fn large(bus: &TestBus, bytes: usize) -> Device {
    bus.register(json!({"n": 1, "waste": "x".repeat(bytes)})).await
}

#[tokio::test]
async fn large_documents_of_a_stranger_keep_nobody_from_searching() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"n": 1, "name": "small"})).await;
    for _ in 0..6 {
        large(&bus, 9 * MEGABYTE).await;
    }
    let many: Vec<_> = (0..65).map(|n| json!(format!("another-{n}"))).chain([json!(device.uuid)]).collect();
    let search = async |query: Value| {
        let answer = send(bus.by(&device, "POST /search/devices").json(&query)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json().as_array().unwrap().iter().map(|found| found["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(search(json!({"uuid": {"$in": many}})).await, ["small"]);
    assert_eq!(search(json!({"$and": [{"uuid": {"$in": many}}, {"n": 1}]})).await, ["small"]);
    let names = [many, vec![json!("small")]].concat();
    assert_eq!(search(json!({"name": {"$in": names}})).await, ["small"]);
    assert!(search(json!({"n": 1})).await.contains(&json!("small")));
}

/// A bus, and what its searches take, in milliseconds, from one look at their stopwatch to the next.
async fn with_work_that_takes_time() -> (TestBus, Arc<AtomicU64>) {
    let (worked, step) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let takes = Arc::clone(&step);
    let stopwatch = Stopwatch::from_fn(move || {
        Duration::from_millis(worked.fetch_add(takes.load(Ordering::SeqCst), Ordering::SeqCst))
    });
    (TestBus::searching_by(stopwatch).await, step)
}

#[tokio::test]
async fn a_search_that_costs_little_is_answered_however_long_others_have_the_processor() {
    let now = AtomicI64::new(1_768_478_400_000);
    let clock = Clock::from_fn(move || Timestamp::from_millis(now.fetch_add(10_000, Ordering::SeqCst)));
    let bus = TestBus::at(clock, ApiLimits::default(), None).await;
    let device = bus.register(json!({"n": 1})).await;
    let found = send(bus.by(&device, "POST /search/devices").json(&json!({"n": 1}))).await;
    assert_eq!(found.json()[0]["uuid"], device.uuid.as_str());
    assert_eq!(send(bus.by(&device, "POST /search/tokens")).await.status, 200);
}

#[tokio::test]
async fn a_search_ends_after_two_seconds_of_work() {
    let (bus, step) = with_work_that_takes_time().await;
    let device = bus.register(json!({})).await;
    for _ in 0..3 {
        bus.register(json!({})).await;
        let token = format!("POST /devices/{}/tokens", device.uuid);
        assert_eq!(send(bus.by(&device, &token)).await.status, 201);
    }
    for call in ["POST /search/devices", "POST /search/tokens"] {
        let search = async || send(bus.by(&device, call).json(&json!({"n": 1}))).await;
        step.store(0, Ordering::SeqCst);
        search().await.is(200, "[]");
        step.store(900, Ordering::SeqCst);
        search().await.is(503, r#"{"error":"The query took too long"}"#);
    }
}

#[tokio::test]
async fn a_search_ends_after_two_seconds_of_work_with_a_single_document_too() {
    let (bus, step) = with_work_that_takes_time().await;
    let device = bus.register(json!({})).await;
    let large = json!({"zeros": vec![0; 10_000], "text": "ab".repeat(4_000)});
    assert_eq!(put(&bus, &device, json!({"$set": large})).await, 204);
    let token = format!("POST /devices/{}/tokens", device.uuid);
    assert_eq!(send(bus.by(&device, &token).json(&large)).await.status, 201);
    step.store(100, Ordering::SeqCst);
    let none_of = |operands: u32| json!({"$nin": (1..operands).collect::<Vec<_>>()});
    let matching = |pattern: &str| json!({"$regex": pattern});
    for (call, within) in [("POST /search/devices", ""), ("POST /search/tokens", "metadata.")] {
        for (member, light, heavy) in [
            ("zeros", none_of(10), none_of(300)),
            ("text", matching("^(ab)+$"), matching("a[ab]{12000}[^ab]")),
        ] {
            let search = async |condition: Value| {
                let query = json!({format!("{within}{member}"): condition});
                send(bus.by(&device, call).json(&query)).await
            };
            assert_eq!(search(light).await.status, 200);
            search(heavy).await.is(503, r#"{"error":"The query took too long"}"#);
        }
    }
}
