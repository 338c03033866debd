//! What was not tried itself is not given up for the calls of a few others that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use endo::ambient::Timestamp;
use tokio::sync::Semaphore;

use super::scene::{Scene, switch, taken_if};
use super::*;

const REST: i64 = 60_000_000;
const FAILURES: u32 = 5;

/// What failed is tried again before its webhook has rested, and never at the moment at which it failed.
const TWICE: WebhookSettings = WebhookSettings {
    attempts: 2,
    first_delay: Duration::from_millis(50_000_000),
    longest_delay: Duration::from_millis(50_000_000),
    concurrency: 64,
    breaker: BreakerSettings { failures: FAILURES, rest: Duration::from_millis(REST as u64) },
    ..SETTINGS
};

/// How many attempts were made at all that waits.
fn attempts(post: &Post) -> u32 {
    let database = rusqlite::Connection::open(post.bus.directory.path().join("endo.db")).unwrap();
    database.query_row("SELECT coalesce(sum(attempts), 0) FROM deliveries", [], |row| row.get(0)).unwrap()
}

/// A post whose clock is in the test's hands.
async fn post(settings: WebhookSettings) -> (Post, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    (Post::with(clock, loopback(), settings).await, now)
}

fn pass(post: &Post, now: &AtomicI64, millis: i64) {
    now.fetch_add(millis, Ordering::SeqCst);
    post.bus.bus.webhook_bell().notify_one();
}

#[tokio::test]
async fn what_was_not_tried_waits_through_as_many_trials_that_fail_as_it_has_attempts_however_long_they_rest()
{
    let (post, now) = post(TWICE).await;
    let wait = |millis| pass(&post, &now, millis);
    let calls = AtomicU32::new(0);
    let api = FakeApi::start(move |_| {
        let is_down = calls.fetch_add(1, Ordering::SeqCst) < 2 * FAILURES + 2;
        Answer::new(if is_down { 503 } else { 200 }, &[], "")
    })
    .await;
    let (sender, mut devices) = (post.bus.device(json!({})).await, Vec::new());
    for path in ["/one", "/two"] {
        let webhook = json!({"type": "webhook", "url": api.url(path), "method": "POST"});
        devices.push(post.hooked(webhook).await.uuid);
        let to = vec![devices.last().unwrap(); FAILURES as usize];
        post.send(&sender, &json!({ "devices": to })).await;
        while attempts(&post) < FAILURES * devices.len() as u32 {
            tokio::task::yield_now().await;
        }
    }
    // Where two fail, each rests twice as long.
    wait(REST - 1000);
    for _ in 0..3 {
        post.send(&sender, &json!({ "devices": devices })).await;
    }
    wait(REST + 1000);
    while post.dead_letters().await.len() < devices.len() {}
    wait(2 * REST);
    post.until_nothing_waits().await;
    let letters = post.dead_letters().await;
    let died_of: Vec<_> = letters.iter().map(|letter| (letter.reason.as_str(), letter.attempts)).collect();
    assert_eq!(died_of, [("status 503", 2); 2]);
}

#[tokio::test]
async fn all_that_waited_too_long_is_given_up_however_much_it_is_but_for_what_is_being_called() {
    const WAIT: usize = 40;
    let (post, now) = post(WebhookSettings { attempts: 1, ..TWICE }).await;
    let [failing, well] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
    let gates = [Arc::clone(&failing), Arc::clone(&well)];
    let api = FakeApi::start(move |seen| match String::from_utf8_lossy(&seen.body) {
        body if body.contains("fails") => Answer::new(503, &[], "").behind(&gates[0]),
        body if body.contains("ends well") => Answer::new(200, &[], "").behind(&gates[1]),
        _ => Answer::new(503, &[], ""),
    })
    .await;
    let (sender, device) = (post.bus.device(json!({})).await, post.hooked(hook(&api)).await);
    let send = async |times: usize, trial: &str| {
        post.send(&sender, &json!({"devices": vec![&device.uuid; times], "trial": trial})).await;
    };
    let mut letters = FAILURES as usize;
    send(letters, "none").await;
    while post.dead_letters().await.len() < letters {}
    for (times, trial) in [(1, "fails"), (1, "ends well"), (WAIT, "none")] {
        send(times, trial).await;
    }
    for trials in 1..=2 {
        pass(&post, &now, REST);
        while api.seen().len() < letters + trials {
            tokio::task::yield_now().await;
        }
    }
    failing.add_permits(1);
    letters += 1 + WAIT;
    while post.dead_letters().await.len() < letters {}
    well.add_permits(1);
    post.until_nothing_waits().await;
    assert_eq!(post.dead_letters().await.len(), letters);
}

#[tokio::test]
async fn who_was_given_up_untried_is_tried_before_who_was_tried() {
    let (mut scene, host) = Scene::unheard(WebhookSettings { attempts: 1, ..TWICE }).await;
    let device = scene.hooked("/in").await;
    let mut senders = [scene.post.bus.device(json!({})).await, scene.post.bus.device(json!({})).await];
    // Of those that wait for as long, the first by name has the first turn.
    senders.sort_by(|one, other| one.uuid.cmp(&other.uuid));
    let [tried, untried] = senders;
    let failures = FAILURES as usize;
    scene.send_by(&tried, &device, failures).await;
    scene.until_dead(failures).await;
    for passes in [REST - 1000, 1000] {
        scene.send_by(&tried, &device, 1).await;
        scene.send_by(&untried, &device, 1).await;
        scene.pass(passes);
    }
    scene.until_dead(2).await;
    let letters = scene.post.dead_letters().await;
    let given_up = letters.iter().filter(|letter| letter.reason == "destination failing").count();
    assert_eq!(given_up, 1);
    let _host = host.listens();
    scene.pass(REST);
    let first = scene.called().await;
    assert!(String::from_utf8_lossy(&first.body).contains(untried.uuid.as_str()));
    scene.ends_well().await;
}

#[tokio::test]
async fn what_waits_of_another_sender_is_not_given_up_for_one_who_is_refused() {
    let longest_delay = Duration::from_millis(REST as u64 / 3);
    let settings = WebhookSettings { attempts: 1, longest_delay, ..TWICE };
    let (is_well, well) = switch();
    let mut scene = Scene::of(settings, move |_| taken_if(well())).await;
    let (device, other) = (scene.hooked("/in").await, scene.post.bus.device(json!({})).await);
    scene.fails(&device, FAILURES as usize).await;
    scene.send(&device, 1).await;
    scene.pass(REST / 2);
    scene.send_by(&other, &device, 1).await;
    scene.called().await;
    scene.until_dead(1).await;
    scene.send_by(&other, &device, 3).await;
    scene.pass(REST / 2);
    scene.called().await;
    scene.until_dead(1).await;
    is_well.store(true, Ordering::SeqCst);
    scene.pass(REST / 2);
    scene.ends_well().await;
}
