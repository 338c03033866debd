//! What an API may still be at is left alone until it is done with it, whatever happens here meanwhile.

use std::sync::Arc;
use std::time::Duration;

use endo::credentials::{ApiAnswer, ApiVerdict};
use endo::message::DeviceUuid;
use endo::source::renewal::Health;
use tokio::sync::Semaphore;

use super::Office;
use crate::renewing::until;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};

/// How long an API may be at it.
const AT_IT: Duration = Duration::from_secs(60);

/// An account whose secret is forgotten, which an API that may end all that the account gave is to be told.
struct Forgotten {
    provider: FakeProvider,
    office: Office,
    credentials: DeviceUuid,
}

/// The account is back while the API does not say whether it ended what was forgotten.
struct Scene {
    provider: FakeProvider,
    office: Office,
    forgotten: DeviceUuid,
    newer: DeviceUuid,
    newer_access: String,
}

impl Forgotten {
    /// The API answers so when it is told.
    async fn at_an_api_that_says(answers: impl IntoIterator<Item = Answer>) -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::that_ends_all(&provider).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        office.forget(&credentials).await;
        provider.revocation_meets(answers);
        Self { provider, office, credentials }
    }

    async fn comes_back(self) -> Scene {
        let Self { provider, office, credentials: forgotten } = self;
        let (newer_access, refresh) = provider.grant();
        let newer = office.keep(42, &newer_access, &refresh).await;
        Scene { provider, office, forgotten, newer, newer_access }
    }
}

impl Scene {
    /// By killing whoever asked, or because somebody who signed in waited long enough.
    async fn begin(is_killed: bool) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let unsaid = Answer::new(503, &[], "").behind(&gate);
        let forgotten = Forgotten::at_an_api_that_says([unsaid]).await;
        let devices = forgotten.office.gateway.credentials.clone();
        let telling = tokio::spawn(async move { devices.attend_once().await });
        until(|| !forgotten.provider.ended().is_empty()).await;
        if is_killed {
            telling.abort();
            telling.await.unwrap_err();
            return forgotten.comes_back().await;
        }
        let scene = forgotten.comes_back().await;
        telling.await.unwrap().unwrap();
        scene
    }

    /// The API does what it was asked; it is looked at once, when that is over. As nobody has anything to lose by then, it is asked
    /// to end what it never said it ended.
    async fn ends_it_within(&self, time: Duration) {
        let asked = self.provider.ended().len();
        self.provider.expire(&self.newer_access);
        self.provider.plan([Fault::InvalidGrant]);
        self.office.passes(time);
        let told = self.told().await;
        assert_eq!((told.verdict, self.looks()), (ApiVerdict::Revoked, 1), "{told:?}");
        assert_eq!(self.provider.ended()[asked..], ["refresh-1", "access-1"]);
        assert!(self.office.waiting().await.is_empty());
        let health = self.office.gateway.credentials.standing(&self.newer).await.unwrap().health;
        assert!(matches!(health, Health::Dead { .. }), "{health:?}");
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
            assert_eq!(scene.provider.ended(), ["refresh-1"], "it is not asked again while it may be at it");
            scene.ends_it_within(AT_IT).await;
        }
    }
}

#[tokio::test]
async fn what_only_waited_for_a_renewal_was_not_asked() {
    let provider = FakeProvider::start().await;
    let office = Office::that_ends_all(&provider).await;
    let (access, refresh) = provider.grant();
    let forgotten = office.keep(42, &access, &refresh).await;
    let gate = Arc::new(Semaphore::new(0));
    provider.plan([Fault::SayLate(Arc::clone(&gate), 503, "")]);
    let renewing = office.begins_to_renew(&provider, &forgotten).await;
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
        let says = || Answer::new(status, &[], text);
        let forgotten = Forgotten::at_an_api_that_says([says(), says()]).await;
        forgotten.office.does_what_is_due().await;
        let scene = forgotten.comes_back().await;
        scene.office.passes(AT_IT / 2);
        let told = scene.told().await;
        assert_eq!((told.verdict, scene.looks(), told.why), (ApiVerdict::Pending, 0, None), "{status}");
        scene.ends_it_within(AT_IT / 2).await;
    }
}

#[tokio::test]
async fn that_one_of_a_pair_ended_is_in_the_receipt_while_the_api_is_asked_for_the_other_and_where_it_refuses_that()
 {
    let said = |status| Answer::new(status, &[], "");
    for is_first in [true, false] {
        let gate = Arc::new(Semaphore::new(0));
        let refused = said(503).behind(&gate);
        let answers = if is_first { [said(200), refused] } else { [refused, said(200)] };
        let Forgotten { provider, office, credentials } = Forgotten::at_an_api_that_says(answers).await;
        let told = async || office.receipts(&credentials).await.remove(0).api.unwrap();
        let asked = if is_first { 2 } else { 1 };
        let meanwhile = async {
            until(|| provider.ended().len() == asked).await;
            assert_eq!(told().await.some_ended, is_first);
            gate.add_permits(1);
        };
        tokio::join!(office.does_what_is_due(), meanwhile);
        let ApiAnswer { verdict, some_ended, .. } = told().await;
        assert_eq!((verdict, some_ended), (ApiVerdict::Pending, true));
        office.passes(AT_IT);
        office.does_what_is_due().await;
        let ApiAnswer { verdict, some_ended, .. } = told().await;
        assert_eq!((verdict, some_ended), (ApiVerdict::Revoked, false));
    }
}
