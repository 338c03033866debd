//! What one device's webhooks take, of calls, of room in memory and of the store's time, leaves others theirs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc as blocking};

use endo::store::{Account, View};
use futures_util::future::{FutureExt, join_all};
use futures_util::poll;
use tokio::sync::Semaphore;

use super::*;

const LARGE: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// The servers that a device has webhooks at, each of which answers when the gate has a permit for it.
struct Busy {
    device: Device,
    servers: Vec<FakeApi>,
    gate: Arc<Semaphore>,
}

impl Busy {
    async fn at(post: &Post, hosts: usize) -> Self {
        let (gate, mut servers) = (Arc::new(Semaphore::new(0)), Vec::new());
        for _ in 0..hosts {
            let gate = Arc::clone(&gate);
            servers.push(FakeApi::start(move |_| Answer::new(200, &[], "").behind(&gate)).await);
        }
        let device = post.hooked(json!({"type": "none"})).await;
        let entries: Vec<_> = servers.iter().map(hook).collect();
        let update = json!({"$set": {"meshblu.forwarders.message.received": entries}});
        send(post.bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid)).json(&update))
            .await
            .is(204, "");
        Self { device, servers, gate }
    }

    fn calls(&self) -> usize {
        self.servers.iter().map(|server| server.seen().len()).sum()
    }

    async fn until_called(&self, times: usize) {
        while self.calls() < times {
            tokio::task::yield_now().await;
        }
    }
}

fn small(to: &Device) -> Value {
    json!({"devices": to.uuid})
}

fn large(to: &Device) -> Value {
    json!({"devices": to.uuid, "text": "x".repeat(LARGE)})
}

async fn is_called(calls: &mut mpsc::UnboundedReceiver<Seen>) {
    tokio::time::timeout(PATIENCE, calls.recv()).await.expect("it waits for another device's calls").unwrap();
}

/// A device whose servers are busy, another one's server, and who sends to both.
struct Scene {
    post: Post,
    sender: Device,
    busy: Busy,
    other: Device,
    calls: mpsc::UnboundedReceiver<Seen>,
    _api: FakeApi,
}

impl Scene {
    async fn set(hosts: usize, settings: WebhookSettings) -> Self {
        let post = Post::with(Clock::system(), loopback(), settings).await;
        let (busy, sender) = (Busy::at(&post, hosts).await, post.bus.device(json!({})).await);
        let (api, calls) = server(&[200]).await;
        let other = post.hooked(hook(&api)).await;
        Self { post, sender, busy, other, calls, _api: api }
    }

    /// Sends to the busy device, until so many of its servers are called.
    async fn keep_busy(&self, body: fn(&Device) -> Value, at_once: usize) {
        self.post.send(&self.sender, &body(&self.busy.device)).await;
        self.busy.until_called(at_once).await;
    }

    async fn send_to_the_other(&self, body: fn(&Device) -> Value) {
        self.post.send(&self.sender, &body(&self.other)).await;
    }

    async fn end(self) {
        self.busy.gate.add_permits(self.busy.servers.len());
        self.post.until_nothing_waits().await;
        assert!(self.post.dead_letters().await.is_empty());
    }
}

#[tokio::test]
async fn one_device_s_webhooks_leave_room_in_memory_to_another_s_whatever_hosts_they_are_at() {
    let settings = WebhookSettings { concurrency: 64, bodies_bytes: 9 * LARGE, ..SETTINGS };
    let mut scene = Scene::set(12, settings).await;
    scene.keep_busy(large, 4).await;
    for _ in 0..3 {
        scene.send_to_the_other(large).await;
        is_called(&mut scene.calls).await;
    }
    assert_eq!(scene.busy.calls(), 4);
    scene.end().await;
}

#[tokio::test]
async fn one_device_s_webhooks_leave_calls_to_another_s_whatever_hosts_they_are_at() {
    let mut scene = Scene::set(12, WebhookSettings { concurrency: 8, ..SETTINGS }).await;
    // Nobody knows its hosts, which so get half of the half that may be slow.
    scene.keep_busy(small, 2).await;
    scene.send_to_the_other(small).await;
    is_called(&mut scene.calls).await;
    assert_eq!(scene.busy.calls(), 2);
    scene.end().await;
}

#[tokio::test]
async fn who_waits_for_room_in_memory_gets_it_before_one_device_s_calls_of_all_its_hosts() {
    const HOSTS: usize = 8;
    let settings = WebhookSettings { bodies_bytes: LARGE + LARGE / 2, ..SETTINGS };
    let mut scene = Scene::set(HOSTS, settings).await;
    scene.keep_busy(large, 1).await;
    scene.send_to_the_other(large).await;
    let mut before = 1;
    loop {
        scene.busy.gate.add_permits(1);
        let next = async {
            tokio::select! {
                () = scene.busy.until_called(before + 1) => false,
                called = scene.calls.recv() => called.is_some(),
            }
        };
        if tokio::time::timeout(PATIENCE, next).await.expect("nobody is called") {
            break;
        }
        before += 1;
    }
    assert!(before < HOSTS / 2, "{before} calls of one device");
    scene.end().await;
}

#[tokio::test]
async fn what_a_webhook_is_looked_up_with_is_read_on_the_account_of_its_device() {
    const READS: usize = 20;
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let (device, sender) = (post.hooked(hook(&api)).await, post.bus.device(json!({})).await);
    let (go, told) = blocking::channel::<()>();
    let (told, done) = (Arc::new(Mutex::new(told)), Arc::new(AtomicUsize::new(0)));
    let read = |_| {
        let (told, done) = (Arc::clone(&told), Arc::clone(&done));
        let wait = move |_: &View<'_>| {
            told.lock().unwrap().recv().map_err(|_| StoreError::Closed)?;
            done.fetch_add(1, Ordering::SeqCst);
            Ok::<_, StoreError>(())
        };
        let store = post.bus.bus.store().clone();
        let account = Account::Of(device.uuid.as_str().into());
        async move { store.read_for(account, wait).await }.boxed()
    };
    let mut reads: Vec<_> = (0..READS).map(read).collect();
    for read in &mut reads {
        assert!(poll!(read).is_pending());
    }
    let reads = tokio::spawn(join_all(reads));
    post.send(&sender, &small(&device)).await;
    for n in 1..READS - 1 {
        go.send(()).unwrap();
        while done.load(Ordering::SeqCst) < n {
            tokio::task::yield_now().await;
        }
        send(post.bus.anonymous("GET /ping")).await.is(200, r#"{"online":true}"#);
        assert!(calls.try_recv().is_err(), "it went before {} reads of its device", READS - n);
    }
    go.send(()).unwrap();
    go.send(()).unwrap();
    is_called(&mut calls).await;
    assert!(reads.await.unwrap().iter().all(Result::is_ok));
}
