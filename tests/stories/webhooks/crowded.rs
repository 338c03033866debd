//! However many fail at a host, who is taken there is called, who is new there soon is, and all are once it is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::scene::{ONCE, REST, Scene, switch, taken_if};
use super::*;

/// Of so many webhooks that fail, and a line at each, a part is forgotten.
const MANY: usize = 60;
const AT_WEBHOOKS: usize = 80;
const AT_ONE_WEBHOOK: usize = AT_WEBHOOKS / 2;
/// What each of them has.
const MESSAGES: usize = 10;
/// Calls at the same time, of which one may be a trial where many fail.
const CALLS: usize = 16;
/// As many calls as a quick host gets of those of [`ONCE`].
const OF_A_QUICK_HOST: usize = ONCE.concurrency / 4;
/// As many calls at hosts that nobody knows, or that are slow, as one device has of those of [`ONCE`] that all such have.
const OF_ONE_DEVICE: usize = ONCE.concurrency / 4;
/// As many calls of those of [`ONCE`] has a device at a slow host where another has its share.
const BESIDE_ANOTHER: usize = ONCE.concurrency / 16;
/// More devices than have calls at a slow host whose webhooks may hang.
const BUSY: usize = 12;
/// Fewer than those.
const SEVERAL: usize = 6;
// usize = ONCE.concurrency / 16;
const CROWDED: WebhookSettings = WebhookSettings { concurrency: CALLS, remembered: AT_WEBHOOKS, ..ONCE };

/// A host that takes what is good, and fails at all else, each once the gate has a permit for it.
async fn crowded(settings: WebhookSettings) -> (Scene, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let answer = move |seen: &Seen| match is_good(seen) {
        true => taken_if(true),
        false => taken_if(false).behind(&closed),
    };
    (Scene::of(settings, answer).await, gate)
}

fn is_good(seen: &Seen) -> bool {
    String::from_utf8_lossy(&seen.body).contains("good")
}

async fn send_well(scene: &Scene, device: &Device) {
    scene.post.send(&scene.sender, &json!({"devices": [device.uuid], "sender": "good"})).await;
}

/// As many devices, each of which has a webhook there.
async fn strangers(scene: &Scene) -> Vec<Device> {
    let mut strangers = Vec::new();
    for n in 0..MANY {
        strangers.push(scene.hooked(&format!("/{n}")).await);
    }
    strangers
}

/// Each of them has so many messages.
async fn send_all(scene: &Scene, strangers: &[Device], messages: usize) {
    for stranger in strangers {
        scene.send(stranger, messages).await;
    }
}

#[tokio::test]
async fn a_webhook_that_takes_what_it_gets_is_called_while_those_of_strangers_at_its_host_hang() {
    let (mut scene, gate) = crowded(CROWDED).await;
    let (good, strangers) = (scene.hooked("/good").await, strangers(&scene).await);
    send_well(&scene, &good).await;
    gate.add_permits(MANY * MESSAGES);
    send_all(&scene, &strangers, MESSAGES).await;
    scene.until_left_alone().await;
    gate.forget_permits(MANY * MESSAGES);
    scene.pass(REST);
    send_all(&scene, &strangers, 1).await;
    for _ in 0..3 {
        send_well(&scene, &good).await;
        while !is_good(&scene.called().await) {}
    }
}

#[tokio::test]
async fn a_sender_whose_messages_are_taken_is_served_while_those_of_strangers_hang_at_the_same_webhook() {
    let (mut scene, gate) = crowded(WebhookSettings { remembered: AT_ONE_WEBHOOK, ..CROWDED }).await;
    let device = scene.hooked("/in").await;
    send_well(&scene, &device).await;
    let mut strangers = Vec::new();
    for _ in 0..MANY {
        strangers.push(scene.another_sender().await);
    }
    gate.add_permits(MANY * MESSAGES);
    for stranger in &strangers {
        scene.send_by(stranger, &device, MESSAGES).await;
    }
    scene.until_left_alone().await;
    gate.forget_permits(MANY * MESSAGES);
    scene.pass(REST);
    for stranger in &strangers {
        scene.send_by(stranger, &device, 1).await;
    }
    for _ in 0..3 {
        send_well(&scene, &device).await;
        while !is_good(&scene.called().await) {}
    }
}

