//! What an API may still be at is left alone until it is done with it, whatever happens here meanwhile.

use std::sync::Arc;
use std::time::Duration;

use endo::config::{RevocationEnds, Source};
use endo::credentials::{ApiAnswer, ApiVerdict};
use endo::message::DeviceUuid;
use endo::source::renewal::Health;
use tokio::sync::Semaphore;

use super::Office;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};

/// How long an API may be at it.
const AT_IT: Duration = Duration::from_secs(60);

/// The account is back while the API does not say whether it ended what was forgotten.
struct Scene {
    provider: FakeProvider,
    office: Office,
    forgotten: DeviceUuid,
    newer: DeviceUuid,
    newer_access: String,
}

impl Scene {
    /// By killing whoever asked, or because somebody who signed in waited long enough.
    async fn begin(is_killed: bool) -> Self {
        let provider = FakeProvider::start().await;
        let source = Source { revocation_ends: RevocationEnds::Account, ..provider.settings() };
        let office = Office::open(source).await;
        let (first, second) = (provider.grant(), provider.grant());
        let forgotten = office.keep(42, &first.0, &first.1).await;
        office.forget(&forgotten).await;
        let gate = Arc::new(Semaphore::new(0));
        provider.revocation_meets([Answer::new(503, &[], "").behind(&gate)]);
        let devices = office.gateway.credentials.clone();
        let telling = tokio::spawn(async move { devices.attend_once().await });
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while provider.ended().is_empty() {
            ticks.tick().await;
        }
        if is_killed {
            telling.abort();
            telling.await.unwrap_err();
            let newer = office.keep(42, &second.0, &second.1).await;
            return Self { provider, office, forgotten, newer, newer_access: second.0 };
        }
        let newer = office.keep(42, &second.0, &second.1).await;
        telling.await.unwrap().unwrap();
        Self { provider, office, forgotten, newer, newer_access: second.0 }
    }

    async fn told(&self) -> ApiAnswer {
        self.office.does_what_is_due().await;
        self.office.receipts(&self.forgotten).await.remove(0).api.unwrap()
    }

    fn looks(&self) -> usize {
        self.provider.api.seen().iter().filter(|seen| seen.target == "/me").count()
    }
}

#[tokio::test]
async fn a_start_or_a_clock_set_back_does_not_look_before_the_api_can_be_done() {
    for is_killed in [true, false] {
        for is_set_back in [true, false] {
            let scene = Scene::begin(is_killed).await;
            if is_set_back {
                scene.office.does_what_is_due().await;
                scene.office.is_set_back(120 * AT_IT);
            } else {
                scene.office.gateway.credentials.resume().await.unwrap();
            }
            assert_eq!((scene.told().await.verdict, scene.looks()), (ApiVerdict::Pending, 0));
            // It does what it was asked.
            scene.provider.expire(&scene.newer_access);
            scene.provider.plan([Fault::InvalidGrant]);
            scene.office.passes(AT_IT);
            let told = scene.told().await;
            assert_eq!((told.verdict, scene.looks()), (ApiVerdict::Spared, 1));
            assert!(
                told.sentence("The API").contains("it was looked whether it still takes them"),
                "{told:?}"
            );
            let health = scene.office.gateway.credentials.standing(&scene.newer).await.unwrap().health;
            assert!(matches!(health, Health::Dead { .. }), "{health:?}");
            assert_eq!(scene.provider.ended().len(), 1, "it is not asked again");
        }
    }
}

#[tokio::test]
async fn what_only_waited_for_a_renewal_was_not_asked() {
    let provider = FakeProvider::start().await;
    let source = Source { revocation_ends: RevocationEnds::Account, ..provider.settings() };
    let office = Office::open(source).await;
    let (access, refresh) = provider.grant();
    let forgotten = office.keep(42, &access, &refresh).await;
    let gate = Arc::new(Semaphore::new(0));
    provider.plan([Fault::SayLate(Arc::clone(&gate), 503, "")]);
    let (devices, refused) = (office.gateway.credentials.clone(), forgotten.clone());
    let renewing = tokio::spawn(async move { devices.renew_refused(&refused, 1).await });
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while provider.token_requests() == 0 {
        ticks.tick().await;
    }
    office.forget(&forgotten).await;
    office.does_what_is_due().await;
    let (access, refresh) = provider.grant();
    office.keep(42, &access, &refresh).await;
    gate.add_permits(1);
    let _ = renewing.await.unwrap();
    office.passes(AT_IT);
    office.does_what_is_due().await;
    let told = office.receipts(&forgotten).await.remove(0).api.unwrap();
    let said = told.sentence("The API");
    assert_eq!(told.verdict, ApiVerdict::Spared, "{said}");
    assert!(!said.contains("asked before"), "{said}");
}

#[tokio::test]
async fn an_api_may_be_at_it_whose_gateway_answered_for_it() {
    for (status, text) in [(502, ""), (504, "<html>Gateway Time-out</html>")] {
        let provider = FakeProvider::start().await;
        let source = Source { revocation_ends: RevocationEnds::Account, ..provider.settings() };
        let office = Office::open(source).await;
        let (first, second) = (provider.grant(), provider.grant());
        let forgotten = office.keep(42, &first.0, &first.1).await;
        office.forget(&forgotten).await;
        provider.revocation_meets([Answer::new(status, &[], text), Answer::new(status, &[], text)]);
        office.does_what_is_due().await;
        let newer = office.keep(42, &second.0, &second.1).await;
        let scene = Scene { provider, office, forgotten, newer, newer_access: second.0 };
        scene.office.passes(AT_IT / 2);
        let told = scene.told().await;
        assert_eq!((told.verdict, scene.looks(), told.why), (ApiVerdict::Pending, 0, None), "{status}");
        scene.provider.expire(&scene.newer_access);
        scene.provider.plan([Fault::InvalidGrant]);
        scene.office.passes(AT_IT / 2);
        assert_eq!((scene.told().await.verdict, scene.looks()), (ApiVerdict::Spared, 1), "{status}");
        let health = scene.office.gateway.credentials.standing(&scene.newer).await.unwrap().health;
        assert!(matches!(health, Health::Dead { .. }), "{health:?}");
    }
}
