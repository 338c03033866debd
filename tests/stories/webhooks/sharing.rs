//! At a webhook each device's messages have their turns: whoever sends what takes long keeps nobody else waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::{Clock, Timestamp};
use tokio::sync::Semaphore;

use super::*;

/// As many calls as run at the same time.
const CALLS: usize = 64;
/// As many of them as a quick host gets.
const OF_A_QUICK_HOST: usize = CALLS / 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway that answers what asks for that only when the gate has a permit for it.
async fn gateway(gate: &Arc<Semaphore>) -> (FakeApi, mpsc::UnboundedReceiver<Seen>) {
    let (gate, (sender, calls)) = (Arc::clone(gate), mpsc::unbounded_channel());
    let api = FakeApi::start(move |seen| {
        let answer = Answer::new(201, &[], "");
        let takes_long = String::from_utf8_lossy(&seen.body).contains("slow");
        sender.send(seen.clone()).unwrap();
        if takes_long { answer.behind(&gate) } else { answer }
    });
    (api.await, calls)
}

#[tokio::test]
async fn a_flow_whose_jobs_take_long_keeps_no_other_from_the_same_gateway() {
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let post = Post::with(clock, loopback(), WebhookSettings { concurrency: CALLS, ..SETTINGS }).await;
    let gate = Arc::new(Semaphore::new(0));
    let (api, mut calls) = gateway(&gate).await;
    let device = post.hooked(hook(&api)).await;
    let (slow, quick) = (post.bus.device(json!({})).await, post.bus.device(json!({})).await);
    let send = async |sender: &Device, times: usize, job: &str| {
        post.send(sender, &json!({"devices": vec![&device.uuid; times], "job": job})).await;
    };
    let mut until_called = async |job: &str| {
        let called =
            async { while !String::from_utf8_lossy(&calls.recv().await.unwrap().body).contains(job) {} };
        tokio::time::timeout(PATIENCE, called).await.expect("it waits for the jobs of another flow");
    };
    send(&quick, 1, "first").await;
    until_called("first").await;
    post.until_nothing_waits().await;

    send(&slow, CALLS, "slow").await;
    while api.seen().len() <= OF_A_QUICK_HOST {
        tokio::task::yield_now().await;
    }
    send(&quick, 1, "second").await;
    until_called("second").await;
    // By now the gateway counts as slow.
    now.fetch_add(1000, Ordering::SeqCst);
    for job in ["third", "fourth"] {
        send(&quick, 1, job).await;
        until_called(job).await;
    }
    assert_eq!(api.seen().len(), OF_A_QUICK_HOST + 4, "the flow got no more calls");
    gate.add_permits(CALLS);
    post.until_nothing_waits().await;
    assert!(post.dead_letters().await.is_empty());
}

#[tokio::test]
async fn each_sender_has_its_turn_at_a_webhook_whatever_waits_for_longer() {
    let post = Post::with(Clock::system(), loopback(), WebhookSettings { concurrency: 1, ..SETTINGS }).await;
    let gate = Arc::new(Semaphore::new(0));
    let (api, mut calls) = gateway(&gate).await;
    let device = post.hooked(hook(&api)).await;
    let (busy, other) = (post.bus.device(json!({})).await, post.bus.device(json!({})).await);
    post.send(&busy, &json!({"devices": vec![&device.uuid; 20], "job": "slow"})).await;
    calls.recv().await.unwrap();
    post.send(&other, &json!({"devices": device.uuid, "job": "other"})).await;
    gate.add_permits(20);
    let mut before = 0;
    while !String::from_utf8_lossy(&calls.recv().await.unwrap().body).contains("other") {
        before += 1;
    }
    assert!(before <= 1, "{before} calls of who had one already");
    post.until_nothing_waits().await;
}
