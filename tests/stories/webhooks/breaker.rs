//! A destination that fails again and again is left alone for a while; what waits for it loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use endo::ambient::Timestamp;
use tokio::sync::Semaphore;

use super::scene::{FAILURES, ONCE, REST, Scene, taken_if};
use super::*;

/// Fails so many times, then takes what it gets, each once the gate has a permit for it.
fn well_after(failures: usize) -> (Arc<Semaphore>, impl Fn(&Seen) -> Answer) {
    let (gate, count) = (Arc::new(Semaphore::new(0)), AtomicUsize::new(0));
    let opened = Arc::clone(&gate);
    let answer = move |_: &Seen| match count.fetch_add(1, Ordering::SeqCst) < failures {
        true => taken_if(false),
        false => taken_if(true).behind(&opened),
    };
    (gate, answer)
}

#[tokio::test]
async fn a_destination_that_fails_is_left_alone_then_tried_once_then_gets_what_waited() {
    let (gate, answer) = well_after(FAILURES);
    let mut scene = Scene::of(ONCE, answer).await;
    let device = scene.failing("/in").await;
    scene.send(&device, 2).await;
    scene.is_left_alone().await;
    scene.is_left_alone_for(REST).await;
    scene.called().await;
    scene.is_left_alone().await;
    gate.add_permits(3);
    for _ in 0..2 {
        scene.called().await;
    }
    scene.ends_well().await;
}

#[tokio::test]
async fn a_destination_that_fails_its_trial_rests_again() {
    let (gate, answer) = well_after(FAILURES + 1);
    let mut scene = Scene::of(ONCE, answer).await;
    gate.add_permits(3);
    let device = scene.failing("/in").await;
    scene.send(&device, 2).await;
    scene.pass(REST);
    scene.until_dead(1).await;
    scene.called().await;
    scene.is_left_alone().await;
    scene.pass(REST);
    for _ in 0..2 {
        scene.called().await;
    }
    scene.ends_well().await;
}

#[tokio::test]
async fn what_waits_too_long_for_a_destination_that_fails_becomes_a_dead_letter() {
    let longest_delay = Duration::from_millis(60 * REST as u64);
    let mut scene = Scene::of(WebhookSettings { longest_delay, ..ONCE }, |_| taken_if(false)).await;
    let device = scene.failing("/in").await;
    scene.send(&device, 2).await;
    scene.pass(60 * REST);
    scene.until_dead(1).await;
    scene.send(&device, 1).await;
    scene.pass(REST);
    scene.until_dead(2).await;
    let letters = scene.post.dead_letters().await;
    let mut reasons: Vec<_> = letters.into_iter().map(|letter| letter.reason).collect();
    reasons.sort();
    assert_eq!(reasons, [vec!["destination failing"; 1], vec!["status 503"; FAILURES + 2]].concat());
    assert_eq!(scene.post.waiting().await, 1);
    for _ in 0..2 {
        scene.called().await;
    }
    scene.is_left_alone().await;
}

#[tokio::test]
async fn a_destination_is_tried_when_its_rest_is_over_though_nothing_else_happens() {
    let breaker = BreakerSettings { failures: 1, rest: Duration::from_millis(200) };
    let post = Post::with(Clock::system(), loopback(), WebhookSettings { breaker, ..ONCE }).await;
    let (api, mut calls) = server(&[503, 200]).await;
    let (sender, device) = (post.bus.device(json!({})).await, post.hooked(hook(&api)).await);
    post.send(&sender, &json!({"devices": device.uuid})).await;
    assert_eq!(post.first_dead_letter().await.reason, "status 503");
    post.send(&sender, &json!({"devices": device.uuid})).await;
    for _ in 0..2 {
        calls.recv().await.unwrap();
    }
    post.until_nothing_waits().await;
    assert_eq!(post.dead_letters().await.len(), 1);
}

#[tokio::test]
async fn a_destination_that_refuses_deliveries_for_now_has_not_failed() {
    let post = Post::with(Clock::system(), loopback(), ONCE).await;
    let (api, mut calls) = server(&[425]).await;
    let (sender, device) = (post.bus.device(json!({})).await, post.hooked(hook(&api)).await);
    for letters in 1..=FAILURES + 1 {
        post.send(&sender, &json!({"devices": device.uuid})).await;
        calls.recv().await.unwrap();
        while post.dead_letters().await.len() < letters {}
    }
}

