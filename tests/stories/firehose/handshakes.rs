//! How a session begins, and who may have one.

use std::time::Duration;

use endo::bus::embedded::api::{ApiLimits, FirehoseLimits};
use serde_json::json;

use super::wire::{Polling, Socket, shown};
use crate::support::bus::{Device, TestBus, send};

const REFUSED: &str = r#"{"code":null}"#;

#[tokio::test]
async fn polling_begins_as_the_protocol_has_it() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let Device { uuid, token } = &device;
    let path = format!("/socket.io/v1/{uuid}/?uuid={uuid}&token={token}&EIO=3&transport=polling&b64=1");
    let opened = send(bus.anonymous(&format!("GET {path}"))).await;
    let sid = opened.header("set-cookie").unwrap().strip_prefix("io=").unwrap()[..20].to_owned();
    let open =
        format!(r#"97:0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":60000}}"#);
    opened.is(200, &open);
    assert_eq!(opened.header("content-type"), Some("text/plain; charset=UTF-8"));
    let session = format!("{path}&sid={sid}");
    send(bus.anonymous(&format!("GET {session}"))).await.is(200, "2:40");
    let ping = bus.anonymous(&format!("POST {session}")).body("1:2");
    send(ping.header("content-type", "text/plain;charset=UTF-8")).await.is(200, "ok");
    send(bus.anonymous(&format!("GET {session}"))).await.is(200, "1:3");
}

#[tokio::test]
async fn a_browser_gets_binary_payloads_and_may_be_on_another_site() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let path = format!("/socket.io/v1/{}/?EIO=3&transport=polling", device.uuid);
    let opened = send(shown(&bus, &device, &path).header("origin", "https://pages.test")).await;
    assert_eq!(opened.header("content-type"), Some("application/octet-stream"));
    assert_eq!(opened.header("access-control-allow-origin"), Some("https://pages.test"));
    assert_eq!(opened.header("access-control-allow-credentials"), Some("true"));
    let sid = opened.header("set-cookie").unwrap()[3..23].to_owned();
    let session = format!("{path}&sid={sid}");
    let connected = bus.anonymous(&format!("GET {session}")).send().await.unwrap();
    assert_eq!(&connected.bytes().await.unwrap()[..], b"\x00\x02\xff40");
    let ping = bus.anonymous(&format!("POST {session}")).body(&b"\x00\x01\xff2"[..]);
    send(ping.header("content-type", "application/octet-stream")).await.is(200, "ok");
    let pong = bus.anonymous(&format!("GET {session}")).send().await.unwrap();
    assert_eq!(&pong.bytes().await.unwrap()[..], b"\x00\x01\xff3");
    let preflight =
        send(bus.anonymous(&format!("OPTIONS {session}")).header("origin", "https://pages.test")).await;
    preflight.is(204, "");
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://pages.test"));
}

#[tokio::test]
async fn a_websocket_needs_no_polling_before() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let path = format!("/socket.io/v1/{}/?EIO=3&transport=websocket", device.uuid);
    let mut socket = Socket::upgrade(shown(&bus, &device, &path)).await.unwrap();
    let open = socket.text().await.unwrap();
    assert!(open.contains(r#""upgrades":[],"pingInterval":25000"#), "{open}");
    assert_eq!(socket.text().await.unwrap(), "40");
    socket.say("2").await;
    assert_eq!(socket.text().await.unwrap(), "3");
}

#[tokio::test]
async fn the_prefix_alone_leads_to_the_device_of_the_credentials() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    for path in ["/socket.io", "/socket.io/"] {
        let opened = send(shown(&bus, &device, &format!("{path}?EIO=3&transport=polling&b64=1"))).await;
        assert!(opened.text.starts_with("97:0{"), "{opened:?}");
    }
    let elsewhere = send(shown(&bus, &device, "/socket.iodine?EIO=3&transport=polling&b64=1")).await;
    assert_eq!(elsewhere.status, 404);
}

#[tokio::test]
async fn nobody_listens_without_the_device_s_own_token() {
    let bus = TestBus::open().await;
    let (device, other) = (bus.listener().await, bus.device(json!({})).await);
    let wrong = Device { token: other.token.clone(), ..device.clone() };
    for transport in ["polling", "websocket"] {
        let path = format!("/socket.io/v1/{}/?EIO=3&transport={transport}", device.uuid);
        let upper = format!("/socket.io/v1/{}/?EIO=3&transport={transport}", device.uuid.to_uppercase());
        let bare = || bus.anonymous(&format!("GET {path}"));
        let requests =
            [bare(), shown(&bus, &wrong, &path), shown(&bus, &other, &path), shown(&bus, &device, &upper)];
        for request in requests {
            let refused = Socket::upgrade(request).await.err().unwrap();
            assert_eq!(refused, (400, REFUSED.to_owned()));
        }
        send(bare()).await.is(400, REFUSED);
        send(shown(&bus, &other, &path)).await.is(400, REFUSED);
    }
}

