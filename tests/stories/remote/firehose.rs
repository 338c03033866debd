//! Messages read off a Meshblu's firehose, from servers that behave and from others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::bus::meshblu::firehose::Pauses;
use endo::config::{Config, Intake};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::support::fake_api::Answer;
use crate::support::log;
use crate::support::meshblu::{FLOW, FakeMeshblu, RemoteGateway, SERVICE, route, say_hello, settings};

type Socket = WebSocketStream<BufReader<TcpStream>>;

const OPEN: &str = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":60000}"#;

/// What a server does with one connection.
#[derive(Clone)]
pub(super) enum Manner {
    /// Answers the request so, without a WebSocket.
    Answers(&'static str),
    /// Sends these frames, and ends the connection.
    SaysAndEnds(Vec<Message>),
    /// Greets, sends an event for each text, and answers pings.
    Behaves(Vec<Value>),
    /// Greets with terms of a second, and answers nothing.
    FallsSilent,
    /// Greets with a second between two pings, sends these events, and tells of every ping.
    Counts(Vec<Value>, mpsc::Sender<()>),
    /// Accepts, and says nothing.
    Mute,
}

/// A firehose; one manner a connection, the last for all that follow.
pub(super) struct FakeFirehose {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    connections: mpsc::Receiver<usize>,
}

impl FakeFirehose {
    pub(super) async fn start(manners: Vec<Manner>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (told, connections) = mpsc::channel(100);
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let manner = manners.get(number).or(manners.last()).unwrap().clone();
                number += 1;
                let _ = told.try_send(number);
                tokio::spawn(serve(stream, manner, Arc::clone(&seen)));
            }
        });
        Self { port, heads, connections }
    }

    /// Waits for the connection of this number, counted from 1.
    async fn connection(&mut self, number: usize) {
        while self.connections.recv().await.unwrap() < number {}
    }
}

async fn serve(stream: TcpStream, manner: Manner, heads: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        stream.read_line(&mut head).await.ok().filter(|length| *length > 0)?;
    }
    heads.lock().unwrap().push(head.clone());
    if let Manner::Answers(text) = manner {
        return stream.write_all(text.as_bytes()).await.ok();
    }
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: "))?;
    let accept = STANDARD.encode(
        Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize(),
    );
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    speak(WebSocketStream::from_raw_socket(stream, Role::Server, None).await, manner).await
}

async fn speak(mut socket: Socket, manner: Manner) -> Option<()> {
    let pings = match &manner {
        Manner::Counts(_, pings) => Some(pings.clone()),
        _ => None,
    };
    let (frames, goes_on) = match manner {
        Manner::SaysAndEnds(frames) => (frames, false),
        Manner::FallsSilent => {
            let open = OPEN.replace("25000", "1000").replace("60000", "1000");
            (vec![Message::text(open), Message::text("40")], true)
        }
        Manner::Behaves(events) => {
            let events = events.into_iter().map(|event| Message::text(format!("42{event}")));
            ([Message::text(OPEN), Message::text("40")].into_iter().chain(events).collect(), true)
        }
        Manner::Counts(events, _) => {
            let open = OPEN.replace("25000", "1000");
            let events = events.into_iter().map(|event| Message::text(format!("42{event}")));
            ([Message::text(open), Message::text("40")].into_iter().chain(events).collect(), true)
        }
        Manner::Mute => (Vec::new(), true),
        Manner::Answers(_) => (Vec::new(), false),
    };
    for frame in frames {
        socket.send(frame).await.ok()?;
    }
    while goes_on && let Ok(frame) = socket.next().await? {
        if let (Some(pings), true) = (&pings, frame == Message::text("2")) {
            socket.send(Message::text("3")).await.ok()?;
            pings.send(()).await.ok()?;
        }
    }
    Some(())
}

pub(super) fn event(body: &str) -> Value {
    let route: Value = serde_json::from_str(&route()).unwrap();
    json!(["message", {"metadata": {"responseId": "r", "route": route}, "rawData": body}])
}

/// A gateway whose calls go to a stand-in, and whose firehose is this one: both stand behind one address.
async fn gateway(meshblu: &FakeMeshblu, firehose: &FakeFirehose) -> (RemoteGateway, TempDir) {
    gateway_with(meshblu, firehose, |_| ()).await
}

/// The same, with some settings changed.
pub(super) async fn gateway_with(
    meshblu: &FakeMeshblu,
    firehose: &FakeFirehose,
    change: impl FnOnce(&mut Config),
) -> (RemoteGateway, TempDir) {
    let front = front(meshblu, firehose).await;
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &front);
    settings.bus.intake = Intake::Firehose;
    change(&mut settings);
    (RemoteGateway::with(settings).await.unwrap(), directory)
}