#[tokio::test]
async fn a_call_ends_well_whose_webhook_went_and_came_back_meanwhile() {
    let clock = Clock::from_fn(|| Timestamp::from_millis(1_768_478_400_000));
    let post = Post::with(clock, loopback(), ONCE).await;
    let (gate, (seen_by, mut held)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    let (closed, first) = (Arc::clone(&gate), AtomicUsize::new(0));
    let api = FakeApi::start(move |seen| {
        if seen.target != "/held" {
            return Answer::new(503, &[], "");
        }
        seen_by.send(()).unwrap();
        match first.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::new(200, &[], "").behind(&closed),
            _ => Answer::new(503, &[], ""),
        }
    })
    .await;
    let hook_at = |path| json!({"type": "webhook", "url": api.url(path), "method": "POST"});
    let (bad, slow) = (hook_at("/bad"), hook_at("/held"));
    let (sender, device) = (post.bus.device(json!({})).await, post.hooked(bad.clone()).await);
    let steps = [vec![bad.clone()], vec![slow.clone(), bad.clone()], vec![bad], vec![slow]];
    for (before, entries) in steps.iter().enumerate() {
        post.rehook(&device, entries).await;
        post.send(&sender, &json!({"devices": [device.uuid]})).await;
        if entries.len() > 1 {
            held.recv().await.unwrap();
        }
        while post.dead_letters().await.len() <= before {}
    }
    held.recv().await.unwrap();
    gate.add_permits(1);
    post.until_nothing_waits().await;
    assert_eq!(post.dead_letters().await.len(), steps.len());
    assert!(held.try_recv().is_err());
}

/// A server that never answers a message with `slow` in it, called within this limit, with the device whose webhook it is.
async fn slow_with_some(limit: Duration) -> (Post, FakeApi, mpsc::UnboundedReceiver<Seen>, Device) {
    let egress = EgressSettings { webhook_timeout: limit, ..loopback() };
    let post = Post::with(Clock::system(), egress, ONCE).await;
    let (sender, calls) = mpsc::unbounded_channel();
    let api = FakeApi::start(move |seen| {
        sender.send(seen.clone()).unwrap();
        match String::from_utf8_lossy(&seen.body).contains("slow") {
            true => Answer::Stall(Vec::new()),
            false => Answer::new(200, &[], ""),
        }
    })
    .await;
    let device = post.hooked(hook(&api)).await;
    (post, api, calls, device)
}

#[tokio::test]
async fn a_destination_that_answers_others_meanwhile_is_slow_and_has_not_failed() {
    let (post, _api, mut calls, device) = slow_with_some(Duration::from_secs(2)).await;
    let sender = post.bus.device(json!({})).await;
    let quick = json!({"devices": [device.uuid]});
    let slow = json!({"devices": vec![&device.uuid; FAILURES], "slow": true});
    post.send(&sender, &slow).await;
    for _ in 0..FAILURES {
        calls.recv().await.unwrap();
    }
    post.send(&sender, &quick).await;
    while post.dead_letters().await.len() < FAILURES {}
    // Nobody waits for it to rest.
    post.send(&sender, &quick).await;
    post.until_nothing_waits().await;
    assert_eq!(post.dead_letters().await.len(), FAILURES);
}

#[tokio::test]
async fn a_destination_that_is_slow_with_five_deliveries_gets_the_next_at_once() {
    let (post, _api, mut calls, device) = slow_with_some(Duration::from_millis(300)).await;
    let sender = post.bus.device(json!({})).await;
    post.send(&sender, &json!({"devices": vec![&device.uuid; FAILURES], "slow": true})).await;
    for _ in 0..FAILURES {
        calls.recv().await.unwrap();
    }
    while post.dead_letters().await.len() < FAILURES {}
    post.send(&sender, &json!({"devices": [device.uuid, device.uuid]})).await;
    post.until_nothing_waits().await;
    assert_eq!(post.dead_letters().await.len(), FAILURES);
}

#[tokio::test]
async fn a_destination_that_answers_nobody_in_time_has_failed() {
    let (post, _api, mut calls, device) = slow_with_some(Duration::from_millis(300)).await;
    let (well, mut others) = server(&[200]).await;
    let (other, sender) = (post.hooked(hook(&well)).await, post.bus.device(json!({})).await);
    let slow = |times| json!({"devices": vec![&device.uuid; times], "slow": true});
    post.send(&sender, &slow(FAILURES)).await;
    for _ in 0..FAILURES {
        calls.recv().await.unwrap();
    }
    while post.dead_letters().await.len() < FAILURES {}
    // As many may find out whether it was slow with those alone.
    post.send(&sender, &slow(FAILURES)).await;
    for _ in 0..FAILURES {
        calls.recv().await.unwrap();
    }
    for _ in 0..2 {
        post.send(&sender, &json!({"devices": [device.uuid]})).await;
        post.send(&sender, &json!({"devices": [other.uuid]})).await;
        others.recv().await.unwrap();
        assert!(calls.try_recv().is_err());
        while post.dead_letters().await.len() <= FAILURES {}
    }
    while post.waiting().await > 2 {}
    assert!(calls.try_recv().is_err());
}