#[tokio::test]
async fn a_new_webhook_is_called_before_those_of_strangers_that_failed_and_were_forgotten() {
    const AGAIN: i64 = 1000;
    let first_delay = Duration::from_millis(AGAIN as u64);
    let settings = WebhookSettings { attempts: 9, first_delay, ..CROWDED };
    let (mut scene, gate) = crowded(settings).await;
    let strangers = strangers(&scene).await;
    gate.add_permits(MANY);
    send_all(&scene, &strangers, 1).await;
    for _ in 0..MANY {
        scene.called().await;
    }
    scene.pass(AGAIN);
    scene.called().await;
    scene.pass(1);
    let good = scene.hooked("/good").await;
    send_well(&scene, &good).await;
    let mut before = 0;
    gate.add_permits(CALLS);
    while !is_good(&scene.called().await) {
        before += 1;
        gate.add_permits(1);
    }
    assert!(before <= CALLS / 2, "{before} calls of strangers");
}

/// A device with so many webhooks there.
async fn device_of(scene: &Scene, webhooks: usize) -> Device {
    let received: Vec<_> = (0..webhooks).map(|n| scene.hook_at(&format!("/of-one/{n}"))).collect();
    let device = scene.hooked("/of-one").await;
    scene.post.rehook(&device, &received).await;
    device
}

#[tokio::test]
async fn a_new_webhook_is_called_whatever_number_of_new_ones_another_device_has_that_hang() {
    let (mut scene, gate) = crowded(ONCE).await;
    let strangers = device_of(&scene, 100).await;
    gate.add_permits(50);
    scene.send(&strangers, 1).await;
    for _ in 0..50 {
        scene.called().await;
    }
    scene.until_left_alone().await;
    let good = scene.hooked("/good").await;
    send_well(&scene, &good).await;
    while !is_good(&scene.called().await) {}
}

#[tokio::test]
async fn a_webhook_is_called_whatever_number_of_webhooks_another_device_has_at_its_host_that_take_long() {
    let (mut scene, _closed) = crowded(ONCE).await;
    let good = scene.hooked("/good").await;
    send_well(&scene, &good).await;
    scene.called().await;
    let strangers = device_of(&scene, 100).await;
    scene.send(&strangers, 1).await;
    for _ in 0..OF_A_QUICK_HOST {
        scene.called().await;
    }
    // By now the host counts as slow.
    scene.pass(1000);
    for _ in 0..3 {
        send_well(&scene, &good).await;
        assert!(is_good(&scene.called().await));
    }
}

#[tokio::test]
async fn a_webhook_has_several_calls_at_a_time_beside_those_of_another_device_that_hang_at_its_host() {
    let (called, closed) = (AtomicBool::new(false), Arc::new(Semaphore::new(0)));
    let answer = move |_: &Seen| match called.swap(true, Ordering::Relaxed) {
        false => taken_if(true),
        true => taken_if(true).behind(&closed),
    };
    let mut scene = Scene::of(ONCE, answer).await;
    let good = scene.hooked("/good").await;
    send_well(&scene, &good).await;
    scene.called().await;
    let strangers = device_of(&scene, 100).await;
    scene.send(&strangers, 1).await;
    for _ in 0..OF_A_QUICK_HOST {
        scene.called().await;
    }
    scene.pass(1000);
    for _ in 0..BESIDE_ANOTHER {
        send_well(&scene, &good).await;
        assert!(is_good(&scene.called().await));
    }
}

#[tokio::test]
async fn a_new_webhook_is_called_beside_those_of_several_devices_that_took_all_that_its_host_had_while_it_was_quick()
 {
    let (mut scene, _closed) = crowded(ONCE).await;
    let good = scene.hooked("/good").await;
    send_well(&scene, &good).await;
    scene.called().await;
    let mut strangers = Vec::new();
    for _ in 0..SEVERAL {
        strangers.push(device_of(&scene, 20).await);
    }
    send_all(&scene, &strangers, 1).await;
    for _ in 0..OF_A_QUICK_HOST {
        scene.called().await;
    }
    scene.pass(1000);
    let new = scene.hooked("/new").await;
    send_well(&scene, &new).await;
    while !is_good(&scene.called().await) {}
}

