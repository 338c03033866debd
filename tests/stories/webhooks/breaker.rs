//! A destination that fails again and again is left alone for a while; what waits for it loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use endo::ambient::Timestamp;
use tokio::sync::Semaphore;

use super::*;

const REST: i64 = 60_000;
const FAILURES: usize = 5;

/// One attempt a delivery: every failure leaves a dead letter, and whatever waits was not tried.
const ONCE: WebhookSettings = WebhookSettings {
    attempts: 1,
    longest_delay: Duration::from_millis(60 * REST as u64),
    concurrency: 64,
    breaker: BreakerSettings { failures: FAILURES as u32, rest: Duration::from_millis(REST as u64) },
    ..SETTINGS
};

/// A destination that fails at first, another that does not, and a clock in the test's hands.
struct Scene {
    post: Post,
    now: Arc<AtomicI64>,
    gate: Arc<Semaphore>,
    calls: mpsc::UnboundedReceiver<Seen>,
    device: Device,
    well: (Device, mpsc::UnboundedReceiver<Seen>),
    sender: Device,
    _servers: [FakeApi; 2],
}

impl Scene {
    /// The destination fails so many times, then takes what it gets, each once the gate has a permit for it.
    async fn new(failures: usize) -> Self {
        let now = Arc::new(AtomicI64::new(1_768_478_400_000));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        let post = Post::with(clock, loopback(), ONCE).await;
        let (gate, (sender, calls)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
        let (opened, count) = (Arc::clone(&gate), AtomicUsize::new(0));
        let api = FakeApi::start(move |seen| {
            sender.send(seen.clone()).unwrap();
            match count.fetch_add(1, Ordering::SeqCst) < failures {
                true => Answer::new(503, &[], ""),
                false => Answer::new(200, &[], "").behind(&opened),
            }
        })
        .await;
        // On another port of the same host.
        let (other, others) = server(&[200]).await;
        let (device, well) = (post.hooked(hook(&api)).await, post.hooked(hook(&other)).await);
        let sender = post.bus.device(json!({})).await;
        let _servers = [api, other];
        Self { post, now, gate, calls, device, well: (well, others), sender, _servers }
    }

    /// Accepts so many deliveries for the destination.
    async fn send(&self, deliveries: usize) {
        let devices: Vec<_> = std::iter::repeat_n(&self.device.uuid, deliveries).collect();
        self.post.send(&self.sender, &json!({ "devices": devices })).await;
    }

    async fn calls(&mut self, count: usize) {
        for _ in 0..count {
            self.calls.recv().await.unwrap();
        }
    }

    async fn until_dead(&self, letters: usize) {
        while self.post.dead_letters().await.len() < letters {}
    }

    fn wait(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.post.bus.bus.webhook_bell().notify_one();
    }

    /// Somebody else's webhook is called meanwhile, and the destination is not.
    async fn leaves_it_alone(&mut self) {
        let well = json!({"devices": [self.well.0.uuid]});
        self.post.send(&self.sender, &well).await;
        self.well.1.recv().await.unwrap();
        assert!(self.calls.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_destination_that_fails_is_left_alone_then_tried_once_then_gets_what_waited() {
    let mut scene = Scene::new(FAILURES).await;
    scene.send(FAILURES).await;
    scene.calls(FAILURES).await;
    scene.until_dead(FAILURES).await;
    scene.send(3).await;
    scene.leaves_it_alone().await;
    scene.wait(REST - 1);
    scene.leaves_it_alone().await;
    scene.wait(1);
    scene.calls(1).await;
    scene.leaves_it_alone().await;
    scene.gate.add_permits(3);
    scene.calls(2).await;
    scene.post.until_nothing_waits().await;
    assert_eq!(scene.post.dead_letters().await.len(), FAILURES);
}

#[tokio::test]
async fn a_destination_that_fails_its_trial_rests_again() {
    let mut scene = Scene::new(FAILURES + 1).await;
    scene.gate.add_permits(3);
    scene.send(FAILURES).await;
    scene.until_dead(FAILURES).await;
    scene.send(3).await;
    scene.wait(REST);
    scene.until_dead(FAILURES + 1).await;
    scene.calls(FAILURES + 1).await;
    scene.leaves_it_alone().await;
    scene.wait(REST);
    scene.calls(2).await;
    scene.post.until_nothing_waits().await;
    assert_eq!(scene.post.dead_letters().await.len(), FAILURES + 1);
}

#[tokio::test]
async fn what_waits_too_long_for_a_destination_that_fails_becomes_a_dead_letter() {
    let mut scene = Scene::new(usize::MAX).await;
    scene.send(FAILURES).await;
    scene.until_dead(FAILURES).await;
    scene.send(3).await;
    scene.wait(60 * REST);
    scene.until_dead(FAILURES + 1).await;
    scene.send(1).await;
    scene.wait(REST);
    scene.until_dead(FAILURES + 3).await;
    let mut reasons: Vec<_> =
        scene.post.dead_letters().await.into_iter().map(|letter| letter.reason).collect();
    reasons.sort();
    assert_eq!(reasons, [vec!["destination failing"; 1], vec!["status 503"; FAILURES + 2]].concat());
    assert_eq!(scene.post.waiting().await, 1);
    scene.calls(FAILURES + 2).await;
    scene.leaves_it_alone().await;
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

/// A server that fails at every address but `/good`.
async fn half_well() -> (FakeApi, mpsc::UnboundedReceiver<Seen>) {
    let (sender, calls) = mpsc::unbounded_channel();
    let api = FakeApi::start(move |seen| {
        sender.send(seen.clone()).unwrap();
        Answer::new(if seen.target == "/good" { 200 } else { 503 }, &[], "")
    });
    (api.await, calls)
}

fn hook_at(api: &FakeApi, path: &str) -> Value {
    json!({"type": "webhook", "url": api.url(path), "method": "POST"})
}

#[tokio::test]
async fn a_webhook_that_fails_keeps_nothing_from_another_at_its_host() {
    let post = Post::with(Clock::system(), loopback(), ONCE).await;
    let (api, mut calls) = half_well().await;
    let (bad, good) = (post.hooked(hook_at(&api, "/bad")).await, post.hooked(hook_at(&api, "/good")).await);
    let sender = post.bus.device(json!({})).await;
    let many: Vec<_> = std::iter::repeat_n(&bad.uuid, FAILURES + 3).collect();
    post.send(&sender, &json!({ "devices": many })).await;
    while post.dead_letters().await.len() < FAILURES {}
    let before = post.waiting().await;
    post.send(&sender, &json!({"devices": [good.uuid]})).await;
    while calls.recv().await.unwrap().target != "/good" {}
    while post.waiting().await > before {}
    assert!(post.dead_letters().await.iter().all(|letter| letter.delivery.device.as_str() == bad.uuid));
}

/// A post whose clock is in the test's hands, a server that fails at every address but `/good`, and one that does not.
struct HalfWell {
    post: Post,
    now: Arc<AtomicI64>,
    bad: (FakeApi, mpsc::UnboundedReceiver<Seen>),
    well: (Device, mpsc::UnboundedReceiver<Seen>),
    sender: Device,
    letters: usize,
    _well: FakeApi,
}

impl HalfWell {
    async fn new() -> Self {
        let now = Arc::new(AtomicI64::new(1_768_478_400_000));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        let post = Post::with(clock, loopback(), ONCE).await;
        let (bad, (_well, calls)) = (half_well().await, server(&[200]).await);
        let (sender, well) = (post.bus.device(json!({})).await, post.hooked(hook(&_well)).await);
        Self { post, now, bad, well: (well, calls), sender, letters: 0, _well }
    }

    async fn send(&self, to: &Device, times: usize) {
        self.post.send(&self.sender, &json!({"devices": vec![&to.uuid; times]})).await;
    }

    /// What the device has fails until it is left alone.
    async fn fails(&mut self, device: &Device) {
        self.send(device, FAILURES).await;
        self.letters += FAILURES;
        while self.post.dead_letters().await.len() < self.letters {}
        while self.bad.1.try_recv().is_ok() {}
    }

    /// After one rest it is tried at this address.
    async fn is_tried_after_a_rest(&mut self, device: &Device, path: &str) {
        self.send(device, 1).await;
        self.send(&self.well.0, 1).await;
        self.well.1.recv().await.unwrap();
        assert!(self.bad.1.try_recv().is_err());
        self.now.fetch_add(REST, Ordering::SeqCst);
        self.post.bus.bus.webhook_bell().notify_one();
        assert_eq!(self.bad.1.recv().await.unwrap().target, path);
    }
}

/// Has the device's webhooks be these and no others.
async fn rehook(post: &Post, device: &Device, entries: &[Value]) {
    let update = json!({"$set": {"meshblu.forwarders.message.received": entries}});
    let call = post.bus.by(device, &format!("PUT /v2/devices/{}", device.uuid));
    send(call.json(&update)).await.is(204, "");
}

#[tokio::test]
async fn an_address_that_its_device_has_no_more_does_not_count_among_those_that_fail() {
    let mut scene = HalfWell::new().await;
    let device = scene.post.hooked(hook_at(&scene.bad.0, "/0")).await;
    for path in ["/0", "/1", "/2", "/3"] {
        rehook(&scene.post, &device, &[hook_at(&scene.bad.0, path)]).await;
        scene.fails(&device).await;
    }
    scene.is_tried_after_a_rest(&device, "/3").await;
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
    let (bad, slow) = (hook_at(&api, "/bad"), hook_at(&api, "/held"));
    let (sender, device) = (post.bus.device(json!({})).await, post.hooked(bad.clone()).await);
    let steps = [vec![bad.clone()], vec![slow.clone(), bad.clone()], vec![bad], vec![slow]];
    for (before, entries) in steps.iter().enumerate() {
        rehook(&post, &device, entries).await;
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

#[tokio::test]
async fn an_address_that_nothing_waits_for_does_not_count_among_those_that_fail_for_ever() {
    let mut scene = HalfWell::new().await;
    for path in ["/1", "/2", "/3"] {
        let device = scene.post.hooked(hook_at(&scene.bad.0, path)).await;
        scene.fails(&device).await;
    }
    scene.now.fetch_add(120 * REST, Ordering::SeqCst);
    let device = scene.post.hooked(hook_at(&scene.bad.0, "/4")).await;
    scene.fails(&device).await;
    scene.is_tried_after_a_rest(&device, "/4").await;
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
