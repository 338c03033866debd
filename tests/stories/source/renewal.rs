//! Renewing a secret at a provider that speaks HTTP, and fails in every way it can.

mod in_doubt;
mod shared;
mod short_lived;

use std::sync::Arc;
use std::time::Duration;

use endo::ambient::{Ambient, Random};
use endo::egress::EgressSettings;
use endo::message::DeviceUuid;
use endo::source::Retry;
use endo::source::renewal::{
    BeforeUse, Rejection, RenewalError, RenewalSettings, Renewals, Renewed, Renewer, Upstream, begin_life,
    renew_at,
};
use endo::store::{
    RenewalStage, Store, StoreError, StoredRecord, StoredRefreshToken, StoredRenewal, Transaction,
};
use endo::vault::SecretText;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::{Hand, NOW, plain, plain_records, read};
use crate::support::provider::{FakeProvider, Fault, client};
use crate::support::store;

const HOUR: Duration = Duration::from_secs(3600);

/// A credential of a provider, and a store that keeps it.
struct Bench {
    provider: FakeProvider,
    store: Store,
    hand: Hand,
    device: DeviceUuid,
    /// How long the provider may take.
    api_timeout: Duration,
    _directory: TempDir,
}

impl Bench {
    /// A credential that lives for an hour from now on.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bench = Self {
            provider: FakeProvider::start().await,
            store: store::open(directory.path()),
            hand: Hand::new(),
            device: "credentials".into(),
            api_timeout: Duration::from_millis(200),
            _directory: directory,
        };
        let (access, refresh) = bench.provider.grant();
        bench.keep(plain(1, &access, Some(&refresh))).await;
        bench
    }

    /// The same, that waits for an answer for as long as it takes.
    async fn patient() -> Self {
        Self { api_timeout: HOUR, ..Self::new().await }
    }

    /// What a sign-in does.
    async fn keep(&self, record: StoredRecord) {
        self.keep_living(record, HOUR).await;
    }

    /// The same, where the access token lives so long.
    async fn keep_living(&self, record: StoredRecord, lifetime: Duration) {
        let (device, now) = (self.device.clone(), self.hand.now());
        let keep = move |transaction: &Transaction<'_>| {
            assert!(transaction.store_record(&device, &record)?);
            let refresh = read(&record).1.map(|token| SecretText::from(token).fingerprint());
            let life = begin_life(record.generation, now, Some(lifetime), 0.0);
            transaction.store_renewal(&device, &life.renewed_by(refresh.map(StoredRefreshToken::new)))
        };
        self.store.write::<_, StoreError, _>(keep).await.unwrap();
    }

    fn renewer(&self, retry: Retry, settings: RenewalSettings) -> Renewer {
        let egress = EgressSettings { api_timeout: self.api_timeout, ..EgressSettings::default() };
        let mut upstream = Upstream::from(client(&self.provider.settings(), egress));
        upstream.retry = retry;
        let ambient = Ambient { clock: self.hand.clock(), random: Random::system() };
        Renewer::new(self.store.clone(), plain_records(), upstream, ambient).with(settings)
    }

    fn renewals(&self, retry: Retry) -> Renewals {
        Renewals::new(self.renewer(retry, RenewalSettings::default()))
    }

    async fn record(&self) -> StoredRecord {
        let device = self.device.clone();
        self.store.read::<_, StoreError, _>(move |view| view.record(&device)).await.unwrap().unwrap()
    }

    async fn renewal(&self) -> StoredRenewal {
        let device = self.device.clone();
        self.store.read::<_, StoreError, _>(move |view| view.renewal(&device)).await.unwrap().unwrap()
    }

    /// What is known of the refresh token that renews it.
    async fn refresh(&self) -> StoredRefreshToken {
        self.renewal().await.refresh.unwrap()
    }

    /// What whoever uses the secret does before.
    async fn before_use(&self, renewals: &Renewals) -> Result<(), RenewalError> {
        let (known, generation) = (self.renewal().await, self.record().await.generation);
        match BeforeUse::of(Some(&known), generation, self.hand.now(), true) {
            BeforeUse::Use => Ok(()),
            BeforeUse::Renew(known) => renewals.before_use(&self.device, known).await,
            BeforeUse::SignInAgain { reason } => Err(RenewalError::Dead { reason }),
        }
    }

    /// What whoever used the secret of this generation does after the API refused it.
    async fn rejected(&self, renewals: &Renewals, generation: u64) -> Result<Renewed, RenewalError> {
        renewals.after_rejection(&self.device, Rejection::by_the_api(generation)).await
    }

    async fn access(&self) -> String {
        read(&self.record().await).0
    }

    fn profile_requests(&self) -> usize {
        self.provider.api.seen().iter().filter(|seen| seen.target == "/me").count()
    }
}

