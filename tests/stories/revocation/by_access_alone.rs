//! An API that ends a grant by its access token alone does not know one that ran out: what it takes then is the one that the
//! refresh token brings, which is on disk before the API is told of it.

use std::sync::Arc;
use std::time::Duration;

use endo::config::{Config, RefreshRetry, RevocationWay, Source};
use endo::credentials::{ApiAnswer, ApiVerdict};
use endo::message::DeviceUuid;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::Office;
use crate::renewing::until;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault, form};

pub(super) const WAYS: [RevocationWay; 2] = [RevocationWay::Github, RevocationWay::Bearer];
/// How long an API may be at what it was asked, and longer than anybody says to be at a refresh token.
pub(super) const LATER: Duration = Duration::from_secs(61);
const LOST: &str = "The API does not know the tokens, or not any more: nobody knows what came of the last renewal, and that may live on; \
                    look at the API, and end there what is left";

/// A forgotten secret whose access token ran out: `access-1`, `refresh-1`.
struct Scene {
    provider: FakeProvider,
    office: Office,
    credentials: DeviceUuid,
}

impl Scene {
    async fn of(way: RevocationWay, retry: RefreshRetry) -> Self {
        let provider = FakeProvider::start().await;
        provider.gives_its_current_token_again();
        let office = Office::open(settings(&provider, way, retry)).await;
        let credentials = Self::forget(&provider, &office).await;
        Self { provider, office, credentials }
    }

    async fn forget(provider: &FakeProvider, office: &Office) -> DeviceUuid {
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        provider.expire(&access);
        office.forget(&credentials).await;
        credentials
    }

    /// What is due, and what came of that.
    async fn does_what_is_due(&self) {
        self.office.does_what_is_due().await;
        self.office.does_what_is_due().await;
    }

    async fn told(&self) -> ApiAnswer {
        told(&self.office, &self.credentials).await
    }

    async fn is_over(&self) {
        assert_eq!(self.told().await.verdict, ApiVerdict::Revoked);
        assert!(self.office.waiting().await.is_empty());
        assert_eq!(self.provider.reused(), Vec::<String>::new());
        assert!(!self.provider.takes("refresh-1") && !self.provider.takes("refresh-2"));
    }
}

pub(super) async fn told(office: &Office, credentials: &DeviceUuid) -> ApiAnswer {
    office.receipts(credentials).await.remove(0).api.unwrap()
}

pub(super) fn settings(
    provider: &FakeProvider,
    revocation_way: RevocationWay,
    refresh_retry: RefreshRetry,
) -> Source {
    Source { revocation_way, refresh_retry, ..provider.settings() }
}

/// What the provider was asked, in this order.
pub(super) fn asked(provider: &FakeProvider) -> Vec<String> {
    let mut ended = provider.ended().into_iter();
    let asked = provider.api.seen().into_iter().filter_map(|seen| match seen.target.as_str() {
        "/token" => Some(format!("renew {}", form(&seen).remove("refresh_token").unwrap())),
        "/revoke" => Some(format!("end {}", ended.next().unwrap())),
        _ => None,
    });
    asked.collect()
}

#[tokio::test]
async fn what_ran_out_is_renewed_once_and_ended_by_what_that_brings() {
    for way in WAYS {
        let scene = Scene::of(way, RefreshRetry::Never).await;
        scene.does_what_is_due().await;
        assert_eq!(asked(&scene.provider), ["end access-1", "renew refresh-1", "end access-2"]);
        scene.is_over().await;
    }
}

#[tokio::test]
async fn nothing_is_renewed_where_the_access_token_ends_or_the_api_does_not_say_whether_it_did() {
    for way in WAYS {
        let provider = FakeProvider::start().await;
        let office = Office::open(settings(&provider, way, RefreshRetry::Never)).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        office.forget(&credentials).await;
        provider.revocation_meets([Answer::new(503, &[], "")]);
        office.does_what_is_due().await;
        office.passes(LATER);
        office.does_what_is_due().await;
        assert_eq!(asked(&provider), ["end access-1"; 2]);
        assert_eq!(told(&office, &credentials).await.verdict, ApiVerdict::Revoked);
    }
}

#[tokio::test]
async fn what_the_renewal_brought_waits_for_its_end_like_what_was_forgotten() {
    for way in WAYS {
        let scene = Scene::of(way, RefreshRetry::Never).await;
        scene.office.does_what_is_due().await;
        scene.provider.revocation_meets([Answer::new(503, &[], "")]);
        scene.office.does_what_is_due().await;
        assert_eq!(
            (scene.told().await.verdict, scene.office.waiting().await.len()),
            (ApiVerdict::Pending, 1)
        );
        scene.office.passes(LATER);
        scene.does_what_is_due().await;
        assert_eq!(
            asked(&scene.provider),
            ["end access-1", "renew refresh-1", "end access-2", "end access-2"]
        );
        scene.is_over().await;
    }
}

