//! A host whose answers are the test's, another that is always well, and a clock and rests in the test's hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use endo::ambient::Timestamp;
use tokio::net::TcpSocket;

use super::*;

pub(super) const REST: i64 = 60_000;
pub(super) const FAILURES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// One attempt a delivery: every failure leaves a dead letter, and whatever waits was not tried.
pub(super) const ONCE: WebhookSettings = WebhookSettings {
    attempts: 1,
    longest_delay: Duration::from_millis(600 * REST as u64),
    concurrency: 64,
    breaker: BreakerSettings { failures: FAILURES as u32, rest: Duration::from_millis(REST as u64) },
    ..SETTINGS
};

pub(super) struct Scene {
    pub(super) post: Post,
    now: Arc<AtomicI64>,
    fraction: Arc<AtomicU64>,
    pub(super) calls: mpsc::UnboundedReceiver<Seen>,
    port: u16,
    well: (Device, mpsc::UnboundedReceiver<Seen>),
    pub(super) sender: Device,
    letters: usize,
    _servers: Vec<FakeApi>,
}

impl Scene {
    /// The host answers like this.
    pub(super) async fn of(
        settings: WebhookSettings,
        answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (seen_by, calls) = mpsc::unbounded_channel();
        let api = FakeApi::start(move |seen| {
            let answer = answer(seen);
            seen_by.send(seen.clone()).unwrap();
            answer
        });
        let api = api.await;
        let mut scene = Self::at(settings, api.port, calls).await;
        scene._servers.push(api);
        scene
    }

    /// The host is down.
    pub(super) async fn down() -> Self {
        Self::of(ONCE, |_| taken_if(false)).await
    }

    /// Nobody listens at the host yet.
    pub(super) async fn unheard(settings: WebhookSettings) -> (Self, Host) {
        let (seen_by, calls) = mpsc::unbounded_channel();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        (Self::at(settings, port, calls).await, Host { socket, seen_by })
    }

    async fn at(settings: WebhookSettings, port: u16, calls: mpsc::UnboundedReceiver<Seen>) -> Self {
        let now = Arc::new(AtomicI64::new(1_768_478_400_000));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        let (fraction, random) = told_fractions();
        let post = Post::by(Ambient { clock, random }, loopback(), settings).await;
        let (other, others) = server(&[200]).await;
        let (well, sender) = (post.hooked(hook(&other)).await, post.bus.device(json!({})).await);
        Self {
            post,
            now,
            fraction,
            calls,
            port,
            well: (well, others),
            sender,
            letters: 0,
            _servers: vec![other],
        }
    }

    /// The entry of a webhook at the host.
    pub(super) fn hook_at(&self, path: &str) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        json!({"type": "webhook", "url": url, "method": "POST"})
    }

    /// A device that has one.
    pub(super) async fn hooked(&self, path: &str) -> Device {
        self.post.hooked(self.hook_at(path)).await
    }

    /// Somebody else who sends.
    pub(super) async fn another_sender(&self) -> Device {
        self.post.bus.device(json!({})).await
    }

    /// The sender has so many messages for the device.
    pub(super) async fn send(&self, to: &Device, times: usize) {
        self.send_by(&self.sender, to, times).await;
    }

    pub(super) async fn send_by(&self, sender: &Device, to: &Device, times: usize) {
        self.post.send(sender, &json!({"devices": vec![&to.uuid; times], "sender": sender.uuid})).await;
    }

    /// So many messages for the device fail there.
    pub(super) async fn fails(&mut self, device: &Device, times: usize) {
        self.send(device, times).await;
        self.until_dead(times).await;
        for _ in 0..times {
            self.called().await;
        }
    }

    /// A device whose webhook there failed until it was left alone, and for which one more message waits.
    pub(super) async fn failing(&mut self, path: &str) -> Device {
        let device = self.hooked(path).await;
        self.fails(&device, FAILURES).await;
        self.send(&device, 1).await;
        device
    }

    pub(super) async fn until_dead(&mut self, more: usize) {
        self.letters += more;
        while self.post.dead_letters().await.len() < self.letters {}
    }

    /// Everything was delivered but what is dead.
    pub(super) async fn ends_well(&self) {
        self.post.until_nothing_waits().await;
        assert_eq!(self.post.dead_letters().await.len(), self.letters);
    }

    /// Whoever fails from here on rests for the shortest of all rests that it may get, and so much of what is between that and the
    /// longest; for the longest where nothing is said.
    pub(super) fn rests_last(&self, fraction: f64) {
        self.fraction.store((fraction * u64::MAX as f64) as u64, Ordering::SeqCst);
    }

    /// Nobody is called before so much time has passed.
    pub(super) async fn is_left_alone_for(&mut self, millis: i64) {
        self.pass(millis - 1);
        self.is_left_alone().await;
        self.pass(1);
    }

    pub(super) fn pass(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.post.bus.bus.webhook_bell().notify_one();
    }

    /// The next call of the host.
    pub(super) async fn called(&mut self) -> Seen {
        let call = tokio::time::timeout(PATIENCE, self.calls.recv()).await;
        call.expect("it is left alone").unwrap()
    }

    /// Until the other host's webhook is called and this one is not.
    pub(super) async fn until_left_alone(&mut self) {
        loop {
            while self.calls.try_recv().is_ok() {}
            self.send(&self.well.0, 1).await;
            self.well.1.recv().await.unwrap();
            if self.calls.is_empty() {
                return;
            }
        }
    }

    /// The other host's webhook is called meanwhile, and this one is not.
    pub(super) async fn is_left_alone(&mut self) {
        self.send(&self.well.0, 1).await;
        self.well.1.recv().await.unwrap();
        assert!(self.calls.try_recv().is_err());
    }
}

/// A host that nobody listens at yet.
pub(super) struct Host {
    socket: TcpSocket,
    seen_by: mpsc::UnboundedSender<Seen>,
}

impl Host {
    /// It listens, and takes all that comes.
    pub(super) fn listens(self) -> FakeApi {
        self.answers(|| taken_if(true))
    }

    /// It listens, and answers like this.
    pub(super) fn answers(self, answer: impl Fn() -> Answer + Send + Sync + 'static) -> FakeApi {
        let Self { socket, seen_by } = self;
        FakeApi::on(socket.listen(8).unwrap(), move |seen| {
            let answer = answer();
            seen_by.send(seen.clone()).unwrap();
            answer
        })
    }
}

/// An answer that the host is down, or that it has taken it.
pub(super) fn taken_if(is_taken: bool) -> Answer {
    Answer::new(if is_taken { 200 } else { 503 }, &[], "")
}

/// Randomness whose fractions are told, the highest where none is.
fn told_fractions() -> (Arc<AtomicU64>, Random) {
    let told = Arc::new(AtomicU64::new(u64::MAX));
    let (fraction, system) = (Arc::clone(&told), Random::system());
    let fill = move |bytes: &mut [u8]| match <&mut [u8; 8]>::try_from(&mut *bytes) {
        Ok(bytes) => *bytes = fraction.load(Ordering::SeqCst).to_le_bytes(),
        Err(_) => bytes.iter_mut().for_each(|byte| [*byte] = system.bytes()),
    };
    (told, Random::from_fn(fill))
}

/// What is true once it was said.
pub(super) fn switch() -> (Arc<AtomicBool>, impl Fn() -> bool) {
    let switch = Arc::new(AtomicBool::new(false));
    let read = Arc::clone(&switch);
    (switch, move || read.load(Ordering::SeqCst))
}
