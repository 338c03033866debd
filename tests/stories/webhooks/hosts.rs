//! Of the webhooks that fail at a host one is tried a rest, until one is well again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use endo::ambient::Timestamp;

use super::*;

const REST: i64 = 60_000;
const FAILURES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// One attempt a delivery: every failure leaves a dead letter, and whatever waits was not tried.
const ONCE: WebhookSettings = WebhookSettings {
    attempts: 1,
    longest_delay: Duration::from_millis(600 * REST as u64),
    concurrency: 64,
    breaker: BreakerSettings { failures: FAILURES as u32, rest: Duration::from_millis(REST as u64) },
    ..SETTINGS
};

/// A host that fails at `/bad` addresses, and at others while it is down; another one; and a clock in the test's hands.
struct Scene {
    post: Post,
    now: Arc<AtomicI64>,
    is_down: Arc<AtomicBool>,
    host: (FakeApi, mpsc::UnboundedReceiver<Seen>),
    well: (Device, mpsc::UnboundedReceiver<Seen>),
    sender: Device,
    letters: usize,
    _well: FakeApi,
}

impl Scene {
    async fn new() -> Self {
        let now = Arc::new(AtomicI64::new(1_768_478_400_000));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        let post = Post::with(clock, loopback(), ONCE).await;
        let (is_down, (seen_by, calls)) = (Arc::new(AtomicBool::new(true)), mpsc::unbounded_channel());
        let down = Arc::clone(&is_down);
        let api = FakeApi::start(move |seen| {
            seen_by.send(seen.clone()).unwrap();
            let fails = down.load(Ordering::SeqCst) || seen.target.starts_with("/bad");
            Answer::new(if fails { 503 } else { 200 }, &[], "")
        })
        .await;
        let (_well, others) = server(&[200]).await;
        let (sender, well) = (post.bus.device(json!({})).await, post.hooked(hook(&_well)).await);
        Self { post, now, is_down, host: (api, calls), well: (well, others), sender, letters: 0, _well }
    }

    async fn send(&self, to: &Device, times: usize) {
        self.post.send(&self.sender, &json!({"devices": vec![&to.uuid; times]})).await;
    }

    /// A device whose webhook there failed until it was left alone, and for which one more delivery waits.
    async fn failing(&mut self, path: &str) -> Device {
        let webhook = json!({"type": "webhook", "url": self.host.0.url(path), "method": "POST"});
        let device = self.post.hooked(webhook).await;
        self.send(&device, FAILURES).await;
        self.until_dead(FAILURES).await;
        for _ in 0..FAILURES {
            assert_eq!(self.called().await, path);
        }
        self.send(&device, 1).await;
        device
    }

    async fn until_dead(&mut self, more: usize) {
        self.letters += more;
        while self.post.dead_letters().await.len() < self.letters {}
    }

    fn pass(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.post.bus.bus.webhook_bell().notify_one();
    }

    /// The address that is called next.
    async fn called(&mut self) -> String {
        let call = tokio::time::timeout(PATIENCE, self.host.1.recv()).await;
        call.expect("it is left alone").unwrap().target
    }

    /// Somebody else's webhook is called meanwhile, and the host is not.
    async fn is_left_alone(&mut self) {
        self.send(&self.well.0, 1).await;
        self.well.1.recv().await.unwrap();
        assert!(self.host.1.try_recv().is_err());
    }
}

#[tokio::test]
async fn of_the_webhooks_that_fail_at_a_host_one_is_tried_a_rest() {
    let mut scene = Scene::new().await;
    for path in ["/bad/1", "/bad/2", "/bad/3"] {
        let _ = scene.failing(path).await;
    }
    let mut tried = Vec::new();
    for _ in 0..3 {
        scene.pass(REST - 1);
        scene.is_left_alone().await;
        scene.pass(1);
        tried.push(scene.called().await);
        scene.until_dead(1).await;
        scene.is_left_alone().await;
    }
    tried.sort();
    assert_eq!(tried, ["/bad/1", "/bad/2", "/bad/3"]);
}

#[tokio::test]
async fn a_webhook_that_is_well_again_ends_the_wait_of_all_others_of_its_host() {
    let mut scene = Scene::new().await;
    for path in ["/1", "/2", "/3", "/4"] {
        let _ = scene.failing(path).await;
    }
    scene.is_down.store(false, Ordering::SeqCst);
    scene.pass(REST);
    for _ in 0..4 {
        scene.called().await;
    }
    scene.post.until_nothing_waits().await;
    assert_eq!(scene.post.dead_letters().await.len(), scene.letters);
}