#[test]
fn a_secret_is_due_a_quarter_of_an_hour_before_its_end_or_at_half_its_life() {
    let at = |seconds, fraction| renew_at(NOW, Duration::from_secs(seconds), fraction).since(NOW).as_secs();
    assert_eq!((at(3600, 0.0), at(3600, 1.0)), (2700, 2880));
    assert_eq!((at(1800, 0.0), at(600, 0.0), at(600, 1.0)), (900, 300, 360));
    assert_eq!(at(86_400 * 365, 0.5), 86_400 * 365 - 810);
}

#[tokio::test]
async fn a_secret_is_renewed_when_it_is_due_and_left_alone_before() {
    let bench = Bench::new().await;
    let renewals = bench.renewals(Retry::Never);
    bench.hand.forward(Duration::from_secs(2699));
    bench.before_use(&renewals).await.unwrap();
    assert_eq!(bench.provider.token_requests(), 0);
    bench.hand.forward(Duration::from_secs(1));
    bench.before_use(&renewals).await.unwrap();
    assert_eq!((bench.access().await, bench.record().await.generation), ("access-2".to_owned(), 2));
    let renewal = bench.renewal().await;
    assert_eq!((renewal.generation, bench.refresh().await.stage), (2, RenewalStage::Idle));
    assert_eq!(renewal.expires_at, Some(bench.hand.now().plus(HOUR)));
    bench.before_use(&renewals).await.unwrap();
    assert_eq!((bench.provider.token_requests(), bench.provider.reused()), (1, Vec::new()));
}

#[tokio::test]
async fn a_thousand_who_wait_for_a_new_secret_make_one_token_request() {
    let bench = Bench::new().await;
    let renewals = bench.renewals(Retry::Never);
    bench.hand.forward(2 * HOUR);
    bench.provider.expire("access-1");
    let known = bench.renewal().await;
    let waiting: Vec<_> = (0..1000)
        .map(|n| {
            let (renewals, device) = (renewals.clone(), bench.device.clone());
            let known = known.clone();
            tokio::spawn(async move {
                match n % 2 {
                    0 => renewals.before_use(&device, &known).await,
                    _ => renewals.after_rejection(&device, Rejection::by_the_api(1)).await.map(drop),
                }
            })
        })
        .collect();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert_eq!((bench.provider.token_requests(), bench.access().await), (1, "access-2".to_owned()));
}

#[tokio::test]
async fn a_renewal_goes_on_when_nobody_waits_for_it_any_more() {
    let bench = Bench::new().await;
    let gate = Arc::new(Semaphore::new(0));
    bench.provider.plan([Fault::Slow(gate.clone())]);
    let renewals = bench.renewals(Retry::Never);
    let waiting = tokio::spawn({
        let (renewals, device) = (renewals.clone(), bench.device.clone());
        async move { renewals.after_rejection(&device, Rejection::by_the_api(1)).await }
    });
    while bench.provider.token_requests() == 0 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    assert!(matches!(bench.rejected(&renewals, 1).await, Ok(Renewed::New | Renewed::Newer)));
    assert_eq!((bench.provider.token_requests(), bench.access().await), (1, "access-2".to_owned()));
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let bench = Bench::new().await;
    bench.provider.plan([Fault::KeepRefreshToken]);
    let renewals = bench.renewals(Retry::Never);
    assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
    let kept = read(&bench.record().await);
    assert_eq!(kept, ("access-2".to_owned(), Some("refresh-1".to_owned())));
    bench.hand.forward(HOUR);
    assert_eq!(bench.rejected(&renewals, 2).await.unwrap(), Renewed::New);
}