/// Passes connections on: those that begin with the firehose's path to that, all others to the stand-in.
pub(super) async fn front(meshblu: &FakeMeshblu, firehose: &FakeFirehose) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let others = meshblu.url().trim_start_matches("http://").to_owned();
    let firehose = format!("127.0.0.1:{}", firehose.port);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (others, firehose) = (others.clone(), firehose.clone());
            tokio::spawn(async move {
                let mut first = [0; 14];
                while stream.peek(&mut first).await.is_ok_and(|length| length > 0 && length < first.len()) {}
                let target = if &first == b"GET /socket.io" { firehose } else { others };
                let mut target = TcpStream::connect(target).await.ok()?;
                tokio::io::copy_bidirectional(&mut stream, &mut target).await.ok()
            });
        }
    });
    url
}

pub(super) async fn until(mut done: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(2));
    while !done().await {
        ticks.tick().await;
    }
}

async fn is_ready(gateway: &RemoteGateway) -> bool {
    let url = format!("http://{}/readyz", gateway.running.gateway());
    reqwest::get(url).await.unwrap().status() == 200
}

#[tokio::test]
async fn a_message_of_the_firehose_is_answered_and_the_token_is_in_no_address() {
    let meshblu = FakeMeshblu::start().await;
    let firehose = FakeFirehose::start(vec![Manner::Behaves(vec![event(&say_hello().to_string())])]).await;
    let (gateway, _directory) = gateway(&meshblu, &firehose).await;
    until(async || !meshblu.messages().is_empty()).await;
    assert_eq!(meshblu.messages()[0]["data"], json!({"hello": "Ada"}));
    until(async || is_ready(&gateway).await).await;
    let head = firehose.heads.lock().unwrap()[0].clone();
    let (line, fields) = head.split_once("\r\n").unwrap();
    assert_eq!(
        line,
        format!("GET /socket.io/v1/{SERVICE}/?uuid={SERVICE}&EIO=3&transport=websocket HTTP/1.1")
    );
    assert!(fields.contains("x-meshblu-token: service-token-0001"), "{fields}");
    assert_eq!(gateway.webhook(&say_hello()).await.status, 404, "webhooks are not taken beside it");
}

#[tokio::test]
async fn a_link_that_ends_or_was_never_good_is_made_again() {
    log::capture();
    let text = |text: &str| Message::text(text.to_owned());
    let bad = vec![
        Manner::Answers("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"),
        Manner::Answers("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"),
        Manner::Answers("HTTP/1.1 400 Bad Request\r\ncontent-length: 13\r\n\r\n{\"code\":null}"),
        Manner::Answers(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        ),
        Manner::SaysAndEnds(Vec::new()),
        Manner::SaysAndEnds(vec![text("40"), text(OPEN)]),
        Manner::SaysAndEnds(vec![text(OPEN), text("42[\"message\",{}]")]),
        Manner::SaysAndEnds(vec![text("garbage"), text("")]),
        Manner::SaysAndEnds(vec![text("0{\"pingInterval\":\"soon\"}")]),
        Manner::SaysAndEnds(vec![text(OPEN), text("40"), text(OPEN)]),
        Manner::SaysAndEnds(vec![text(OPEN), text("40"), Message::binary(vec![4, 2]), text("41")]),
        Manner::SaysAndEnds(vec![text(OPEN), text("40"), text("1")]),
    ];
    // One at a time, so that no pause grows.
    for (number, manner) in bad.into_iter().enumerate() {
        let meshblu = FakeMeshblu::start().await;
        let good = Manner::Behaves(vec![event(&say_hello().to_string())]);
        let mut firehose = FakeFirehose::start(vec![manner, good]).await;
        let (gateway, _directory) = gateway(&meshblu, &firehose).await;
        firehose.connection(2).await;
        until(async || !meshblu.messages().is_empty()).await;
        assert!(is_ready(&gateway).await, "after the manner {number}");
    }
    assert!(log::lines_with("service-token-0001").is_empty(), "the token is in the log");
}

#[tokio::test]
async fn a_server_that_answers_no_ping_is_left() {
    let meshblu = FakeMeshblu::start().await;
    let good = Manner::Behaves(vec![event(&say_hello().to_string())]);
    let mut firehose = FakeFirehose::start(vec![Manner::FallsSilent, good]).await;
    let (_gateway, _directory) = gateway(&meshblu, &firehose).await;
    firehose.connection(2).await;
    until(async || !meshblu.messages().is_empty()).await;
}

