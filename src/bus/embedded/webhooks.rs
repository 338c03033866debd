//! Calls the webhooks of devices until they take what was accepted for them.

mod answer;
mod at_host;
mod attempt;
mod courier;
mod destination;
mod destinations;
mod failures;
mod host;
mod hosts;
mod known;
mod pass;
mod permit;
mod signing;
mod trials;
mod well;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::courier::Courier;
use self::destinations::Destinations;
use self::permit::Permit;
use super::EmbeddedBus;
use super::target::Target;
use crate::ambient::Ambient;
use crate::config;
use crate::egress::{BreakerSettings, Egress};
use crate::message::DeviceUuid;
use crate::sharing::{Turn, Turns};
use crate::store::{Claim, Feed, Handed, LineKey, QueuedDelivery, Taken};
use crate::telemetry::with_causes;

/// How long to wait before asking a store again that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(200);
/// A flow that is deployed anew has its webhooks again within this time.
const GRACE: Duration = Duration::from_secs(300);
/// What all bodies may take in memory that are being delivered.
const BODIES_BYTES: usize = 128 << 20;
/// About 8 MiB. Each look at the queue goes through all of them.
const REMEMBERED: usize = 4096;
/// This part of the calls that are free is taken from the queue at a time, whatever hosts it is for.
const PART: usize = 8;

/// How often, and how many at a time, webhooks are called.
#[derive(Clone, Copy, Debug)]
pub struct WebhookSettings {
    /// Attempts until a delivery is given up.
    pub attempts: u32,
    /// The longest wait before the second attempt; twice as long before each further one.
    pub first_delay: Duration,
    /// Where that growth ends.
    pub longest_delay: Duration,
    /// How long a webhook is awaited that its device has no more: whoever changes one may take it away first.
    pub grace: Duration,
    /// Calls at the same time.
    pub concurrency: usize,
    /// Bytes of memory that what is being delivered may take together, what is small not counted. What does not fit waits.
    pub bodies_bytes: usize,
    /// When somebody who fails is left alone, and for how long at first: for between half of that and the whole.
    pub breaker: BreakerSettings,
    /// Webhooks that fail, and senders who fail at one, remembered at a time: each takes at most 2 KiB.
    pub remembered: usize,
}

impl From<&config::Webhooks> for WebhookSettings {
    fn from(settings: &config::Webhooks) -> Self {
        Self {
            attempts: settings.attempts,
            first_delay: Duration::from_millis(settings.first_delay_ms),
            longest_delay: Duration::from_secs(settings.longest_delay_seconds),
            grace: GRACE,
            concurrency: settings.concurrency,
            bodies_bytes: BODIES_BYTES,
            breaker: BreakerSettings::default(),
            remembered: REMEMBERED,
        }
    }
}

/// The worker that calls webhooks. Whatever was accepted is delivered at least once, under one constant id, or becomes
/// a dead letter.
#[derive(Clone, Debug)]
pub struct Webhooks {
    feed: Arc<Feed>,
    courier: Arc<Courier>,
    /// What the devices share whose webhooks they are.
    turns: Turns,
}

impl Webhooks {
    /// A worker that takes from `feed`, a feed of [`Work::Webhook`](crate::store::Work::Webhook), and calls by `egress`.
    pub fn new(feed: Feed, bus: EmbeddedBus, egress: Egress, settings: WebhookSettings) -> Self {
        let turns = Turns::within(settings.concurrency, settings.bodies_bytes);
        let ambient = Ambient { clock: bus.clock.clone(), random: bus.random.clone() };
        let destinations = Destinations::new(&settings, ambient, bus.webhook_bell());
        let feed = Arc::new(feed.putting_off_at_most(settings.longest_delay.max(settings.grace)));
        let courier = Arc::new(Courier { bus, feed: Arc::clone(&feed), egress, destinations, settings });
        Self { feed, courier, turns }
    }

    /// Works until `stop` turns true, then finishes the calls that run. What is left stays in the queue.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut calls = JoinSet::new();
        self.courier.end_all_lent().await;
        self.recall_well().await;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = self.start_some(&mut calls) => {}
            }
        }
        self.turns.close();
        while calls.join_next().await.is_some() {}
    }

    /// Has whoever was taken before this process began not wait with those of whom nothing is known.
    async fn recall_well(&self) {
        match self.feed.untroubled_lines(well::MOST).await {
            Ok(lines) => self.courier.destinations.take_for_well(&lines),
            Err(error) => tracing::error!(error = with_causes(&error), "cannot read the queue"),
        }
    }

    async fn start_some(&self, calls: &mut JoinSet<()>) {
        while calls.try_join_next().is_some() {}
        while self.turns.free() == 0 {
            calls.join_next().await;
        }
        let destinations = &self.courier.destinations;
        destinations.forget_untried();
        let most = self.turns.free().div_ceil(PART);
        let turns = self.turns.clone();
        let admit = move |device: &DeviceUuid, bytes| turns.now(device, bytes);
        match self.feed.next(most, || destinations.passed_over(), admit).await {
            Ok(handed) => handed.into_iter().for_each(|handed| self.start(calls, handed)),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "cannot read the queue");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }

    fn start(&self, calls: &mut JoinSet<()>, handed: Handed<Turn>) {
        match handed {
            Handed::Now(taken, turn) => {
                let Some(permit) = self.admit(&taken) else { return };
                let courier = Arc::clone(&self.courier);
                calls.spawn(async move { courier.handle(taken, permit, turn).await });
            }
            Handed::Later(claim) => {
                calls.spawn(self.clone().once_it_has_a_turn(claim));
            }
        }
    }

    async fn once_it_has_a_turn(self, claim: Claim) {
        let Some(turn) = self.turns.next(&claim.device, claim.bytes).await else { return };
        match self.feed.take(claim).await {
            Ok(Some(taken)) => {
                let Some(permit) = self.admit(&taken) else { return };
                self.courier.handle(taken, permit, turn).await;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(error = with_causes(&error), "cannot read the queue"),
        }
    }

    /// None for what was taken together with the last call that its host, webhook or line gets now: it goes back to the queue.
    fn admit(&self, taken: &Taken) -> Option<Permit> {
        let QueuedDelivery { new, user_device, .. } = &taken.delivery;
        let webhook = Target::key(&new.device, new.target.as_deref());
        self.courier.destinations.admit(LineKey::new(webhook, user_device.clone()))
    }
}