#[tokio::test]
async fn a_new_webhook_is_called_at_a_slow_host_whatever_number_of_devices_have_calls_there_that_are_taken() {
    let closed = Arc::new(Semaphore::new(BUSY));
    let mut scene = Scene::of(ONCE, move |_| taken_if(true).behind(&closed)).await;
    let mut busy = Vec::new();
    for n in 0..BUSY {
        busy.push(scene.hooked(&format!("/{n}")).await);
    }
    send_all(&scene, &busy, 1).await;
    scene.ends_well().await;
    send_all(&scene, &busy, 1).await;
    for _ in 0..2 * BUSY {
        scene.called().await;
    }
    scene.pass(1000);
    let new = scene.hooked("/good").await;
    send_well(&scene, &new).await;
    assert!(is_good(&scene.called().await));
}

#[tokio::test]
async fn a_webhook_whose_last_call_was_taken_is_called_whatever_number_of_devices_hang_at_its_host() {
    let (mut scene, _closed) = crowded(ONCE).await;
    let good = scene.hooked("/good").await;
    send_well(&scene, &good).await;
    scene.called().await;
    let strangers = strangers(&scene).await;
    send_all(&scene, &strangers, 1).await;
    for _ in 0..OF_A_QUICK_HOST {
        scene.called().await;
    }
    // By now the host counts as slow, and these are as many as have calls in hand at one such host.
    scene.pass(1000);
    for _ in 0..3 {
        send_well(&scene, &good).await;
        assert!(is_good(&scene.called().await));
    }
}

/// As many servers that never answer, and an entry of a webhook at each.
async fn hanging(servers: usize) -> Vec<(FakeApi, Value)> {
    let mut hanging = Vec::new();
    for _ in 0..servers {
        let server = FakeApi::silent().await;
        let entry = hook(&server);
        hanging.push((server, entry));
    }
    hanging
}

#[tokio::test]
async fn a_slow_or_new_webhook_is_called_whatever_number_of_hosts_another_device_has_where_they_hang() {
    let (mut scene, closed) = crowded(ONCE).await;
    let (hanging, strangers) = (hanging(ONCE.concurrency).await, scene.hooked("/strangers").await);
    let entries: Vec<_> = hanging.iter().map(|(_, entry)| entry.clone()).collect();
    scene.post.rehook(&strangers, &entries).await;
    // The host counts as slow from its first call on.
    let slow = scene.hooked("/slow").await;
    scene.send(&slow, 1).await;
    scene.called().await;
    scene.pass(1000);
    closed.add_permits(1);
    scene.until_dead(1).await;
    scene.send(&strangers, 1).await;
    let called = || hanging.iter().filter(|(server, _)| !server.seen().is_empty()).count();
    while called() < OF_ONE_DEVICE {
        tokio::task::yield_now().await;
    }
    scene.send(&slow, 1).await;
    scene.called().await;
    let (new, mut calls) = server(&[200]).await;
    scene.send(&scene.post.hooked(hook(&new)).await, 1).await;
    calls.recv().await.unwrap();
    assert_eq!(called(), OF_ONE_DEVICE);
}

#[tokio::test]
async fn once_such_a_host_is_well_all_is_delivered_that_waits_there() {
    let (is_up, up) = switch();
    let mut scene = Scene::of(CROWDED, move |_| taken_if(up())).await;
    let strangers = strangers(&scene).await;
    send_all(&scene, &strangers, MESSAGES).await;
    scene.until_left_alone().await;
    is_up.store(true, Ordering::SeqCst);
    scene.pass(REST);
    scene.post.until_nothing_waits().await;
    let letters = scene.post.dead_letters().await.len();
    assert!(letters < MANY * MESSAGES / 2, "{letters} were given up");
}
