//! What was not tried itself is not given up for the calls of a few others that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

#[tokio::test]
async fn what_was_not_tried_waits_through_as_many_trials_that_fail_as_it_has_attempts_however_long_they_rest()
{
    let calls = AtomicU32::new(0);
    let is_well = move || calls.fetch_add(1, Ordering::SeqCst) >= 2 * FAILURES + 2;
    let mut scene = Scene::of(TWICE, move |_| taken_if(is_well())).await;
    let mut devices = Vec::new();
    for path in ["/one", "/two"] {
        let device = scene.hooked(path).await;
        scene.send(&device, FAILURES as usize).await;
        devices.push(device);
        while attempts(&scene.post) < FAILURES * devices.len() as u32 {
            tokio::task::yield_now().await;
        }
    }
    // Where two fail, each rests twice as long.
    scene.pass(REST - 1000);
    for device in &devices {
        scene.send(device, 3).await;
    }
    scene.pass(REST + 1000);
    scene.until_dead(devices.len()).await;
    scene.pass(2 * REST);
    scene.ends_well().await;
    let letters = scene.post.dead_letters().await;
    let died_of: Vec<_> = letters.iter().map(|letter| (letter.reason.as_str(), letter.attempts)).collect();
    assert_eq!(died_of, [("status 503", 2); 2]);
}

#[tokio::test]
async fn all_that_waited_too_long_is_given_up_however_much_it_is_but_for_what_is_being_called() {
    const WAIT: usize = 40;
    let [failing, well] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
    let gates = [Arc::clone(&failing), Arc::clone(&well)];
    let settings = WebhookSettings { attempts: 1, ..TWICE };
    let mut scene = Scene::of(settings, move |seen| match String::from_utf8_lossy(&seen.body) {
        body if body.contains("fails") => taken_if(false).behind(&gates[0]),
        body if body.contains("ends well") => taken_if(true).behind(&gates[1]),
        _ => taken_if(false),
    })
    .await;
    let device = scene.hooked("/in").await;
    scene.fails(&device, FAILURES as usize).await;
    for (times, trial) in [(1, "fails"), (1, "ends well"), (WAIT, "none")] {
        let message = json!({"devices": vec![&device.uuid; times], "trial": trial});
        scene.post.send(&scene.sender, &message).await;
    }
    for _ in 0..2 {
        scene.pass(REST);
        scene.called().await;
    }
    failing.add_permits(1);
    scene.until_dead(1 + WAIT).await;
    well.add_permits(1);
    scene.ends_well().await;
}

#[tokio::test]
async fn who_was_given_up_untried_is_tried_before_who_was_tried() {
    let (mut scene, host) = Scene::unheard(WebhookSettings { attempts: 1, ..TWICE }).await;
    let device = scene.hooked("/in").await;
    let mut senders = [scene.another_sender().await, scene.another_sender().await];
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
    let (device, other) = (scene.hooked("/in").await, scene.another_sender().await);
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
