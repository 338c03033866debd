//! Who fails at a host keeps nothing from others there, and is tried the more seldom the longer it fails, until one is well again.

use std::sync::atomic::Ordering;

use super::scene::{FAILURES, ONCE, REST, Scene, switch, taken_if};
use super::*;

#[tokio::test]
async fn a_webhook_that_fails_keeps_nothing_from_another_at_its_host() {
    let mut scene = Scene::of(ONCE, |seen| taken_if(seen.target == "/good")).await;
    let _ = scene.failing("/bad").await;
    let good = scene.hooked("/good").await;
    scene.send(&good, 1).await;
    assert_eq!(scene.called().await.target, "/good");
    scene.is_left_alone().await;
}

#[tokio::test]
async fn where_several_fail_at_a_host_one_is_tried_a_rest_and_each_rests_twice_as_long_after_each_trial() {
    let mut scene = Scene::down().await;
    let mut devices = Vec::new();
    for path in ["/1", "/2", "/3", "/4", "/5"] {
        devices.push(scene.failing(path).await);
    }
    // All once they have rested; then, while each rests for two, one of them.
    for trials in [5, 1, 4] {
        scene.is_left_alone_for(REST).await;
        for _ in 0..trials {
            scene.called().await;
        }
        scene.until_dead(trials).await;
        for device in &devices {
            scene.send(device, 1).await;
        }
        scene.is_left_alone().await;
    }
}

#[tokio::test]
async fn who_failed_for_a_moment_is_tried_after_one_rest_whatever_fails_at_its_host() {
    let (is_well, well) = switch();
    let mut scene = Scene::of(ONCE, move |seen| taken_if(seen.target == "/good" && well())).await;
    let mut devices = Vec::new();
    for path in ["/1", "/2", "/3", "/4"] {
        devices.push(scene.failing(path).await);
    }
    for rests in [1, 2] {
        scene.pass(rests * REST);
        for _ in &devices {
            scene.called().await;
        }
        scene.until_dead(devices.len()).await;
        for device in &devices {
            scene.send(device, 1).await;
        }
    }
    let _ = scene.failing("/good").await;
    is_well.store(true, Ordering::SeqCst);
    scene.is_left_alone_for(REST).await;
    // Of the others one may be tried, too.
    let tried = [scene.called().await.target, scene.called().await.target];
    assert!(tried.iter().any(|path| path == "/good"), "{tried:?}");
}

#[tokio::test]
async fn one_that_is_well_again_ends_the_wait_of_all_others_of_its_host() {
    let (is_up, up) = switch();
    let mut scene = Scene::of(ONCE, move |_| taken_if(up())).await;
    let mut devices = Vec::new();
    for path in ["/1", "/2", "/3", "/4"] {
        devices.push(scene.failing(path).await);
    }
    scene.pass(REST);
    for device in &devices {
        scene.called().await;
        scene.send(device, 1).await;
    }
    scene.until_dead(devices.len()).await;
    is_up.store(true, Ordering::SeqCst);
    scene.is_left_alone().await;
    // They rest for two.
    scene.pass(REST);
    for _ in &devices {
        scene.called().await;
    }
    scene.ends_well().await;
}

#[tokio::test]
async fn those_who_failed_together_are_tried_one_after_the_other_between_half_a_rest_and_a_whole() {
    let mut scene = Scene::down().await;
    for (path, fraction) in [("/1", 0.0), ("/2", 0.5), ("/3", 1.0)] {
        scene.rests_last(fraction);
        let _ = scene.failing(path).await;
    }
    for (path, millis) in [("/1", REST / 2), ("/2", REST / 4), ("/3", REST / 4)] {
        scene.is_left_alone_for(millis).await;
        assert_eq!(scene.called().await.target, path);
        scene.until_dead(1).await;
        scene.is_left_alone().await;
    }
}

#[tokio::test]
async fn one_that_can_be_reached_again_ends_no_wait_of_others_of_its_host_until_it_takes_something() {
    for taken in [200, 404] {
        let (mut scene, host) = Scene::unheard(ONCE).await;
        let mut devices = Vec::new();
        for (path, fraction) in [("/1", 0.0), ("/2", 1.0)] {
            scene.rests_last(fraction);
            let device = scene.hooked(path).await;
            scene.send(&device, FAILURES).await;
            scene.until_dead(FAILURES).await;
            scene.send(&device, 1).await;
            devices.push(device);
        }
        let (is_up, up) = switch();
        let _host = host.answers(move || Answer::new(if up() { taken } else { 503 }, &[], ""));
        scene.pass(REST / 2);
        assert_eq!(scene.called().await.target, "/1");
        scene.until_dead(1).await;
        scene.is_left_alone().await;
        is_up.store(true, Ordering::SeqCst);
        scene.send(&devices[0], 1).await;
        for path in ["/1", "/2"] {
            assert_eq!(scene.called().await.target, path);
        }
        scene.ends_well().await;
    }
}

#[tokio::test]
async fn however_many_are_refused_at_one_device_s_webhook_those_of_others_rest() {
    const MANY: usize = 70;
    let settings = WebhookSettings { remembered: MANY - 10, ..ONCE };
    let mut scene = Scene::of(settings, |_| taken_if(false)).await;
    let _ = scene.failing("/in").await;
    let stranger = scene.hooked("/stranger").await;
    scene.pass(1);
    for _ in 0..MANY {
        scene.send_by(&scene.another_sender().await, &stranger, 1).await;
    }
    scene.until_dead(MANY).await;
    for _ in 0..MANY {
        scene.called().await;
    }
    scene.is_left_alone().await;
}

#[tokio::test]
async fn an_address_that_its_device_has_no_more_does_not_count_among_those_that_fail() {
    let mut scene = Scene::down().await;
    let device = scene.hooked("/0").await;
    for path in ["/0", "/1", "/2", "/3"] {
        scene.post.rehook(&device, &[scene.hook_at(path)]).await;
        scene.fails(&device, FAILURES).await;
    }
    is_tried_after_each_rest(&mut scene, &device).await;
}

#[tokio::test]
async fn an_address_that_nothing_waits_for_does_not_count_among_those_that_fail_for_ever() {
    let mut scene = Scene::down().await;
    for path in ["/1", "/2", "/3"] {
        let device = scene.hooked(path).await;
        scene.fails(&device, FAILURES).await;
    }
    scene.pass(240 * REST);
    let device = scene.hooked("/4").await;
    scene.fails(&device, FAILURES).await;
    is_tried_after_each_rest(&mut scene, &device).await;
}

/// It rests no longer than somebody who fails alone.
async fn is_tried_after_each_rest(scene: &mut Scene, device: &Device) {
    for _ in 0..3 {
        scene.send(device, 1).await;
        scene.is_left_alone().await;
        scene.pass(REST);
        scene.called().await;
        scene.until_dead(1).await;
    }
}