#[tokio::test]
async fn an_address_that_is_refused_again_and_again_is_told_to_wait_and_keeps_nobody_out() {
    let firehose = FirehoseLimits { refusals: 3, ..FirehoseLimits::default() };
    let bus = TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await;
    let device = bus.listener().await;
    let path = format!("/socket.io/v1/{}/?EIO=3&transport=polling", device.uuid);
    // A minute may begin in between.
    let mut refused = 0;
    while send(bus.anonymous(&format!("GET {path}"))).await.status == 400 {
        refused += 1;
    }
    assert!((3..=6).contains(&refused), "{refused}");
    Polling::open(&bus, &device).await;
    let mut socket =
        Socket::upgrade(shown(&bus, &device, &path.replace("polling", "websocket"))).await.unwrap();
    assert!(socket.text().await.unwrap().contains("pingInterval"));
}

#[tokio::test]
async fn one_device_has_only_so_many_sessions() {
    let firehose = FirehoseLimits { device_sessions: 2, sessions: 3, ..FirehoseLimits::default() };
    let bus = TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await;
    let (one, two) = (bus.listener().await, bus.listener().await);
    let path = |device: &Device| format!("/socket.io/v1/{}/?EIO=3&transport=polling", device.uuid);
    let (first, _second) = (Polling::open(&bus, &one).await, Polling::open(&bus, &one).await);
    let detail = "one device has 2 firehose sessions at most; end one of those";
    let told = json!({"message": "Too Many Requests", "detail": detail});
    send(shown(&bus, &one, &path(&one))).await.is(429, &told.to_string());
    let _third = Polling::open(&bus, &two).await;
    let full = send(shown(&bus, &two, &path(&two))).await;
    full.is(503, r#"{"error":"Maximum Capacity Exceeded"}"#);
    first.post("1:1").await.is(200, "ok");
    let closed = first.poll().await;
    assert!(closed.text == "1:1" || closed.status == 400, "{closed:?}");
    Polling::open(&bus, &two).await;
}

/// A bus whose firehose has four seats.
async fn small(device_sessions: usize) -> TestBus {
    let firehose = FirehoseLimits { device_sessions, sessions: 4, ..FirehoseLimits::default() };
    TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await
}

async fn shake_hands(bus: &TestBus, device: &Device) -> u16 {
    let path = format!("/socket.io/v1/{}/?EIO=3&transport=polling", device.uuid);
    send(shown(bus, device, &path)).await.status.as_u16()
}

#[tokio::test]
async fn whoever_does_not_poll_after_the_handshake_is_soon_forgotten() {
    let firehose = FirehoseLimits {
        device_sessions: 1,
        poll_within: Duration::from_millis(50),
        ping_timeout: Duration::from_secs(3600),
        ..FirehoseLimits::default()
    };
    let bus = TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await;
    let device = bus.listener().await;
    assert_eq!(shake_hands(&bus, &device).await, 200);
    while shake_hands(&bus, &device).await != 200 {}
}

#[tokio::test]
async fn handshakes_alone_keep_nobody_out() {
    let bus = small(2).await;
    for device in [bus.listener().await, bus.listener().await] {
        assert_eq!([shake_hands(&bus, &device).await, shake_hands(&bus, &device).await], [200, 200]);
    }
    let (polls, speaks) = (bus.listener().await, bus.listener().await);
    let session = Polling::open(&bus, &polls).await;
    Socket::open(&bus, &speaks).await;
    session.post("1:2").await.is(200, "ok");
}

#[tokio::test]
async fn whoever_comes_in_beside_handshakes_and_devices_that_have_many_seats_may_take_their_time() {
    for (many, few) in [(2, 4), (3, 2)] {
        let firehose = FirehoseLimits { device_sessions: 4, sessions: 12, ..FirehoseLimits::default() };
        let bus = TestBus::with(ApiLimits { firehose, ..ApiLimits::default() }, None).await;
        let mut live = Vec::new();
        for _ in 0..many {
            let greedy = bus.listener().await;
            for _ in 0..4 {
                live.push(Polling::open(&bus, &greedy).await);
            }
        }
        let (modest, mut hasty) = (bus.listener().await, Vec::new());
        for _ in 0..few {
            hasty.push(bus.listener().await);
        }
        let shaken = Polling::shake_hands(&bus, &modest).await;
        for device in [&hasty[..], &hasty].concat() {
            assert_eq!(shake_hands(&bus, &device).await, 200);
        }
        shaken.poll().await.is(200, "2:40");
    }
}

#[tokio::test]
async fn the_last_seats_are_those_of_devices_that_have_few() {
    let bus = small(4).await;
    let (greedy, modest) = (bus.listener().await, bus.listener().await);
    let mut oldest = Socket::open(&bus, &greedy).await;
    let second = Polling::open(&bus, &greedy).await;
    let third = Polling::open(&bus, &greedy).await;
    let _fourth = Polling::open(&bus, &greedy).await;
    let _first_of_the_other = Polling::open(&bus, &modest).await;
    assert_eq!(oldest.text().await, None);
    let _second_of_the_other = Socket::open(&bus, &modest).await;
    while second.poll().await.status == 200 {}
    assert_eq!([shake_hands(&bus, &modest).await, shake_hands(&bus, &greedy).await], [503, 503]);
    third.post("1:2").await.is(200, "ok");
}