#[tokio::test]
async fn a_gateway_that_takes_no_more_pings_all_the_same() {
    let meshblu = FakeMeshblu::start().await;
    let gate = Arc::new(Semaphore::new(0));
    meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
    let (told, mut pings) = mpsc::channel(1);
    let events = vec![event(&say_hello().to_string()); 6];
    let firehose = FakeFirehose::start(vec![Manner::Counts(events, told)]).await;
    let (gateway, _directory) = gateway_with(&meshblu, &firehose, |settings| {
        settings.jobs.concurrency = 1;
        settings.bus.timeout_seconds = 60;
    })
    .await;
    for _ in 0..2 {
        pings.recv().await.unwrap();
    }
    assert_eq!(meshblu.messages().len(), 1, "one message is worked on, the others wait");
    gate.add_permits(6);
    until(async || meshblu.messages().len() == 6).await;
    assert!(is_ready(&gateway).await);
    assert_eq!(firehose.heads.lock().unwrap().len(), 1, "the link stands all the while");
}

#[tokio::test]
async fn what_a_server_sent_before_it_left_is_answered_though_it_takes_no_more_pings() {
    let meshblu = FakeMeshblu::start().await;
    let gate = Arc::new(Semaphore::new(0));
    meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
    let open = Message::text(OPEN.replace("25000", "1000"));
    let events = vec![Message::text(format!("42{}", event(&say_hello().to_string()))); 6];
    let leaves = Manner::SaysAndEnds([vec![open, Message::text("40")], events].concat());
    let firehose = FakeFirehose::start(vec![leaves, Manner::Behaves(Vec::new())]).await;
    let (_gateway, _directory) = gateway_with(&meshblu, &firehose, |settings| {
        settings.jobs.concurrency = 1;
        settings.bus.timeout_seconds = 60;
    })
    .await;
    let (told, mut pings) = mpsc::channel(1);
    let goes_on = FakeFirehose::start(vec![Manner::Counts(Vec::new(), told)]).await;
    let (_other, _beside) = gateway(&FakeMeshblu::start().await, &goes_on).await;
    // By then the first has been asked in vain.
    for _ in 0..6 {
        pings.recv().await.unwrap();
    }
    gate.add_permits(6);
    until(async || meshblu.messages().len() == 6).await;
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_left() {
    let meshblu = FakeMeshblu::start().await;
    let good = Manner::Behaves(vec![event(&say_hello().to_string())]);
    let mut firehose = FakeFirehose::start(vec![Manner::Mute, good]).await;
    let (gateway, _directory) = gateway(&meshblu, &firehose).await;
    firehose.connection(1).await;
    assert!(!is_ready(&gateway).await);
    firehose.connection(2).await;
    until(async || !meshblu.messages().is_empty()).await;
}

#[tokio::test]
async fn a_server_that_sends_more_than_a_bus_takes_is_left() {
    let meshblu = FakeMeshblu::start().await;
    let mut large = say_hello();
    large["padding"] = json!("x".repeat(33 << 20));
    let [large, small] =
        [large, say_hello()].map(|message| Manner::Behaves(vec![event(&message.to_string())]));
    let mut firehose = FakeFirehose::start(vec![large, small]).await;
    let (_gateway, _directory) = gateway(&meshblu, &firehose).await;
    firehose.connection(2).await;
    until(async || !meshblu.messages().is_empty()).await;
    assert_eq!(meshblu.messages().len(), 1);
}

#[tokio::test]
async fn the_largest_message_that_a_bus_takes_does_not_end_the_link() {
    let meshblu = FakeMeshblu::start().await;
    let mut large = say_hello();
    large["padding"] = json!("\"".repeat(9_900_000 / 2));
    let firehose = FakeFirehose::start(vec![Manner::Behaves(vec![event(&large.to_string())])]).await;
    let (gateway, _directory) = gateway(&meshblu, &firehose).await;
    until(async || !meshblu.messages().is_empty()).await;
    assert!(is_ready(&gateway).await);
}

/// A Meshblu that accepts and ends at once is left alone as one that does not accept.
#[test]
fn the_pauses_grow_until_a_link_stood_for_a_while() {
    let (mut pauses, second) = (Pauses::default(), Duration::from_secs(1));
    let limits: Vec<_> = (0..8).map(|_| pauses.after(Some(second)).as_secs_f32()).collect();
    assert_eq!(limits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
    assert_eq!(pauses.after(None), 30 * second);
    assert_eq!(pauses.after(Some(30 * second)), second / 2);
    assert_eq!(pauses.after(None), second);
}

#[tokio::test]
async fn every_change_of_the_cause_is_logged_and_no_attempt_by_itself() {
    log::capture();
    let teapot = Manner::Answers("HTTP/1.1 418 No\r\ncontent-length: 0\r\n\r\n");
    let legal = Manner::Answers("HTTP/1.1 451 No\r\ncontent-length: 0\r\n\r\n");
    let meshblu = FakeMeshblu::start().await;
    let good = Manner::Behaves(Vec::new());
    let mut firehose = FakeFirehose::start(vec![teapot.clone(), teapot, legal, good]).await;
    let (gateway, _directory) = gateway(&meshblu, &firehose).await;
    firehose.connection(4).await;
    until(async || is_ready(&gateway).await).await;
    for status in ["418", "451"] {
        let told = format!("the server does not switch protocols: status {status}");
        assert_eq!(log::lines_with(&told).len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_link_that_goes_down_again_and_again_is_logged_every_time() {
    log::capture();
    let meshblu = FakeMeshblu::start().await;
    let flaps = Manner::SaysAndEnds(vec![Message::text(OPEN), Message::text("40"), Message::text("41")]);
    let good = Manner::Behaves(Vec::new());
    let mut firehose = FakeFirehose::start(vec![flaps.clone(), flaps, good]).await;
    let mut url = String::new();
    let (gateway, _directory) =
        gateway_with(&meshblu, &firehose, |settings| url.clone_from(&settings.bus.url)).await;
    firehose.connection(3).await;
    until(async || is_ready(&gateway).await).await;
    let told = log::lines_with("the firehose is down");
    assert_eq!(told.iter().filter(|line| line.contains(&url)).count(), 2, "{told:?}");
}

#[tokio::test]
async fn what_is_no_message_is_passed_over_and_told_of_once_a_connection() {
    log::capture();
    let meshblu = FakeMeshblu::start().await;
    let mut configured = event("{}");
    configured[1]["metadata"]["route"] = json!([{"from": "a", "to": SERVICE, "type": "configure.received"}]);
    let events = vec![
        json!(["identify", {}]),
        json!("message"),
        event("not JSON"),
        event("[1]"),
        configured,
        json!(["message", {"metadata": {"route": null}, "rawData": "{}"}]),
        json!(["message", {"metadata": {"route": []}, "rawData": "{}"}]),
        event(&say_hello().to_string()),
    ];
    let firehose = FakeFirehose::start(vec![Manner::Behaves(events)]).await;
    let (gateway, _directory) = gateway(&meshblu, &firehose).await;
    until(async || !meshblu.messages().is_empty()).await;
    assert_eq!(meshblu.messages().len(), 1);
    assert!(gateway.dead_letters().await.is_empty());
    assert_eq!(log::lines_with("an event of the firehose cannot be read").len(), 1);
}

#[tokio::test]
async fn whoever_sent_a_message_over_ten_thousand_hops_of_the_firehose_is_told_so() {
    let meshblu = FakeMeshblu::start().await;
    let mut long = event(&say_hello().to_string());
    let hops = long[1]["metadata"]["route"].as_array_mut().unwrap();
    hops.splice(1..1, vec![json!({"from": "b", "to": "c", "type": "message.received"}); 9996]);
    let events = vec![long, event(&say_hello().to_string())];
    let firehose = FakeFirehose::start(vec![Manner::Behaves(events)]).await;
    let (gateway, _directory) = gateway(&meshblu, &firehose).await;
    until(async || meshblu.messages().len() == 2).await;
    let (told, done): (Vec<_>, Vec<_>) =
        meshblu.messages().into_iter().partition(|message| message["metadata"]["code"] == 431);
    assert_eq!((&told[0]["devices"], &told[0]["metadata"]["to"]), (&json!([FLOW]), &json!({"nodeId": "n1"})));
    assert_eq!(told[0]["metadata"]["error"]["message"], "The message came by too long a route");
    assert_eq!(done[0]["data"], json!({"hello": "Ada"}), "the link goes on");
    assert!(is_ready(&gateway).await);
}

#[tokio::test]
async fn a_gateway_is_not_ready_while_the_link_is_down() {
    let meshblu = FakeMeshblu::start().await;
    let refusing = Manner::Answers("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    let mut firehose = FakeFirehose::start(vec![refusing]).await;
    let (gateway, _directory) = gateway(&meshblu, &firehose).await;
    firehose.connection(2).await;
    let url = format!("http://{}/readyz", gateway.running.gateway());
    let answer: Value =
        serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(
        answer["checks"][1],
        json!({"name": "firehose", "ok": false, "detail": format!(
            "the link to the Meshblu is down: the connection failed: the server does not switch protocols: status 503"
        )})
    );
    let stopped = gateway.stop();
    stopped.await;
}
