//! Where many are connected: who goes, and who stays.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, HttpServer, web};
use endo::bus::embedded::api::ApiLimits;
use endo::connection::attend;
use endo::http::Limits;
use reqwest::Response;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::firehose::wire::{Polling, Socket};
use crate::front_door::{House, healthy, is_answered, rest};
use crate::support::bus::{Device, TestBus, WithJson, send};

/// So many places that six connections may be there, and whoever comes then has one of them go.
const PLACES: usize = 8;
const STAY: usize = 6;

/// The front door and the bus's API.
struct Doors {
    house: House,
    bus: TestBus,
}

impl Doors {
    async fn open() -> Self {
        let mut limits = Limits::default();
        (limits.terms.connections, limits.terms.workers) = (PLACES, 1);
        Self { house: House::with(healthy(), limits), bus: small().await }
    }

    /// The address of each, and where it takes a body.
    fn each(&self) -> [(SocketAddr, &str); 2] {
        [(self.house.address, "/v2/messages"), (self.bus.address, "/devices")]
    }
}

async fn small() -> TestBus {
    TestBus::with(of(PLACES), None).await
}

/// A bus of so many places.
fn of(places: usize) -> ApiLimits {
    let mut limits = ApiLimits::default();
    (limits.terms.connections, limits.terms.workers) = (places, 1);
    limits
}

async fn saying(address: SocketAddr, words: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(words.as_bytes()).await.unwrap();
    socket
}

/// Connections that were answered once and say nothing more, one after the other.
async fn idle(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut idle = Vec::new();
    for _ in 0..count {
        let mut socket = saying(address, "").await;
        // Each was taken before the next one comes.
        is_answered(&mut socket).await;
        idle.push(socket);
    }
    idle
}

async fn is_ended(socket: &mut TcpStream) {
    assert_eq!(rest(socket).await, "");
}

#[tokio::test]
async fn whoever_waits_longest_for_nothing_goes() {
    let doors = Doors::open().await;
    for (door, _) in doors.each() {
        let mut idle = idle(door, 2 * STAY).await;
        for socket in &mut idle[..STAY] {
            is_ended(socket).await;
        }
        for socket in &mut idle[STAY..] {
            is_answered(socket).await;
        }
    }
}

#[tokio::test]
async fn whoever_was_answered_again_has_not_waited_longest() {
    let doors = Doors::open().await;
    for (door, _) in doors.each() {
        let mut before = idle(door, STAY).await;
        is_answered(&mut before[0]).await;
        let _after = idle(door, STAY - 1).await;
        for socket in &mut before[1..] {
            is_ended(socket).await;
        }
        is_answered(&mut before[0]).await;
    }
}

#[tokio::test]
async fn a_request_that_does_not_come_whole_is_no_reason_to_stay() {
    let doors = Doors::open().await;
    for (door, path) in doors.each() {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n");
        for half in [head.as_str(), &format!("{head}abc"), "GET /healthcheck HTT"] {
            let mut halves = Vec::new();
            for _ in 0..STAY {
                halves.push(saying(door, half).await);
            }
            let mut idle = idle(door, STAY).await;
            for socket in &mut halves {
                is_ended(socket).await;
            }
            for socket in &mut idle {
                is_answered(socket).await;
            }
        }
    }
}

/// The head of what is answered at a server that could not begin to watch its connections.
async fn head_unwatched(path: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app = || {
        let upgrade =
            web::get().to(async || HttpResponse::SwitchingProtocols().upgrade("websocket").finish());
        let other = web::get().to(HttpResponse::Ok);
        App::new().wrap(from_fn(attend)).route("/upgrade", upgrade).route("/other", other)
    };
    let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    let running = tokio::spawn(server);
    let asked =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    let mut socket = saying(address, &asked).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    handle.stop(false).await;
    running.await.unwrap().unwrap();
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn who_cannot_be_watched_is_answered_once_but_keeps_a_websocket() {
    assert!(head_unwatched("/other").await.contains("connection: close"));
    let upgraded = head_unwatched("/upgrade").await;
    assert!(upgraded.contains("connection: upgrade"), "{upgraded}");
}

/// Some who read along.
async fn streams(bus: &TestBus, count: usize) -> Vec<Response> {
    let device = bus.listener().await;
    let path = format!("GET /subscribe/{}/received", device.uuid);
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(bus.by(&device, &path).send().await.unwrap());
    }
    streams
}

#[tokio::test]
async fn whoever_comes_while_most_are_busy_is_let_in_and_nobody_goes_for_it() {
    let bus = TestBus::with(of(2 * PLACES), None).await;
    let _busy = streams(&bus, 2 * STAY).await;
    for socket in &mut idle(bus.address, 2 * (PLACES - STAY) - 1).await {
        is_answered(socket).await;
    }
}

#[tokio::test]
async fn a_body_that_goes_on_stays() {
    let bus = small().await;
    let piece = "x".repeat(64 << 10);
    let length = 2 * piece.len();
    let head = format!("POST /devices HTTP/1.0\r\ncontent-length: {length}\r\n\r\n");
    let mut uploading = saying(bus.address, &head).await;
    let mut before = idle(bus.address, STAY - 1).await;
    uploading.write_all(piece.as_bytes()).await.unwrap();
    // What was there to read before this has been read.
    is_answered(&mut before[STAY - 2]).await;
    let _after = idle(bus.address, STAY - 2).await;
    is_ended(&mut before[0]).await;
    uploading.write_all(piece.as_bytes()).await.unwrap();
    assert!(rest(&mut uploading).await.starts_with("HTTP/1.0 400 "));
}

