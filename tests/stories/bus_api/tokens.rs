//! Tokens over HTTP: made, listed, revoked, and never seen again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::{Clock, Random, Stopwatch};
use endo::bus::Login;
use endo::bus::embedded::{Caller, EmbeddedBus, Ground};
use endo::message::DeviceUuid;
use endo::store::Transaction;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::bus::{Answer, Device, TestBus, WithJson, send};
use crate::support::keys::signers;

async fn make(bus: &TestBus, device: &Device, metadata: &Value) -> (Answer, Device) {
    let call = format!("POST /devices/{}/tokens", device.uuid);
    let answer = send(bus.by(device, &call).json(metadata)).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    (answer, Device { uuid: device.uuid.clone(), token })
}

async fn works(bus: &TestBus, device: &Device) -> bool {
    send(bus.by(device, "POST /authenticate")).await.status == 204
}

#[tokio::test]
async fn a_session_token_is_answered_with_its_metadata_which_cannot_replace_it() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let metadata = json!({"tag": "t", "token": "forged", "uuid": "forged", "error": "x"});
    let (answer, session) = make(&bus, &device, &metadata).await;
    assert_eq!(answer.status, 201);
    let expected = json!({"tag": "t", "token": session.token, "uuid": device.uuid});
    assert_eq!(answer.json(), expected);
    assert!(session.token != "forged" && works(&bus, &session).await);
    let empty = bus.by(&device, &format!("POST /devices/{}/tokens", device.uuid));
    let answer = send(empty.header("content-length", "0")).await;
    assert_eq!((answer.status.as_u16(), answer.json().as_object().unwrap().len()), (201, 2));
}

#[tokio::test]
async fn a_reset_ends_the_old_root_token_at_once_and_no_other() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let (_, session) = make(&bus, &device, &json!({})).await;
    assert!(works(&bus, &device).await);
    let answer = send(bus.by(&device, &format!("POST /devices/{}/token", device.uuid))).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    answer.is(200, &json!({"uuid": device.uuid, "token": token}).to_string());
    assert!(!works(&bus, &device).await);
    assert!(works(&bus, &session).await);
    assert!(works(&bus, &Device { token, ..device }).await);
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_revoking_again_is_no_error() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let (_, session) = make(&bus, &device, &json!({})).await;
    assert!(works(&bus, &session).await);
    let call = format!("DELETE /devices/{}/tokens/{}", device.uuid, session.token);
    send(bus.by(&device, &call)).await.is(204, "");
    send(bus.by(&device, &call)).await.is(204, "");
    assert!(!works(&bus, &session).await);
}

#[tokio::test]
async fn very_many_tokens_are_revoked_piece_by_piece() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let (_, oldest) = make(&bus, &device, &json!({"tag": "old"})).await;
    let mut made = Vec::new();
    for _ in 0..40 {
        made.push(make(&bus, &device, &json!({"tag": "x", "large": "x".repeat(31 << 10)})).await.1);
    }
    let uuid = DeviceUuid::from(device.uuid.as_str());
    let first_piece = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        let caller = Caller::itself(uuid.clone());
        let wanted = vec![("tag".to_owned(), "old".to_owned())];
        bus.changing(transaction, &caller).revoke_marked(&uuid, wanted)
    };
    assert!(bus.bus.change(first_piece).await.unwrap().is_some());
    assert!(works(&bus, &oldest).await);
    let newest = made.last().unwrap();
    let call = |query: &str| format!("DELETE /devices/{}/tokens{query}", device.uuid);
    send(bus.by(newest, &call("?tag=old"))).await.is(204, "");
    assert!(!works(&bus, &oldest).await && works(&bus, newest).await);
    send(bus.by(newest, &call("?tag=x"))).await.is(204, "");
    for token in &made {
        assert!(!works(&bus, token).await);
    }
    assert!(works(&bus, &device).await);
}

fn login(device: &Device) -> Login {
    Login { uuid: device.uuid.as_str().into(), token: device.token.clone().into() }
}

/// How many tokens of `device` are kept.
fn kept(bus: &TestBus, device: &Device) -> u32 {
    let connection = rusqlite::Connection::open(bus.directory.path().join("endo.db")).unwrap();
    let sql = "SELECT count(*) FROM tokens WHERE uuid = ?1";
    connection.query_row(sql, [&device.uuid], |row| row.get(0)).unwrap()
}

