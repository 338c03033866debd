//! A gateway that renews its secrets: before their use, ahead of their ends, and when the API refuses them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod ahead;
mod forgotten;
mod handlers;
mod killed;
mod leaving;
mod quoting;
mod refused;
mod remote;
mod shared;
mod signed_in_meanwhile;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::config::Config;
use endo::credentials::{Account, Standing};
use endo::store::{StoreError, StoredRecord};
use endo::vault::SecretText;
use serde_json::{Value, json};

use crate::support::account::octocat;
use crate::support::gateway::{Chain, TestGateway};
use crate::support::provider::FakeProvider;

const HOUR: Duration = Duration::from_secs(3600);

/// A clock that stands where it was put.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn at(millis: i64) -> Self {
        Self(Arc::new(AtomicI64::new(millis)))
    }

    fn forward(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Clock::from_fn(move || hand.now())
    }
}

/// A gateway whose API is a provider's, an account there, and a flow that uses it.
struct House {
    provider: FakeProvider,
    gateway: TestGateway,
    chain: Chain,
    hand: Hand,
}

impl House {
    /// With the provider's first pair of tokens, whose life is known or not.
    async fn open(lifetime: Option<Duration>) -> Self {
        Self::with(lifetime, |_| ()).await
    }

    async fn with(lifetime: Option<Duration>, change: impl FnOnce(&mut Config)) -> Self {
        let provider = FakeProvider::start().await;
        let hand = Hand::at(1_800_000_000_000);
        let settings = provider.settings();
        let gateway = TestGateway::at(hand.clock(), &provider.api.url(""), |config| {
            config.source = settings;
            change(config);
        })
        .await;
        let (access, refresh) = provider.grant();
        let asked = Some(gateway.gateway.credentials.asking().await.unwrap());
        let account = Account { asked, lifetime, ..account(&gateway, &access, Some(&refresh)) };
        let chain = gateway.chain_of(account).await;
        Self { provider, gateway, chain, hand }
    }

    /// What the flow is answered.
    async fn ask(&mut self) -> Value {
        self.gateway.exchange(&mut self.chain, list_events()).await
    }

    async fn standing(&self) -> Standing {
        self.gateway.gateway.credentials.standing(&self.chain.credentials).await.unwrap()
    }

    async fn record(&self) -> StoredRecord {
        let device = self.chain.credentials.clone();
        let look = self.gateway.gateway.store.read::<_, StoreError, _>(move |view| view.record(&device));
        look.await.unwrap().unwrap()
    }

    /// How often in a row the provider gave nothing, as it is noted.
    async fn failures(&self) -> u32 {
        let device = self.chain.credentials.clone();
        let look = self.gateway.gateway.store.read::<_, StoreError, _>(move |view| view.renewal(&device));
        look.await.unwrap().and_then(|renewal| renewal.refresh).map_or(0, |refresh| refresh.failures)
    }

    fn link(&self) -> String {
        format!("http://{}/auth/api?credentials={}", self.gateway.running.gateway(), self.chain.credentials)
    }
}

/// The account, as a sign-in with these tokens brings it, whose life nobody knows.
fn account(gateway: &TestGateway, access: &str, refresh: Option<&str>) -> Account {
    let owner = gateway.gateway.owner.as_ref().unwrap().uuid.as_str();
    Account { refresh_token: refresh.map(SecretText::from), ..octocat(583_231, access, owner) }
}

fn list_events() -> Value {
    json!({"metadata": {"jobType": "ListEventsByUser", "respondTo": "n"}, "data": {"username": "octocat"}})
}

/// Looks again and again until it is so.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while !what() {
        ticks.tick().await;
    }
}