#[tokio::test]
async fn a_websocket_that_is_over_stays_only_while_there_is_room() {
    let mut limits = of(PLACES);
    limits.terms.disconnect_within = Duration::from_secs(3600);
    let bus = TestBus::with(limits, None).await;
    let device = bus.listener().await;
    let session = Polling::open(&bus, &device).await;
    let mut opened = Vec::new();
    for _ in 0..2 * PLACES {
        opened.push(session.websocket().await);
    }
    let _idle = idle(bus.address, STAY).await;
}

/// A caller with little room for what it does not read.
async fn asking(address: SocketAddr, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut socket = socket.connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

const LARGE: usize = 9_000_000;

/// One who has read the first byte of a large answer.
async fn reading(bus: &TestBus) -> TcpStream {
    reading_as(bus, &large(bus).await).await
}

async fn large(bus: &TestBus) -> Device {
    bus.register(json!({"large": "x".repeat(LARGE)})).await
}

async fn reading_as(bus: &TestBus, device: &Device) -> TcpStream {
    let (uuid, token) = (&device.uuid, &device.token);
    let shown = format!("meshblu_auth_uuid: {uuid}\r\nmeshblu_auth_token: {token}");
    let request = format!("GET /v2/devices/{uuid} HTTP/1.0\r\n{shown}\r\n\r\n");
    let mut socket = asking(bus.address, &request).await;
    assert_eq!(socket.read_u8().await.unwrap(), b'H');
    socket
}

async fn wait_until_who_says_nothing_is_ended(bus: &TestBus) {
    let mut nothing = saying(bus.address, "").await;
    is_answered(&mut nothing).await;
    nothing.write_all(b"GET /healthcheck HTT").await.unwrap();
    is_ended(&mut nothing).await;
}

#[tokio::test]
async fn whoever_reads_a_large_answer_stays() {
    let bus = small().await;
    let mut reading = reading(&bus).await;
    let mut idle = idle(bus.address, 3 * STAY).await;
    is_ended(&mut idle[0]).await;
    assert!(rest(&mut reading).await.len() > LARGE);
}

#[tokio::test]
async fn whoever_reads_slowly_stays_for_longer_than_one_may_say_nothing() {
    let bus = TestBus::with(impatient(), None).await;
    let mut reading = reading(&bus).await;
    wait_until_who_says_nothing_is_ended(&bus).await;
    assert!(rest(&mut reading).await.len() > LARGE);
}

#[tokio::test]
async fn whoever_never_reads_its_answer_does_not_stay_for_ever() {
    let bus = TestBus::with(impatient(), None).await;
    let mut reading = reading(&bus).await;
    for _ in 0..3 {
        wait_until_who_says_nothing_is_ended(&bus).await;
    }
    assert!(rest(&mut reading).await.len() < LARGE);
}

#[tokio::test]
async fn whoever_hangs_up_on_its_answer_leaves_its_place_to_others() {
    let bus = small().await;
    let device = large(&bus).await;
    for _ in 0..=PLACES {
        drop(reading_as(&bus, &device).await);
    }
    let mut next = saying(bus.address, "").await;
    is_answered(&mut next).await;
}

/// One who reads along, one who has a websocket, and one who polls.
struct Hearing<'a> {
    bus: &'a TestBus,
    device: Device,
    along: Response,
    socket: Socket,
    /// Its session holds it.
    poll: TcpStream,
}

/// A poll that its session holds: of two it ends the one that came first.
async fn held_poll(bus: &TestBus, device: &Device) -> TcpStream {
    let request = Polling::open(bus, device).await.request();
    let (mut one, mut other) = (saying(bus.address, &request).await, saying(bus.address, &request).await);
    let held = tokio::select! {
        ended = one.read_u8() => ended.map(|_| other),
        ended = other.read_u8() => ended.map(|_| one),
    };
    held.unwrap()
}

impl<'a> Hearing<'a> {
    async fn begin(bus: &'a TestBus) -> Self {
        let device = bus.listener().await;
        let along = bus.by(&device, &format!("GET /subscribe/{}/received", device.uuid));
        let along = along.send().await.unwrap();
        let socket = Socket::open(bus, &device).await;
        let poll = held_poll(bus, &device).await;
        Self { bus, device, along, socket, poll }
    }

    async fn all_hear(mut self) {
        let message = json!({"devices": [self.device.uuid], "payload": "heard"});
        send(self.bus.by(&self.device, "POST /messages").json(&message)).await.is(204, "");
        let line = self.along.chunk().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&line).contains("heard"));
        assert!(self.socket.event().await.to_string().contains("heard"));
        let mut answer = Vec::new();
        while !answer.ends_with(b"heard") {
            answer.push(self.poll.read_u8().await.unwrap());
        }
    }
}

#[tokio::test]
async fn whoever_hears_what_arrives_at_a_device_stays() {
    let bus = small().await;
    let hearing = Hearing::begin(&bus).await;
    let mut idle = idle(bus.address, 3 * STAY).await;
    is_ended(&mut idle[0]).await;
    hearing.all_hear().await;
}

fn impatient() -> ApiLimits {
    let second = Duration::from_secs(1);
    let mut limits = ApiLimits::default();
    (limits.terms.request_within, limits.terms.keep_alive) = (second, second);
    limits
}

#[tokio::test]
async fn whoever_hears_stays_for_longer_than_one_may_say_nothing() {
    let bus = TestBus::with(impatient(), None).await;
    let hearing = Hearing::begin(&bus).await;
    wait_until_who_says_nothing_is_ended(&bus).await;
    hearing.all_hear().await;
}