/// Opens the bus of this store once more, as the next process does.
async fn open_again(bus: &TestBus) {
    let (clock, random, stopwatch) = (Clock::system(), Random::system(), Stopwatch::of_threads());
    let store = bus.bus.store().clone();
    EmbeddedBus::open(Ground { store, clock, random, stopwatch, signers: signers() }).await.unwrap();
}

/// A device with more tokens than one piece of work, and those but the root token.
async fn with_very_many_tokens(bus: &TestBus) -> (Device, Vec<Device>) {
    let device = bus.device(json!({})).await;
    let mut made = Vec::new();
    for _ in 0..60 {
        made.push(make(bus, &device, &json!({"tag": "x", "large": "x".repeat(31 << 10)})).await.1);
    }
    (device, made)
}

#[tokio::test]
async fn a_revocation_that_was_begun_is_done_to_its_end_whoever_hangs_up() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let mut made = Vec::new();
    for _ in 0..200 {
        made.push(make(&bus, &device, &json!({"tag": "x", "large": "x".repeat(31 << 10)})).await.1);
    }
    let mut caller = TcpStream::connect(bus.address).await.unwrap();
    let login = STANDARD.encode(format!("{}:{}", device.uuid, device.token));
    let call = format!(
        "DELETE /devices/{}/tokens?tag=x HTTP/1.1\r\nhost: bus\r\nauthorization: Basic {login}\r\n\r\n",
        device.uuid
    );
    caller.write_all(call.as_bytes()).await.unwrap();
    while kept(&bus, &device) == 201 {
        tokio::task::yield_now().await;
    }
    caller.set_zero_linger().unwrap();
    drop(caller);
    while kept(&bus, &device) > 1 {
        tokio::task::yield_now().await;
    }
    assert!(works(&bus, &device).await && !works(&bus, &made[0]).await);
}

#[tokio::test]
async fn a_device_with_very_many_tokens_is_removed_piece_by_piece_and_none_of_them_works_meanwhile() {
    let bus = TestBus::open().await;
    let (device, made) = with_very_many_tokens(&bus).await;
    let id = bus.bus.sign_in(login(&made[59]), None).await.unwrap();
    let uuid = DeviceUuid::from(device.uuid.as_str());
    let first_piece = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        bus.changing(transaction, &Caller::itself(uuid.clone())).unregister(&uuid)
    };
    bus.bus.change(first_piece).await.unwrap();
    assert!((1..60).contains(&kept(&bus, &device)));
    for token in made.iter().chain([&device]) {
        assert!(!works(&bus, token).await);
        assert!(bus.bus.sign_in(login(token), None).await.is_err());
    }
    assert!(bus.bus.look(move |bus, view| bus.signed_in(view, &id)).await.unwrap().is_none());

    open_again(&bus).await;
    assert_eq!(kept(&bus, &device), 0);
    assert!(!works(&bus, &device).await);
}

#[tokio::test]
async fn a_revocation_that_was_begun_is_done_when_a_bus_is_opened_again_that_was_killed() {
    let bus = TestBus::open().await;
    let (device, made) = with_very_many_tokens(&bus).await;
    let (_, other) = make(&bus, &device, &json!({"tag": "other"})).await;
    let uuid = DeviceUuid::from(device.uuid.as_str());
    let first_piece = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        let wanted = vec![("tag".to_owned(), "x".to_owned())];
        bus.changing(transaction, &Caller::itself(uuid.clone())).revoke_marked(&uuid, wanted)
    };
    bus.bus.change(first_piece).await.unwrap();
    assert!(works(&bus, &made[0]).await && !works(&bus, &made[59]).await);
    let (_, newer) = make(&bus, &device, &json!({"tag": "x"})).await;

    open_again(&bus).await;
    for token in &made {
        assert!(!works(&bus, token).await);
    }
    for token in [&device, &other, &newer] {
        assert!(works(&bus, token).await);
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_device_whose_removal_is_answered() {
    let bus = TestBus::open().await;
    let (device, _) = with_very_many_tokens(&bus).await;
    let other = bus.device(json!({})).await;
    let removal = send(bus.by(&device, &format!("DELETE /devices/{}", device.uuid))).await;
    assert_eq!((removal.status.as_u16(), removal.json()), (200, json!({"uuid": device.uuid})));
    assert_eq!(kept(&bus, &device), 0);
    assert!(works(&bus, &other).await);
}

#[tokio::test]
async fn tokens_are_revoked_by_their_metadata() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let (_, a) = make(&bus, &device, &json!({"tag": "a b", "other": "1"})).await;
    let (_, b) = make(&bus, &device, &json!({"tag": "b"})).await;
    let call = |query: &str| format!("DELETE /devices/{}/tokens{query}", device.uuid);
    send(bus.by(&device, &call("?tag=a%20b&other=2"))).await.is(204, "");
    assert!(works(&bus, &a).await);
    send(bus.by(&device, &call("?tag=a+b"))).await.is(204, "");
    assert!(!works(&bus, &a).await && works(&bus, &b).await);
    send(bus.by(&device, &call(""))).await.is(204, "");
    assert!(!works(&bus, &b).await && !works(&bus, &device).await);
}