/// As at an address that is not the API's: more tokens would be brought for ever, and live.
#[tokio::test]
async fn what_the_api_does_not_know_that_it_just_gave_is_not_renewed_again() {
    for (way, unknown) in [(RevocationWay::Github, 404), (RevocationWay::Bearer, 401)] {
        let scene = Scene::of(way, RefreshRetry::Never).await;
        scene.provider.revocation_meets((0..100).map(|_| Answer::new(unknown, &[], "{}")));
        for _ in 0..4 {
            scene.does_what_is_due().await;
            scene.office.passes(LATER);
        }
        let renewed = asked(&scene.provider).iter().filter(|asked| asked.starts_with("renew")).count();
        assert_eq!(renewed, 1, "{:?}", asked(&scene.provider));
        scene.office.passes(Duration::from_secs(24 * 3600));
        scene.does_what_is_due().await;
        let told = scene.told().await;
        let said = Some("that it does not know what it gave a moment ago");
        assert_eq!((told.verdict, told.said.as_deref()), (ApiVerdict::Undone, said), "{told:?}");
        assert!(scene.office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn what_is_renewed_for_its_end_waits_no_longer_than_a_day_from_when_it_was_forgotten() {
    let scene = Scene::of(RevocationWay::Github, RefreshRetry::Never).await;
    scene.office.passes(Duration::from_secs(23 * 3600));
    scene.office.does_what_is_due().await;
    scene.provider.revocation_meets([Answer::new(503, &[], "")]);
    scene.office.does_what_is_due().await;
    scene.office.passes(Duration::from_secs(3600));
    scene.does_what_is_due().await;
    assert_eq!((scene.told().await.verdict, scene.office.waiting().await.len()), (ApiVerdict::Undone, 0));
}

#[tokio::test]
async fn a_refresh_token_that_is_not_taken_any_more_is_over() {
    for way in WAYS {
        let scene = Scene::of(way, RefreshRetry::Never).await;
        scene.provider.plan([Fault::InvalidGrant]);
        scene.does_what_is_due().await;
        let told = scene.told().await;
        assert_eq!((told.verdict, told.why), (ApiVerdict::Unknown, None));
        assert_eq!(asked(&scene.provider), ["end access-1", "renew refresh-1"]);
    }
}

#[tokio::test]
async fn what_is_not_renewed_for_now_is_renewed_later() {
    for (status, text) in [(429, ""), (503, ""), (401, r#"{"error":"invalid_client"}"#)] {
        let scene = Scene::of(RevocationWay::Github, RefreshRetry::Never).await;
        scene.provider.plan([Fault::Say(status, text)]);
        scene.does_what_is_due().await;
        assert_eq!(scene.told().await.verdict, ApiVerdict::Pending, "{status}");
        scene.office.passes(LATER);
        scene.does_what_is_due().await;
        scene.is_over().await;
    }
}

#[tokio::test]
async fn a_refresh_token_whose_answer_is_lost_is_sent_again_only_where_the_api_takes_it_twice() {
    for way in WAYS {
        let scene = Scene::of(way, RefreshRetry::Never).await;
        scene.provider.plan([Fault::RotateAndHangUp]);
        scene.does_what_is_due().await;
        assert_eq!(scene.told().await.verdict, ApiVerdict::Pending);
        scene.office.passes(LATER);
        scene.does_what_is_due().await;
        assert_eq!(scene.provider.token_requests(), 1);
        assert_eq!(scene.told().await.sentence("The API"), LOST);

        let scene = Scene::of(way, RefreshRetry::Always).await;
        scene.provider.plan([Fault::Say(500, "")]);
        scene.does_what_is_due().await;
        scene.office.passes(LATER);
        scene.does_what_is_due().await;
        assert_eq!(scene.provider.token_requests(), 2);
        scene.is_over().await;
    }
}

#[test]
fn a_gateway_that_is_killed_while_it_renews_for_an_end_does_not_spend_the_refresh_token_again() {
    let outside = Runtime::new().unwrap();
    let provider = outside.block_on(FakeProvider::start());
    provider.gives_its_current_token_again();
    let killed = Runtime::new().unwrap();
    let office =
        killed.block_on(Office::open(settings(&provider, RevocationWay::Github, RefreshRetry::Never)));
    let credentials = killed.block_on(Scene::forget(&provider, &office));
    provider.plan([Fault::Slow(Arc::new(Semaphore::new(0)))]);
    let devices = office.gateway.credentials.clone();
    killed.spawn(async move { devices.attend_once().await });
    outside.block_on(until(|| provider.token_requests() == 1));
    killed.shutdown_timeout(Duration::from_secs(60));
    let Office { gateway, hand, directory } = office;
    let source = settings(&provider, RevocationWay::Github, RefreshRetry::Never);
    let config = Config { data_dir: directory.path().to_owned(), source, ..Config::default() };
    drop(gateway);
    outside.block_on(async {
        let office = Office { gateway: Office::gateway(config, &hand).await, hand, directory };
        office.passes(LATER);
        office.does_what_is_due().await;
        office.does_what_is_due().await;
        assert_eq!(provider.token_requests(), 1);
        assert_eq!(told(&office, &credentials).await.sentence("The API"), LOST);
        assert!(office.waiting().await.is_empty());
    });
}
