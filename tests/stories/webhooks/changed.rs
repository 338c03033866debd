//! Webhooks that their devices take away, put back or change while something waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::Semaphore;

use super::delivering::replay;
use super::*;

/// A message in hand at a webhook that will not take it now, but once the gate is open; with the key `well` it is taken at
/// once, and not handed on.
struct InHand {
    post: Post,
    device: Device,
    api: FakeApi,
    calls: mpsc::UnboundedReceiver<Seen>,
    gate: Arc<Semaphore>,
}

impl InHand {
    async fn at(settings: WebhookSettings, entries: impl FnOnce(Value) -> Value) -> Self {
        Self::with(Clock::system(), settings, entries).await
    }

    async fn with(clock: Clock, settings: WebhookSettings, entries: impl FnOnce(Value) -> Value) -> Self {
        let post = Post::with(clock, loopback(), settings).await;
        let (gate, (sender, calls)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
        let opened = Arc::clone(&gate);
        let api = FakeApi::start(move |seen| {
            if seen.header("x-key") == ["well"] {
                return Answer::new(200, &[], "");
            }
            sender.send(seen.clone()).unwrap();
            Answer::new(503, &[], "").behind(&opened)
        })
        .await;
        let device = post.hooked(hook(&api)).await;
        let entries = entries(hook(&api));
        let mut scene = Self { post, device, api, calls, gate };
        scene.now_has(entries).await;
        let message = json!({"devices": scene.device.uuid});
        scene.post.send(&scene.post.bus.device(json!({})).await, &message).await;
        scene.calls.recv().await.unwrap();
        scene
    }

    /// The device has these webhooks from now on.
    async fn now_has(&self, entries: Value) {
        let update = json!({"meshblu.forwarders.message.received": entries});
        let call = self.post.bus.by(&self.device, &format!("PATCH /v2/devices/{}", self.device.uuid));
        send(call.json(&update)).await.is(204, "");
    }

    /// Whether its webhook was looked for in vain.
    fn is_missed(&self) -> bool {
        waiting(&self.post, "missing_since IS NOT NULL") > 0
    }
}

/// How many deliveries wait of which this holds.
fn waiting(post: &Post, holds: &str) -> u32 {
    let database = Connection::open(post.bus.directory.path().join("endo.db")).unwrap();
    let sql = format!("SELECT count(*) FROM deliveries WHERE {holds}");
    database.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn with_key(mut entry: Value, key: &str) -> Value {
    entry["headers"] = json!({"x-key": key});
    entry
}

fn with_name(mut entry: Value) -> Value {
    entry["name"] = json!("a name");
    entry
}

const WITHOUT_END: WebhookSettings = WebhookSettings { attempts: u32::MAX, ..SETTINGS };
const PATIENT: WebhookSettings = WebhookSettings { grace: Duration::from_secs(3600), ..SETTINGS };

#[tokio::test]
async fn a_webhook_that_was_taken_off_its_device_is_called_no_more() {
    for lends in [false, true] {
        let lending = |mut entry: Value| {
            entry["generateAndForwardMeshbluCredentials"] = json!(lends);
            json!([entry])
        };
        let mut scene = InHand::at(WITHOUT_END, lending).await;
        scene.now_has(json!([])).await;
        scene.gate.add_permits(1);
        let dead = scene.post.first_dead_letter().await;
        assert_eq!((dead.reason.as_str(), dead.attempts), ("webhook removed", 1));
        replay(&scene.post, dead.delivery.id).await;
        scene.post.until_nothing_waits().await;
        assert_eq!(scene.post.first_dead_letter().await.reason, "webhook removed");
        assert!(scene.calls.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_webhook_that_is_taken_away_and_put_back_gets_what_came_before() {
    // That it is looked for costs none of its attempts.
    let settings = WebhookSettings { attempts: 2, ..PATIENT };
    let mut scene = InHand::at(settings, |entry| json!([entry])).await;
    scene.now_has(json!([])).await;
    scene.gate.add_permits(1);
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while !scene.is_missed() && scene.post.dead_letters().await.is_empty() {
        ticks.tick().await;
    }
    assert!(scene.calls.try_recv().is_err());
    scene.now_has(json!([hook(&scene.api)])).await;
    scene.calls.recv().await.unwrap();
    assert!(scene.post.dead_letters().await.is_empty());
}

#[tokio::test]
async fn what_waits_for_a_webhook_goes_to_what_became_of_it() {
    let (other, mut others) = server(&[200]).await;
    let scene = InHand::at(WITHOUT_END, |entry| json!([with_name(entry)])).await;
    scene.now_has(json!([hook(&scene.api), with_name(hook(&other))])).await;
    scene.gate.add_permits(1);
    others.recv().await.unwrap();
    scene.post.until_nothing_waits().await;

    // Without a name it is the one at its address.
    let mut scene = InHand::at(WITHOUT_END, |entry| json!([with_key(entry, "old")])).await;
    let rotated = with_key(hook(&scene.api), "new");
    scene.now_has(json!([hook(&other), rotated])).await;
    scene.gate.add_permits(1);
    assert_eq!(scene.calls.recv().await.unwrap().header("x-key"), ["new"]);
    assert!(others.try_recv().is_err());
}

#[tokio::test]
async fn what_waits_since_names_alone_were_written_down_goes_to_what_became_of_it() {
    let (other, mut others) = server(&[200]).await;
    for is_name_known in [true, false] {
        let scene = InHand::at(WITHOUT_END, |entry| json!([with_name(entry)])).await;
        let database = Connection::open(scene.post.bus.directory.path().join("endo.db")).unwrap();
        let unknown = if is_name_known { "'$.beside'" } else { "'$.beside', '$.name'" };
        let sql = format!("UPDATE deliveries SET target = json_remove(target, {unknown})");
        assert_eq!(database.execute(&sql, []).unwrap(), 1);
        let at = if is_name_known { hook(&other) } else { with_key(hook(&scene.api), "well") };
        scene.now_has(json!([with_name(at)])).await;
        scene.gate.add_permits(1);
        scene.post.until_nothing_waits().await;
        assert!(scene.post.dead_letters().await.is_empty());
        assert_eq!(others.try_recv().is_ok(), is_name_known);
    }
}

#[tokio::test]
async fn what_waits_for_a_webhook_goes_to_none_where_it_could_be_one_of_several() {
    let (other, mut others) = server(&[200]).await;
    let another = |path: &str| {
        let mut entry = with_name(hook(&other));
        entry["url"] = json!(other.url(path));
        entry
    };
    let mut scene = InHand::at(SETTINGS, |entry| json!([with_name(entry)])).await;
    scene.now_has(json!([another("/a"), another("/b")])).await;
    scene.gate.add_permits(SETTINGS.attempts as usize);
    assert_eq!(scene.post.first_dead_letter().await.reason, "webhook removed");
    assert!(scene.calls.try_recv().is_err() && others.try_recv().is_err());

    // Two have the name, and each has its own message.
    let mut scene = InHand::at(SETTINGS, |entry| json!([with_name(entry), another("/a")])).await;
    others.recv().await.unwrap();
    scene.now_has(json!([another("/a")])).await;
    scene.gate.add_permits(SETTINGS.attempts as usize);
    assert_eq!(scene.post.first_dead_letter().await.reason, "webhook removed");
    assert!(scene.calls.try_recv().is_err() && others.try_recv().is_err());
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_is_gone_goes_to_none_that_has_the_message_itself() {
    type Named = fn(Value) -> Value;
    let without: Named = |entry| entry;
    for (gone, stays) in [(without, without), (without, with_name as Named), (with_name, with_name)] {
        let entries =
            |entry: Value| json!([gone(with_key(entry.clone(), "ill")), stays(with_key(entry, "well"))]);
        let mut scene = InHand::at(SETTINGS, entries).await;
        scene.now_has(json!([stays(with_key(hook(&scene.api), "well"))])).await;
        scene.gate.add_permits(SETTINGS.attempts as usize);
        assert_eq!(scene.post.first_dead_letter().await.reason, "webhook removed");
        scene.post.until_nothing_waits().await;
        assert_eq!(scene.api.seen().len(), 2);
        assert!(scene.calls.try_recv().is_err());
    }
}

#[tokio::test]
async fn what_waits_for_one_of_two_of_a_name_goes_to_what_became_of_that_one() {
    let (other, mut others) = server(&[200]).await;
    let entries = |entry: Value| json!([with_name(entry.clone()), with_name(with_key(entry, "well"))]);
    let scene = InHand::at(WITHOUT_END, entries).await;
    let stays = with_name(with_key(hook(&scene.api), "well"));
    scene.now_has(json!([with_name(hook(&other)), stays])).await;
    scene.gate.add_permits(1);
    others.recv().await.unwrap();
    scene.post.until_nothing_waits().await;
    assert!(others.try_recv().is_err());
    assert_eq!(scene.api.seen().len(), 2);
}

#[tokio::test]
async fn what_waits_for_one_of_two_of_a_name_that_both_changed_goes_to_the_one_at_its_address() {
    let (other, mut others) = server(&[200]).await;
    let at_other = |key: &str| with_name(with_key(hook(&other), key));
    let entries = |entry: Value| json!([with_name(with_key(entry, "old")), at_other("old")]);
    let mut scene = InHand::at(WITHOUT_END, entries).await;
    others.recv().await.unwrap();
    scene.now_has(json!([at_other("new"), with_name(with_key(hook(&scene.api), "well"))])).await;
    scene.gate.add_permits(1);
    scene.post.until_nothing_waits().await;
    assert!(scene.post.dead_letters().await.is_empty());
    assert_eq!(scene.api.seen().last().unwrap().header("x-key"), ["well"]);
    assert!(scene.calls.try_recv().is_err() && others.try_recv().is_err());

    // Where both were there, none of them is known by that.
    let entries =
        |entry: Value| json!([with_name(with_key(entry.clone(), "ill")), with_name(with_key(entry, "well"))]);
    let mut scene = InHand::at(SETTINGS, entries).await;
    scene.now_has(json!([at_other("new"), with_name(with_key(hook(&scene.api), "new"))])).await;
    scene.gate.add_permits(SETTINGS.attempts as usize);
    assert_eq!(scene.post.first_dead_letter().await.reason, "webhook removed");
    assert!(scene.calls.try_recv().is_err() && others.try_recv().is_err());
}

#[tokio::test]
async fn what_was_stored_before_addresses_were_escaped_finds_its_webhook() {
    let entries = |mut entry: Value| {
        entry["url"] = json!(format!("{}/{{a|b}}", entry["url"].as_str().unwrap()));
        json!([entry])
    };
    let mut scene = InHand::at(SETTINGS, entries).await;
    let database = Connection::open(scene.post.bus.directory.path().join("endo.db")).unwrap();
    let sql = "UPDATE deliveries SET target = replace(target, '%7Ba%7Cb%7D', '{a|b}')";
    assert_eq!(database.execute(sql, ()).unwrap(), 1);
    scene.gate.add_permits(SETTINGS.attempts as usize);
    let dead = scene.post.first_dead_letter().await;
    assert!(dead.delivery.target.unwrap().contains("/{a|b}"));
    assert_eq!((dead.reason.as_str(), dead.attempts), ("status 503", SETTINGS.attempts));
    assert_eq!(scene.calls.recv().await.unwrap().target, "/in/%7Ba%7Cb%7D");
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_looked_for_the_more_seldom_the_longer_it_is() {
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let grace = Duration::from_secs(300);
    let settings = WebhookSettings { first_delay: Duration::from_secs(1), grace, ..SETTINGS };
    let scene = InHand::with(clock, settings, |entry| json!([entry])).await;
    scene.now_has(json!([])).await;
    scene.gate.add_permits(1);
    let mut looks = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while scene.post.dead_letters().await.is_empty() {
        match due_after(&scene.post, now.load(Ordering::SeqCst)) {
            Some(due_at) => {
                now.store(due_at, Ordering::SeqCst);
                looks += i32::from(scene.is_missed());
                scene.post.bus.bus.webhook_bell().notify_one();
            }
            None => drop(ticks.tick().await),
        }
    }
    assert_eq!(scene.post.first_dead_letter().await.reason, "webhook removed");
    assert_eq!(looks, 10, "after 1, 2, 4, …, 256 and 300 seconds");
}

/// When the only delivery is due, where that is later than this.
fn due_after(post: &Post, now: i64) -> Option<i64> {
    let database = Connection::open(post.bus.directory.path().join("endo.db")).unwrap();
    let sql = "SELECT due_at FROM deliveries WHERE due_at > ?1";
    database.query_row(sql, [now], |row| row.get(0)).optional().unwrap()
}

#[tokio::test]
async fn a_webhook_that_moved_rests_where_it_fails() {
    const HOUR: Duration = Duration::from_secs(3600);
    const TWICE: WebhookSettings =
        WebhookSettings { attempts: 2, first_delay: HOUR, longest_delay: HOUR, ..SETTINGS };
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let post = Post::with(clock, loopback(), TWICE).await;
    // It is well, and will not have them now.
    let (before, mut first) = server(&[425]).await;
    let (after, mut second) = server(&[503]).await;
    let (well, mut others) = server(&[200]).await;
    let (device, other) = (post.hooked(with_name(hook(&before))).await, post.hooked(hook(&well)).await);
    let sender = post.bus.device(json!({})).await;
    let failures = SETTINGS.breaker.failures;
    post.send(&sender, &json!({"devices": vec![&device.uuid; failures as usize]})).await;
    for _ in 0..failures {
        first.recv().await.unwrap();
    }
    let update = json!({"meshblu.forwarders.message.received": [with_name(hook(&after))]});
    let change = post.bus.by(&device, &format!("PATCH /v2/devices/{}", device.uuid));
    send(change.json(&update)).await.is(204, "");
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while waiting(&post, "attempts = 1") < failures {
        ticks.tick().await;
    }
    now.fetch_add(HOUR.as_millis() as i64, Ordering::SeqCst);
    post.bus.bus.webhook_bell().notify_one();
    for _ in 0..failures {
        second.recv().await.unwrap();
    }
    while post.dead_letters().await.len() < failures as usize {}
    post.send(&sender, &json!({"devices": [device.uuid, other.uuid]})).await;
    others.recv().await.unwrap();
    while post.waiting().await > 1 {}
    assert!(second.try_recv().is_err() && first.try_recv().is_err());
}
