//! Webhooks that lend their device's token to whoever is called.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::*;

#[tokio::test]
async fn a_call_that_lends_a_token_and_is_not_answered_in_time_is_not_made_again() {
    let egress = EgressSettings { webhook_timeout: Duration::from_millis(50), ..loopback() };
    let post = Post::open(egress).await;
    let silent = FakeApi::silent().await;
    for (lends, attempts) in [(true, 1), (false, SETTINGS.attempts)] {
        let mut entry = hook(&silent);
        entry["generateAndForwardMeshbluCredentials"] = json!(lends);
        let device = post.hooked(entry).await;
        post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
        post.until_nothing_waits().await;
        let letters = post.dead_letters().await;
        let letter = letters.iter().find(|letter| letter.delivery.device.as_str() == device.uuid).unwrap();
        assert_eq!((letter.reason.as_str(), letter.attempts), ("timeout", attempts));
    }
}

#[tokio::test]
async fn a_call_that_lends_a_token_and_finds_nobody_is_made_again() {
    let limits = (Duration::from_millis(20), Duration::from_secs(60));
    let egress = EgressSettings { connect_timeout: limits.0, webhook_timeout: limits.1, ..loopback() };
    let post = Post::open(egress).await;
    // Nobody answers whoever comes while another waits to be let in.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let _waits = TcpStream::connect(address).await.unwrap();
    let entry = json!({
        "type": "webhook", "url": format!("http://{address}/in"), "method": "POST",
        "generateAndForwardMeshbluCredentials": true,
    });
    let device = post.hooked(entry).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let letter = post.first_dead_letter().await;
    assert_eq!((letter.reason.as_str(), letter.attempts), ("connect: timed out", SETTINGS.attempts));
}

/// A device whose token a receiver has in hand that does not answer.
struct Stalled {
    post: Post,
    device: Device,
    bearer: String,
    _receiver: FakeApi,
}

impl Stalled {
    async fn new() -> Self {
        let post = Post::to_loopback().await;
        let (sender, mut calls) = mpsc::unbounded_channel();
        let receiver = FakeApi::start(move |seen| {
            sender.send(seen.clone()).unwrap();
            Answer::Stall(Vec::new())
        })
        .await;
        let device = post.hooked(lending(hook(&receiver))).await;
        post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
        let bearer = calls.recv().await.unwrap().header("authorization").concat();
        Self { post, device, bearer, _receiver: receiver }
    }
}

fn lending(mut entry: Value) -> Value {
    entry["generateAndForwardMeshbluCredentials"] = json!(true);
    entry
}

/// The device has these webhooks from now on.
async fn now_has(post: &Post, device: &Device, entries: Value) {
    let update = json!({"meshblu.forwarders.message.received": entries});
    let change = post.bus.by(device, &format!("PATCH /v2/devices/{}", device.uuid));
    send(change.json(&update)).await.is(204, "");
}

/// The device has no token but the one that it began with.
async fn nothing_is_lent(post: &Post, device: &Device) {
    let tokens = send(post.bus.by(device, "POST /search/tokens")).await.json();
    assert_eq!(tokens, json!([{"uuid": device.uuid, "root": true, "metadata": {}}]));
}

#[tokio::test]
async fn credentials_that_are_forwarded_are_the_device_s_own_while_the_call_runs() {
    let Stalled { post, device, bearer, .. } = Stalled::new().await;
    let whoami = send(post.bus.anonymous("GET /v2/whoami").header("authorization", bearer)).await;
    assert_eq!(whoami.json()["uuid"], json!(device.uuid));
}

#[tokio::test]
async fn a_token_that_a_killed_process_lent_is_over_though_the_webhook_was_taken_away() {
    let Stalled { post, device, _receiver, .. } = Stalled::new().await;
    now_has(&post, &device, json!([])).await;
    let post = post.killed().await;
    assert_eq!(post.first_dead_letter().await.reason, "webhook removed");
    nothing_is_lent(&post, &device).await;
}

#[tokio::test]
async fn a_token_that_a_killed_process_lent_is_over_though_the_webhook_lent_none_before_or_since() {
    let post = Post::to_loopback().await;
    let (gate, (sender, mut calls)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    let (opened, first) = (Arc::clone(&gate), AtomicBool::new(true));
    let receiver = FakeApi::start(move |seen| {
        sender.send(seen.clone()).unwrap();
        match (first.swap(false, Ordering::SeqCst), seen.header("authorization").is_empty()) {
            (true, _) => Answer::new(503, &[], "").behind(&opened),
            (false, true) => Answer::new(200, &[], ""),
            (false, false) => Answer::Stall(Vec::new()),
        }
    })
    .await;
    let device = post.hooked(hook(&receiver)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    calls.recv().await.unwrap();
    now_has(&post, &device, json!([lending(hook(&receiver))])).await;
    gate.add_permits(1);
    assert!(!calls.recv().await.unwrap().header("authorization").is_empty());
    now_has(&post, &device, json!([hook(&receiver)])).await;
    let post = post.killed().await;
    assert!(calls.recv().await.unwrap().header("authorization").is_empty());
    post.until_nothing_waits().await;
    nothing_is_lent(&post, &device).await;
}
