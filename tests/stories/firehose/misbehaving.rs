//! What strangers send.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::wire::{Polling, Socket, frame, shown};
use crate::support::bus::{Device, TestBus, send};

/// The first byte of a text in one frame.
const WHOLE_TEXT: u8 = 0x81;
const BAD: &str = r#"{"code":3,"message":"Bad request"}"#;
const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

/// The bus serves others as before.
async fn goes_on(bus: &TestBus, device: &Device) {
    let mut socket = Socket::open(bus, device).await;
    socket.say("2").await;
    assert_eq!(socket.text().await.unwrap(), "3");
}

#[tokio::test]
async fn a_request_that_is_not_of_the_protocol_is_refused() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let path = format!("/socket.io/v1/{}/", device.uuid);
    for (query, answer) in [
        ("EIO=3", r#"{"code":0,"message":"Transport unknown"}"#),
        ("EIO=3&transport=flashsocket", r#"{"code":0,"message":"Transport unknown"}"#),
        ("EIO=4&transport=polling", r#"{"code":5,"message":"Unsupported protocol version"}"#),
        ("EIO=3&transport=polling&j=0", BAD),
        ("EIO=3&transport=websocket", BAD),
        ("EIO=3&transport=polling&sid=", UNKNOWN),
        ("EIO=3&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", UNKNOWN),
        ("EIO=3&transport=websocket&sid=%00%ff", UNKNOWN),
    ] {
        send(shown(&bus, &device, &format!("{path}?{query}"))).await.is(400, answer);
    }
    let handshake = bus.anonymous(&format!("POST {path}?EIO=3&transport=polling")).body("1:2");
    send(handshake).await.is(400, r#"{"code":2,"message":"Bad handshake method"}"#);
    send(bus.anonymous(&format!("DELETE {path}?EIO=3&transport=polling"))).await.is(400, BAD);
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn a_session_is_its_own_device_s_alone() {
    let bus = TestBus::open().await;
    let (device, other) = (bus.listener().await, bus.listener().await);
    let session = Polling::open(&bus, &device).await;
    let path = format!("/socket.io/v1/{}/?EIO=3&transport=polling&sid={}", other.uuid, session.sid);
    send(shown(&bus, &other, &path)).await.is(400, UNKNOWN);
}

#[tokio::test]
async fn a_payload_that_is_none_ends_its_session() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    for garbage in ["", "garbage", "1:7", "5:2", "-1:2", "1:2\u{0}", "99999999999999:2"] {
        let session = Polling::open(&bus, &device).await;
        session.post(garbage).await.is(400, BAD);
        while session.poll().await.status == 200 {}
        session.poll().await.is(400, UNKNOWN);
    }
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn a_post_that_is_too_large_is_not_read() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    assert_eq!(session.post("4".repeat(100_000)).await.status, 413);
    session.post("1:2").await.is(200, "ok");
    session.poll().await.is(200, "1:3");
}

#[tokio::test]
async fn many_pings_at_once_have_one_answer() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    session.post("1:2".repeat(20_000)).await.is(200, "ok");
    session.poll().await.is(200, "1:3");
}

#[tokio::test]
async fn what_a_client_says_besides_is_passed_over() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let mut socket = Socket::open(&bus, &device).await;
    for odd in ["0{}", "3", "5", "6", "40/other", "42[\"message\",{}]", "45-", "b4AAAA", "4\u{1f600}"] {
        let units = odd.encode_utf16().count();
        session.post(format!("{units}:{odd}")).await.is(200, "ok");
        socket.say(odd).await;
    }
    socket.say(Message::binary(vec![4, 1, 2, 3])).await;
    socket.say("2").await;
    assert_eq!(socket.text().await.unwrap(), "3");
    session.post("1:2").await.is(200, "ok");
    session.poll().await.is(200, "1:3");
}

#[tokio::test]
async fn a_frame_that_is_no_packet_or_too_large_ends_its_session() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    for garbage in [
        Message::text("hello"),
        Message::text(""),
        Message::text("\u{1f600}"),
        Message::text("4".repeat(100_000)),
        Message::binary(vec![200; 10]),
        Message::binary(Vec::new()),
    ] {
        let mut socket = Socket::open(&bus, &device).await;
        socket.say(garbage).await;
        assert_eq!(socket.text().await, None);
    }
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn a_frame_that_announces_too_much_ends_its_session_before_it_comes() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    for length in [(64 << 10) + 1, 4 << 30, u64::MAX] {
        let head = [&[0x81, 0xff][..], &length.to_be_bytes()].concat();
        let mut transport = Socket::open(&bus, &device).await;
        transport.say_raw(&head).await;
        assert_eq!(transport.close_code().await, Some(1009), "{length}");
        let mut knocking = session.websocket().await;
        knocking.say_raw(&head).await;
        assert_eq!(knocking.close_code().await, Some(1009), "{length}");
    }
    session.post("1:2").await.is(200, "ok");
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn frames_may_come_in_any_pieces() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let mut socket = Socket::open(&bus, &device).await;
    let unmasked = |length: usize| [b"4".as_slice(), &vec![b'x'; length - 1]].concat();
    let mut frames = Vec::new();
    for length in [1, 125, 126, 300, (64 << 10) - 1, 64 << 10] {
        frames.extend(frame(WHOLE_TEXT, unmasked(length)));
    }
    frames.extend(frame(WHOLE_TEXT, "2"));
    let (singly, rest) = frames.split_at(1000);
    for byte in singly {
        socket.say_raw(&[*byte]).await;
    }
    socket.say_raw(rest).await;
    assert_eq!(socket.text().await.unwrap(), "3");
}

#[tokio::test]
async fn frames_out_of_order_cost_the_websocket_and_not_the_session() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    for early in ["5", "2", "3probe", "40", "1", "nonsense"] {
        let mut socket = session.websocket().await;
        socket.say(early).await;
        assert_eq!(socket.text().await, None, "{early}");
    }
    session.post("1:2").await.is(200, "ok");
    session.poll().await.is(200, "1:3");
}

#[tokio::test]
async fn only_one_websocket_takes_a_session_over() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let mut first = session.websocket().await;
    first.say("2probe").await;
    assert_eq!(first.text().await.unwrap(), "3probe");
    let mut second = session.websocket().await;
    assert_eq!(second.text().await, None);
    first.say("5").await;
    first.say("2").await;
    assert_eq!(first.text().await.unwrap(), "3");
    let mut third = session.websocket().await;
    third.say("2probe").await;
    assert_eq!(third.text().await, None);
    first.say("2").await;
    assert_eq!(first.text().await.unwrap(), "3");
}

#[tokio::test]
async fn the_newest_of_two_polls_is_the_one_that_is_answered() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let (mut older, mut newer) = (Box::pin(session.poll()), Box::pin(session.poll()));
    // Whichever the server saw first is dismissed.
    let first = tokio::select! {
        answer = &mut older => { older = newer; answer }
        answer = &mut newer => answer,
    };
    first.is(200, "1:6");
    let message = json!({"devices": [device.uuid]});
    let sending = bus.by(&device, "POST /messages").header("content-type", "application/json");
    send(sending.body(message.to_string())).await.is(204, "");
    assert!(older.await.text.contains("42[\"message\""));
}
