//! How a session ends.

use std::time::Duration;

use endo::bus::embedded::api::{ApiLimits, FirehoseLimits};
use serde_json::{Value, json};

use tokio_tungstenite::tungstenite::Message;

use super::wire::{Polling, Socket, shown};
use crate::support::bus::{Device, TestBus, WithJson, send};

const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

async fn impatient() -> TestBus {
    let firehose = FirehoseLimits {
        ping_interval: Duration::from_millis(50),
        ping_timeout: Duration::from_millis(50),
        upgrade_within: Duration::from_millis(50),
        ..FirehoseLimits::default()
    };
    TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await
}

/// A bus that waits so long for whoever is to end a connection.
pub(super) async fn that_waits(disconnect_within: Duration) -> TestBus {
    let mut limits = ApiLimits::default();
    limits.terms.disconnect_within = disconnect_within;
    TestBus::with(limits, None).await
}

/// Ends all sessions of the device.
async fn reset(bus: &TestBus, device: &Device) {
    assert_eq!(send(bus.by(device, &format!("POST /devices/{}/token", device.uuid))).await.status, 200);
}

/// Polls until the session says that it is over, or is known no more.
async fn over(session: &Polling<'_>) {
    loop {
        let answer = session.poll().await;
        if answer.status == 400 {
            return answer.is(400, UNKNOWN);
        }
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_that_never_pings_is_forgotten() {
    let bus = impatient().await;
    let device = bus.listener().await;
    let polling = Polling::open(&bus, &device).await;
    let mut socket = Socket::open(&bus, &device).await;
    polling.poll().await.is(200, "1:1");
    over(&polling).await;
    assert_eq!(socket.text().await, None);
}

#[tokio::test]
async fn a_websocket_that_never_upgrades_is_closed_and_the_polling_goes_on() {
    let firehose = FirehoseLimits { upgrade_within: Duration::from_millis(50), ..FirehoseLimits::default() };
    let bus = TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let mut socket = session.websocket().await;
    assert_eq!(socket.text().await, None);
    session.post("1:2").await.is(200, "ok");
    session.poll().await.is(200, "1:3");
}

#[tokio::test]
async fn a_session_ends_with_the_token_it_was_opened_by() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let uuid = &device.uuid;
    let make = format!("POST /devices/{uuid}/tokens");
    let token =
        |answer: Value| Device { uuid: uuid.clone(), token: answer["token"].as_str().unwrap().to_owned() };
    let one = token(send(bus.by(&device, &make)).await.json());
    let tagged = token(send(bus.by(&device, &make).json(&json!({"tag": "x"}))).await.json());
    let mut by_one = Socket::open(&bus, &one).await;
    let by_tagged = Polling::open(&bus, &tagged).await;
    let mut by_root = Socket::open(&bus, &device).await;
    let last = token(send(bus.by(&device, &make)).await.json());
    let mut stays = Socket::open(&bus, &last).await;
    send(bus.by(&device, &format!("DELETE /devices/{uuid}/tokens/{}", one.token))).await.is(204, "");
    assert_eq!(by_one.text().await, None);
    let revoke = format!("DELETE /devices/{uuid}/tokens?tag=x");
    let revoking = async { send(bus.by(&device, &revoke)).await.is(204, "") };
    tokio::join!(over(&by_tagged), revoking);
    assert_eq!(send(bus.by(&device, &format!("POST /devices/{uuid}/token"))).await.status, 200);
    assert_eq!(by_root.text().await, None);
    send(bus.by(&last, "POST /messages").json(&json!({"devices": [uuid]}))).await.is(204, "");
    assert!(stays.text().await.is_some());
}

#[tokio::test]
async fn the_connection_of_a_websocket_ends_once_both_ends_have_closed_it() {
    let bus = that_waits(Duration::from_secs(3600)).await;
    let device = bus.listener().await;
    let mut leaves = Socket::open(&bus, &device).await;
    leaves.say(Message::Close(None)).await;
    leaves.closes().await;
    let stays = Socket::open(&bus, &device).await;
    let session = Polling::open(&bus, &device).await;
    let mut goes_over = session.websocket().await;
    goes_over.say("2probe").await;
    assert_eq!(goes_over.text().await.unwrap(), "3probe");
    goes_over.say("5").await;
    reset(&bus, &device).await;
    stays.closes().await;
    goes_over.closes().await;
}

#[tokio::test]
async fn whoever_does_not_read_that_a_websocket_is_over_is_cut_off() {
    let bus = that_waits(Duration::from_millis(50)).await;
    let device = bus.listener().await;
    let unread = Socket::open(&bus, &device).await;
    let large = json!({"devices": [device.uuid], "payload": "x".repeat(2_000_000)});
    for _ in 0..20 {
        send(bus.by(&device, "POST /messages").json(&large)).await.is(204, "");
    }
    reset(&bus, &device).await;
    unread.cut_off().await;
}

#[tokio::test]
async fn reading_along_line_by_line_ends_with_the_token_too() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let path = format!("/subscribe/{}/received", device.uuid);
    let mut stream = bus.by(&device, &format!("GET {path}")).send().await.unwrap();
    assert_eq!(send(bus.by(&device, &format!("POST /devices/{}/token", device.uuid))).await.status, 200);
    assert_eq!(stream.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_session_ends_with_its_device_and_with_the_bus() {
    let bus = TestBus::open().await;
    let (goes, stays) = (bus.listener().await, bus.listener().await);
    for kind in ["unregister.sent", "unregister.received"] {
        bus.subscribe(&goes, &goes, kind).await;
    }
    let mut first = Socket::open(&bus, &goes).await;
    let waiting = Polling::open(&bus, &goes).await;
    let second = Polling::open(&bus, &stays).await;
    assert_eq!(send(bus.by(&goes, &format!("DELETE /devices/{}", goes.uuid))).await.status, 200);
    assert_eq!(first.event().await["metadata"]["route"][0]["type"], "unregister.sent");
    assert_eq!(waiting.events().await[0]["metadata"]["route"][0]["type"], "unregister.sent");
    assert_eq!(first.text().await, None);
    over(&waiting).await;
    bus.bus.close_streams();
    over(&second).await;
    let path = format!("/socket.io/v1/{}/?EIO=3&transport=polling&b64=1", stays.uuid);
    let late = send(shown(&bus, &stays, &path)).await;
    let sid = late.header("set-cookie").unwrap()[3..23].to_owned();
    send(bus.anonymous(&format!("GET {path}&sid={sid}"))).await.is(200, "2:40");
    send(bus.anonymous(&format!("GET {path}&sid={sid}"))).await.is(200, "1:1");
}

#[tokio::test]
async fn a_client_may_leave_in_three_ways() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    for goodbye in ["1:1", "2:41"] {
        let session = Polling::open(&bus, &device).await;
        let leaving = async { session.post(goodbye).await.is(200, "ok") };
        tokio::join!(over(&session), leaving);
    }
    let mut socket = Socket::open(&bus, &device).await;
    socket.say("41").await;
    assert_eq!(socket.text().await, None);
}

#[tokio::test]
async fn whoever_does_not_keep_up_is_cut_off_after_what_was_kept() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let large = json!({"devices": [device.uuid], "payload": "x".repeat(1_000_000)});
    for _ in 0..6 {
        send(bus.by(&device, "POST /messages").json(&large)).await.is(204, "");
    }
    let mut heard = 0;
    loop {
        let packets = session.packets().await;
        heard += packets.iter().filter(|packet| packet.starts_with("42")).count();
        if packets.iter().any(|packet| packet == "1") {
            break;
        }
    }
    assert_eq!(heard, 4);
    over(&session).await;
}

#[tokio::test]
async fn a_websocket_that_is_not_read_holds_nothing_up() {
    let firehose = FirehoseLimits { device_sessions: 1, ..FirehoseLimits::default() };
    let bus = TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await;
    let device = bus.listener().await;
    let _unread = Socket::open(&bus, &device).await;
    let large = json!({"devices": [device.uuid], "payload": "x".repeat(2_000_000)});
    for _ in 0..20 {
        send(bus.by(&device, "POST /messages").json(&large)).await.is(204, "");
    }
    let reset = send(bus.by(&device, &format!("POST /devices/{}/token", device.uuid))).await.json();
    let device = Device { token: reset["token"].as_str().unwrap().to_owned(), ..device };
    let path = format!("/socket.io/v1/{}/?EIO=3&transport=polling", device.uuid);
    while send(shown(&bus, &device, &path)).await.status != 200 {}
}
