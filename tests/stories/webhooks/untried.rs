//! What was not tried itself is not given up for the calls of a few others that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use endo::ambient::Timestamp;

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

#[tokio::test]
async fn what_was_not_tried_waits_through_as_many_trials_that_fail_as_it_has_attempts_however_long_they_rest()
{
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let post = Post::with(clock, loopback(), TWICE).await;
    let wait = |millis| {
        now.fetch_add(millis, Ordering::SeqCst);
        post.bus.bus.webhook_bell().notify_one();
    };
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