#[tokio::test]
async fn what_surely_did_not_use_the_token_up_is_tried_again_later() {
    for (fault, wait) in [
        (Fault::Say(429, ""), Duration::from_secs(7)),
        (Fault::Say(503, r#"{"error":"temporarily_unavailable"}"#), Duration::from_secs(7)),
        (Fault::Say(401, r#"{"error":"invalid_client"}"#), Duration::from_secs(5)),
    ] {
        let bench = Bench::new().await;
        bench.provider.plan([fault]);
        let renewals = bench.renewals(Retry::Never);
        assert!(bench.rejected(&renewals, 1).await.is_err());
        assert_eq!(bench.refresh().await.stage, RenewalStage::Idle);
        bench.hand.forward(wait - Duration::from_millis(1));
        let resting = bench.rejected(&renewals, 1).await;
        assert!(matches!(resting, Err(RenewalError::Resting)));
        bench.hand.forward(Duration::from_millis(1));
        assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
        assert_eq!(bench.provider.token_requests(), 2);
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_renewed_now_is_used_while_it_lives() {
    let bench = Bench::new().await;
    bench.provider.plan([Fault::Say(429, ""), Fault::InvalidGrant]);
    let renewals = bench.renewals(Retry::Never);
    bench.hand.forward(Duration::from_secs(2800));
    bench.before_use(&renewals).await.unwrap();
    bench.hand.forward(Duration::from_secs(60));
    bench.before_use(&renewals).await.unwrap();
    assert_eq!(bench.refresh().await.stage, RenewalStage::Refused);
    let refused = bench.rejected(&renewals, 1).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the credentials have to be renewed by signing in again: \
         the provider does not take the refresh token any more"
    );
}

#[tokio::test]
async fn a_refused_secret_without_a_refresh_token_is_over() {
    let bench = Bench::new().await;
    bench.keep(plain(2, "access", None)).await;
    let renewals = bench.renewals(Retry::Never);
    bench.hand.forward(2 * HOUR);
    bench.before_use(&renewals).await.unwrap();
    let over = bench.rejected(&renewals, 2).await;
    assert!(matches!(over, Err(RenewalError::Dead { .. })));
    assert_eq!(bench.provider.token_requests(), 0);
}

#[tokio::test]
async fn a_clock_that_was_set_back_neither_stops_renewals_nor_loses_a_secret() {
    let bench = Bench::new().await;
    bench.provider.plan([Fault::Say(429, "")]);
    let renewals = bench.renewals(Retry::Never);
    assert!(bench.rejected(&renewals, 1).await.is_err());
    bench.hand.back(48 * HOUR);
    assert_eq!(bench.rejected(&renewals, 1).await.unwrap(), Renewed::New);
    bench.hand.forward(96 * HOUR);
    bench.before_use(&renewals).await.unwrap();
    assert_eq!((bench.access().await, bench.provider.token_requests()), ("access-3".to_owned(), 3));
}

#[tokio::test]
async fn what_is_due_can_be_renewed_without_anybody_using_it() {
    let bench = Bench::new().await;
    let renewals = bench.renewals(Retry::Never);
    assert_eq!(renewals.renew_due(10).await.unwrap(), 0);
    bench.hand.forward(HOUR);
    assert_eq!(renewals.renew_due(10).await.unwrap(), 1);
    assert_eq!((renewals.renew_due(10).await.unwrap(), bench.access().await), (0, "access-2".to_owned()));
}