#[tokio::test]
async fn a_search_lists_the_caller_s_tokens_newest_first_without_anything_secret() {
    let bus = TestBus::open().await;
    let (device, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    make(&bus, &other, &json!({"tag": "foreign"})).await;
    make(&bus, &device, &json!({"tag": "a"})).await;
    make(&bus, &device, &json!({"tag": "b"})).await;
    let search = |query: Value| bus.by(&device, "POST /search/tokens").json(&query);
    let entry = |tag: &str| json!({"uuid": device.uuid, "metadata": {"tag": tag}});
    let root = json!({"uuid": device.uuid, "root": true, "metadata": {}});
    assert_eq!(send(search(json!({}))).await.json(), json!([entry("b"), entry("a"), root]));
    assert_eq!(send(search(json!({"metadata.tag": "a"}))).await.json(), json!([entry("a")]));
    let shown = search(json!({"root": true})).header("x-meshblu-projection", r#"{"root":true}"#);
    assert_eq!(send(shown).await.json(), json!([{"uuid": device.uuid, "root": true}]));
}

#[tokio::test]
async fn only_who_may_configure_a_device_handles_its_tokens() {
    let bus = TestBus::open().await;
    let (caller, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let lent = bus.device(json!({"configure": {"update": [{"uuid": caller.uuid}]}})).await;
    for (call, allowed) in [
        ("POST /devices/{}/tokens", 201),
        ("DELETE /devices/{}/tokens/x", 204),
        ("POST /devices/{}/token", 200),
        ("DELETE /devices/{}/tokens", 204),
    ] {
        let call = |uuid: &str| call.replace("{}", uuid);
        send(bus.by(&caller, &call(&other.uuid))).await.is(403, "null");
        send(bus.by(&caller, &call("nobody"))).await.is(403, "null");
        assert_eq!(send(bus.by(&caller, &call(&lent.uuid))).await.status, allowed);
    }
    assert!(works(&bus, &other).await);
}

#[tokio::test]
async fn a_search_finds_a_token_behind_thousands_of_newer_ones() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    make(&bus, &device, &json!({"tag": "old"})).await;
    let uuid = DeviceUuid::from(device.uuid.as_str());
    let many = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        let caller = Caller::itself(uuid.clone());
        (0..1500).try_for_each(|_| {
            bus.changing(transaction, &caller).make_token(&uuid, &serde_json::Map::new()).map(drop)
        })
    };
    bus.bus.change::<()>(many).await.unwrap();
    let search = |query: Value| send(bus.by(&device, "POST /search/tokens").json(&query));
    let old = json!([{"uuid": device.uuid, "metadata": {"tag": "old"}}]);
    assert_eq!(search(json!({"metadata.tag": "old"})).await.json(), old);
    assert_eq!(search(json!({})).await.json().as_array().unwrap().len(), 1000);
}

#[tokio::test]
async fn the_metadata_of_a_token_have_a_bound() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let call = format!("POST /devices/{}/tokens", device.uuid);
    let refused = send(bus.by(&device, &call).json(&json!({"tag": "x".repeat(40_000)}))).await;
    refused.is(413, "null");
    assert!(refused.header("x-meshblu-error").unwrap().contains("at most"));
    assert_eq!(send(bus.by(&device, &call).json(&json!({"tag": "x".repeat(30_000)}))).await.status, 201);
}
