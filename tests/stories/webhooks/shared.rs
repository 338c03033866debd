//! What one message brings to many webhooks is kept once.

use rusqlite::Connection;

use super::delivering::replay;
use super::*;

/// A device that hears itself and has these entries among its webhooks for what it receives.
async fn hooked_by(bus: &TestBus, entries: Vec<Value>) -> Device {
    let meshblu = json!({
        "version": "2.0.0",
        "whitelists": {"message": {"from": [{"uuid": "*"}], "received": [{"uuid": "*"}]}},
        "forwarders": {"message": {"received": entries}},
    });
    let device = bus.register(json!({"meshblu": meshblu})).await;
    bus.subscribe(&device, &device, "message.received").await;
    device
}

async fn tell(bus: &TestBus, device: &Device, payload: &str) {
    let body = json!({"devices": [device.uuid], "payload": payload});
    let sender = bus.device(json!({})).await;
    send(bus.by(&sender, "POST /messages").json(&body)).await.is(204, "");
}

fn database(bus: &TestBus) -> Connection {
    Connection::open(bus.directory.path().join("endo.db")).unwrap()
}

fn bodies(bus: &TestBus) -> i64 {
    database(bus).query_row("SELECT count(*) FROM bodies", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn large_messages_to_many_webhooks_that_do_not_answer_take_little_more_than_their_own_size() {
    let bus = TestBus::open().await;
    let entries = || (0..20).map(|n| json!({"type": "webhook", "url": format!("http://h.example/{n}")}));
    let device = hooked_by(&bus, entries().collect()).await;
    let follower = hooked_by(&bus, entries().collect()).await;
    bus.subscribe(&follower, &device, "message.received").await;
    for n in 0..20 {
        tell(&bus, &device, &format!("{n}{}", "x".repeat(400_000))).await;
    }
    let waiting = store::waiting(bus.bus.store(), Work::Webhook).await;
    let bytes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let bytes: i64 = database(&bus).query_row(bytes, [], |row| row.get(0)).unwrap();
    assert_eq!((waiting, bodies(&bus)), (20 * 40, 20));
    assert!((8_000_000..12_000_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn every_webhook_gets_the_whole_of_it_and_it_is_kept_until_nobody_needs_it() {
    let post = Post::to_loopback().await;
    let (taking, mut taken) = server(&[200]).await;
    let (failing, mut failed) = server(&[503, 503, 503, 200]).await;
    let device = hooked_by(&post.bus, vec![hook(&taking), hook(&failing)]).await;
    let payload = "x".repeat(5000);
    tell(&post.bus, &device, &payload).await;
    let letter = post.first_dead_letter().await;
    post.until_nothing_waits().await;
    let first = taken.recv().await.unwrap();
    let body: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(body["payload"], json!(payload));
    for _ in 0..3 {
        assert_eq!(failed.recv().await.unwrap().body, first.body);
    }
    assert_eq!((letter.delivery.body.as_bytes(), bodies(&post.bus)), (&first.body[..], 1));
    replay(&post, letter.delivery.id).await;
    assert_eq!(failed.recv().await.unwrap().body, first.body);
    post.until_nothing_waits().await;
    assert_eq!(bodies(&post.bus), 0);
    tell(&post.bus, &device, "small").await;
    failed.recv().await.unwrap();
    assert_eq!(bodies(&post.bus), 0);
}

#[tokio::test]
async fn what_a_dead_letter_shares_goes_when_it_is_forgotten() {
    let post = Post::to_loopback().await;
    // Two addresses, for one that fails as often as both do is left alone for a while.
    let ((one, _), (another, _)) = (server(&[503]).await, server(&[503]).await);
    let device = hooked_by(&post.bus, vec![hook(&one), hook(&another)]).await;
    tell(&post.bus, &device, &"x".repeat(5000)).await;
    while post.dead_letters().await.len() < 2 {}
    assert_eq!(bodies(&post.bus), 1);
    post.bus.bus.store().forget_old(endo::ambient::Timestamp::from_millis(i64::MAX), 0).await.unwrap();
    assert_eq!(bodies(&post.bus), 0);
}
