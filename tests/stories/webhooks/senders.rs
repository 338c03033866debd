//! Whoever is refused at a webhook keeps nothing from others who send to it; where nobody is, all wait.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::scene::{FAILURES, ONCE, REST, Scene, taken_if};
use super::*;

fn is_good(seen: &Seen) -> bool {
    String::from_utf8_lossy(&seen.body).contains("good")
}

/// A webhook that refuses all senders but one, and these.
async fn refusing(refused: usize) -> (Scene, Device, Vec<Device>, Device) {
    let scene = Scene::of(ONCE, |seen| Answer::new(if is_good(seen) { 200 } else { 429 }, &[], "")).await;
    let device = scene.hooked("/in").await;
    let mut senders = Vec::new();
    for _ in 0..refused {
        senders.push(scene.another_sender().await);
    }
    let good = scene.another_sender().await;
    (scene, device, senders, good)
}

async fn send_well(scene: &Scene, good: &Device, device: &Device) {
    scene.post.send(good, &json!({"devices": [device.uuid], "sender": "good"})).await;
}

#[tokio::test]
async fn senders_who_are_refused_again_and_again_keep_nothing_from_one_who_is_not() {
    let (mut scene, device, refused, good) = refusing(3).await;
    for sender in &refused {
        scene.send_by(sender, &device, FAILURES + 1).await;
    }
    for _ in 0..3 {
        send_well(&scene, &good, &device).await;
        while !is_good(&scene.called().await) {}
        scene.pass(REST);
    }
    while scene.post.waiting().await > 0 {
        scene.pass(REST);
        send_well(&scene, &good, &device).await;
        while !is_good(&scene.called().await) {}
    }
    let letters = scene.post.dead_letters().await;
    assert!(letters.iter().all(|letter| letter.reason == "status 429"));
    assert_eq!(letters.len(), 3 * (FAILURES + 1));
}

#[tokio::test]
async fn a_sender_who_is_refused_rests_while_another_is_served() {
    let (mut scene, device, refused, good) = refusing(1).await;
    scene.send_by(&refused[0], &device, FAILURES).await;
    for _ in 0..FAILURES {
        assert!(!is_good(&scene.called().await));
    }
    scene.until_dead(FAILURES).await;
    scene.send_by(&refused[0], &device, 2).await;
    for _ in 0..3 {
        send_well(&scene, &good, &device).await;
        assert!(is_good(&scene.called().await));
    }
    while scene.post.waiting().await > 2 {}
    scene.pass(REST);
    assert!(!is_good(&scene.called().await));
    scene.until_dead(1).await;
    scene.is_left_alone().await;
}

#[tokio::test]
async fn where_nobody_is_taken_each_further_sender_finds_out_once() {
    let mut scene = Scene::down().await;
    let device = scene.hooked("/in").await;
    scene.fails(&device, FAILURES).await;
    for _ in 0..3 {
        let sender = scene.another_sender().await;
        scene.send_by(&sender, &device, 1).await;
        scene.called().await;
        scene.until_dead(1).await;
        scene.send_by(&sender, &device, 1).await;
        scene.is_left_alone().await;
    }
    scene.pass(REST);
    for _ in 0..3 {
        scene.called().await;
    }
    scene.until_dead(3).await;
}

#[tokio::test]
async fn where_nobody_is_reached_all_senders_wait_and_one_finds_out_for_all() {
    let (mut scene, host) = Scene::unheard(ONCE).await;
    let device = scene.hooked("/in").await;
    scene.send(&device, FAILURES).await;
    scene.until_dead(FAILURES).await;
    let other = scene.another_sender().await;
    for sender in [&scene.sender, &other] {
        scene.send_by(sender, &device, 2).await;
    }
    scene.pass(REST);
    scene.until_dead(1).await;
    let _host = host.listens();
    scene.is_left_alone_for(REST).await;
    for _ in 0..3 {
        scene.called().await;
    }
    scene.ends_well().await;
}

#[tokio::test]
async fn what_a_sender_has_whose_last_call_failed_comes_after_what_others_have() {
    let settings = WebhookSettings { concurrency: 1, ..ONCE };
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut scene = Scene::of(settings, move |seen| match is_good(seen) {
        true => Answer::new(200, &[], "").behind(&closed),
        false => taken_if(false),
    })
    .await;
    let device = scene.hooked("/in").await;
    let [refused, first, second] =
        [scene.another_sender().await, scene.another_sender().await, scene.another_sender().await];
    scene.send_by(&refused, &device, 1).await;
    scene.called().await;
    scene.until_dead(1).await;
    send_well(&scene, &first, &device).await;
    assert!(is_good(&scene.called().await));
    // Whoever has waited longest is first, but for who failed.
    scene.send_by(&refused, &device, 1).await;
    scene.pass(1);
    send_well(&scene, &second, &device).await;
    gate.add_permits(2);
    assert!(is_good(&scene.called().await));
    assert!(!is_good(&scene.called().await));
    scene.until_dead(1).await;
    scene.ends_well().await;
}
