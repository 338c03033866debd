//! Messages that a client sends in several frames (RFC 6455, 5.4).

use serde_json::json;

use super::wire::{Polling, Socket, frame};
use crate::support::bus::{Device, TestBus};
use crate::support::real;

const LAST: u8 = 0x80;
const RESERVED: u8 = 0x40;
const GOES_ON: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// What one message may have, in bytes.
const MOST: usize = 64 << 10;

/// A message of these pieces, each in a frame of its own.
fn in_frames(kind: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let last = pieces.len() - 1;
    let frames = pieces.iter().enumerate().map(|(place, piece)| {
        let kind = if place == 0 { kind } else { GOES_ON };
        frame(if place == last { kind | LAST } else { kind }, piece)
    });
    frames.collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_message_may_come_in_several_frames() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let mut socket = Socket::open(&bus, &device).await;
    let half = [b'4'; MOST / 2];
    for passed_over in [
        in_frames(TEXT, &[&half, &half]),
        in_frames(TEXT, &[&half, b"", &half, b""]),
        in_frames(TEXT, &[b"4\xf0", b"\x9f\x98", b"", b"\x80"]),
        in_frames(BINARY, &[b"\x04", b"\xff\xff"]),
        in_frames(TEXT, &vec![b"4".as_slice(); 1024]),
    ] {
        socket.say_raw(&passed_over).await;
    }
    for ping in [&[b"2".as_slice(), b""][..], &[b"", b"2"], &[b"2", b"a", b"b"]] {
        socket.say_raw(&in_frames(TEXT, ping)).await;
        assert_eq!(socket.text().await.unwrap(), "3");
    }
    let bytewise = in_frames(TEXT, &[b"2", b"probe"]);
    for byte in bytewise {
        socket.say_raw(&[byte]).await;
    }
    assert_eq!(socket.text().await.unwrap(), "3");
}

#[tokio::test]
async fn control_frames_may_come_between_those_of_a_message() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let mut socket = Socket::open(&bus, &device).await;
    let (half, control) = ([b'4'; MOST / 2], [b'x'; 125]);
    let between = [frame(LAST | PING, control), frame(LAST | PONG, control), frame(LAST | PING, "")].concat();
    let ends = frame(GOES_ON | LAST, half);
    socket.say_raw(&[frame(TEXT, half), between.clone(), ends].concat()).await;
    socket.say_raw(&[frame(TEXT, "2"), between, frame(GOES_ON | LAST, "")].concat()).await;
    assert_eq!(socket.text().await.unwrap(), "3");
    socket.say_raw(&[frame(TEXT, "2"), frame(LAST | CLOSE, "")].concat()).await;
    socket.closes().await;
}

/// What breaks the rules, and the code that it is closed with.
fn broken() -> Vec<(&'static str, Vec<u8>, u16)> {
    let half = [b'4'; MOST / 2];
    let beyond = [frame(TEXT, half), frame(GOES_ON, half), frame(GOES_ON, "4")].concat();
    let head_alone = &frame(GOES_ON | LAST, [b'4'; MOST / 2 + 1])[..8];
    let announced = [&frame(TEXT, half), head_alone].concat();
    let empty = [frame(TEXT, "2"), frame(GOES_ON, "").repeat(10_000)].concat();
    vec![
        ("goes on with nothing", frame(GOES_ON | LAST, "2"), 1002),
        ("goes on with nothing, and on", frame(GOES_ON, "2"), 1002),
        ("goes on after the last", [in_frames(TEXT, &[b"4", b""]), frame(GOES_ON, "2")].concat(), 1002),
        ("a text within a text", [frame(TEXT, "2"), frame(TEXT | LAST, "2")].concat(), 1002),
        ("a beginning within a text", [frame(TEXT, "2"), frame(TEXT, "2")].concat(), 1002),
        ("bytes within a text", [frame(TEXT, "2"), frame(BINARY | LAST, "2")].concat(), 1002),
        ("a control frame that is not whole", frame(PING, "x"), 1002),
        ("the same within a text", [frame(TEXT, "2"), frame(CLOSE, "")].concat(), 1002),
        ("a reserved bit", frame(LAST | RESERVED | TEXT, "2"), 1002),
        ("a reserved bit within a text", [frame(TEXT, "2"), frame(LAST | RESERVED, "")].concat(), 1002),
        ("a reserved bit, and half of a head", vec![LAST | RESERVED | TEXT, 0xfe], 1002),
        ("a message of no known kind", frame(LAST | 3, "2"), 1002),
        ("a control frame of no known kind", frame(LAST | 11, ""), 1002),
        ("a control frame of too many", frame(LAST | PING, [0; 126]), 1002),
        (
            "the same within a text, announced",
            [frame(TEXT, "2"), vec![LAST | PONG, 0xfe, 0, 126]].concat(),
            1002,
        ),
        ("no UTF-8 in one frame", frame(LAST | TEXT, b"4\xff"), 1007),
        ("no UTF-8", in_frames(TEXT, &[b"4\xf0\x9f", b"\x98x"]), 1007),
        ("no UTF-8 at its end", in_frames(TEXT, &[b"4", b"\xf0\x9f\x98"]), 1007),
        ("one byte too many", beyond, 1009),
        ("too many announced", announced, 1009),
        ("very many empty frames", empty, 1008),
    ]
}

#[tokio::test]
async fn frames_that_make_no_message_end_their_session_alone() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let polls = Polling::open(&bus, &device).await;
    let mut stays = Socket::open(&bus, &device).await;
    for (what, frames, code) in broken() {
        let mut transport = Socket::open(&bus, &device).await;
        transport.say_raw(&frames).await;
        assert_eq!(transport.close_code().await, Some(code), "{what}");
        let mut knocking = polls.websocket().await;
        knocking.say_raw(&frames).await;
        assert_eq!(knocking.close_code().await, Some(code), "{what}");
    }
    polls.post("1:2").await.is(200, "ok");
    polls.poll().await.is(200, "1:3");
    stays.say("2").await;
    assert_eq!(stays.text().await.unwrap(), "3");
}

/// What the npm client `ws` hears after it said these pieces, each in a frame of its own.
async fn by_ws(bus: &TestBus, device: &Device, pieces: &[&str]) -> serde_json::Value {
    let Device { uuid, token } = device;
    let address = bus.address;
    let url =
        format!("ws://{address}/socket.io/v1/{uuid}/?EIO=3&transport=websocket&uuid={uuid}&token={token}");
    let input = json!({"url": url, "pieces": pieces});
    tokio::task::spawn_blocking(move || real::node("fragments.mjs", &input)).await.unwrap()
}

#[tokio::test]
async fn what_the_npm_client_sends_in_frames_is_put_together() {
    if !real::on("what_the_npm_client_sends_in_frames_is_put_together") {
        return;
    }
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    assert_eq!(by_ws(&bus, &device, &["2", "", "x"]).await["heard"][2], "3");
}
