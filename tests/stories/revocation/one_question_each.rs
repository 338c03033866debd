//! One token, one question: what is over at the API is on disk before the next is asked for, so that an API that refuses to end what
//! is over, which RFC 7009 does not have it do, ends the rest all the same.

use std::sync::Arc;
use std::time::Duration;

use endo::config::{RefreshRetry, RevocationEnds, Source};
use endo::credentials::{ApiAnswer, ApiVerdict};
use endo::message::DeviceUuid;
use endo::store::StoreError;
use endo::vault::SecretText;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::Office;
use super::by_access_alone::told;
use crate::renewing::until;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};

/// How long an API may be at what it was asked.
const AT_IT: Duration = Duration::from_secs(61);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An account whose secret is forgotten, `access-1` and `refresh-1`, at an API that refuses to end what is over.
struct Scene {
    provider: FakeProvider,
    office: Office,
    credentials: DeviceUuid,
}

impl Scene {
    async fn set() -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        Self::forget(provider, office).await
    }

    async fn forget(provider: FakeProvider, office: Office) -> Self {
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        office.forget(&credentials).await;
        provider.refuses_what_is_over();
        Self { provider, office, credentials }
    }

    /// The API ends the first token that it is asked for, and then this.
    fn ends_one_and_then(&self, answer: Answer) {
        self.provider.expire("refresh-1");
        self.provider.revocation_meets([Answer::new(200, &[], ""), answer]);
    }

    async fn told(&self) -> ApiAnswer {
        told(&self.office, &self.credentials).await
    }

    async fn ends_the_other_alone(&self) {
        self.office.passes(AT_IT);
        self.office.does_what_is_due().await;
        assert_eq!(self.provider.ended(), ["refresh-1", "access-1", "access-1"]);
        let told = self.told().await;
        assert_eq!((told.verdict, told.some_ended), (ApiVerdict::Revoked, false), "{told:?}");
        assert!(self.office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn the_other_token_of_a_pair_is_asked_for_alone_where_the_api_could_not_end_it_then() {
    let scene = Scene::set().await;
    scene.ends_one_and_then(Answer::new(503, &[], ""));
    scene.office.does_what_is_due().await;
    let told = scene.told().await;
    assert_eq!((told.verdict, told.some_ended), (ApiVerdict::Pending, true), "{told:?}");
    scene.ends_the_other_alone().await;
}

#[test]
fn it_is_asked_for_alone_after_a_gateway_that_was_killed_before_the_api_said_that_it_ended() {
    let (outside, killed) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let provider = outside.block_on(FakeProvider::start());
    let settings = provider.settings();
    let office = killed.block_on(Office::open(settings.clone()));
    let scene = killed.block_on(Scene::forget(provider, office));
    scene.ends_one_and_then(Answer::new(200, &[], "").behind(&Arc::new(Semaphore::new(0))));
    let devices = scene.office.gateway.credentials.clone();
    killed.spawn(async move { devices.attend_once().await });
    outside.block_on(until(|| scene.provider.ended().len() == 2));
    killed.shutdown_timeout(Duration::from_secs(60));
    outside.block_on(async {
        let Scene { provider, office, credentials } = scene;
        let office = office.moves_to(settings, 2).await;
        Scene { provider, office, credentials }.ends_the_other_alone().await;
    });
}

/// The account is back by then, and the API leaves what it has alone. What is left of a pair came with a refresh token, whatever became
/// of that.
#[tokio::test]
async fn that_the_refresh_token_of_a_pair_is_over_spares_the_access_token_for_nobody() {
    let scene = Scene::set().await;
    scene.ends_one_and_then(Answer::new(503, &[], ""));
    scene.office.does_what_is_due().await;
    let (access, refresh) = scene.provider.grant();
    scene.office.keep(42, &access, &refresh).await;
    scene.ends_the_other_alone().await;
    assert!(scene.provider.takes(&refresh));
}

#[tokio::test]
async fn what_was_set_aside_and_may_live_on_is_told_of_where_it_was_over_before_the_rest() {
    let provider = FakeProvider::start().await;
    let ends_all = Source {
        revocation_ends: RevocationEnds::Account,
        refresh_retry: RefreshRetry::Never,
        ..provider.settings()
    };
    let office = Office::open(ends_all).await;
    let (first, second) = (provider.grant(), provider.grant());
    let credentials = office.keep(42, &first.0, &first.1).await;
    provider.plan([Fault::Say(500, "")]);
    let _ = office.gateway.credentials.renew_refused(&credentials, 1).await;
    office.keep(42, &second.0, &second.1).await;
    office.does_what_is_due().await;
    office.forget(&credentials).await;
    provider.refuses_what_is_over();
    provider.revocation_meets([Answer::new(503, &[], "")]);
    office.does_what_is_due().await;
    let asked = ["refresh-2", "access-2", "refresh-1", "access-1"];
    assert_eq!(
        (provider.ended(), told(&office, &credentials).await.some_ended),
        (asked.map(str::to_owned).to_vec(), true)
    );

    office.passes(AT_IT);
    office.does_what_is_due().await;
    assert_eq!(provider.ended()[4..], ["refresh-2"]);
    let told = told(&office, &credentials).await;
    assert_eq!((told.verdict, told.some_ended), (ApiVerdict::Unknown, true), "{told:?}");
    assert!(told.why.is_some_and(|why| why.contains("may live on")));
}

#[tokio::test]
async fn a_copy_of_which_nothing_is_left_is_erased_unasked_whenever_that_is_and_its_receipt_says_that_it_ended()
 {
    for passed in [AT_IT, DAY] {
        let scene = Scene::set().await;
        scene.ends_one_and_then(Answer::new(503, &[], ""));
        scene.office.does_what_is_due().await;
        // As a process leaves it that was killed right then.
        let over = [SecretText::from("access-1").fingerprint()];
        let seq = scene.office.waiting().await[0].seq;
        let store = &scene.office.gateway.store;
        store.write::<_, StoreError, _>(move |transaction| transaction.note_over(seq, &over)).await.unwrap();
        scene.office.passes(passed);
        scene.office.does_what_is_due().await;
        assert_eq!(scene.provider.ended().len(), 2);
        let told = scene.told().await;
        assert_eq!((told.verdict, told.some_ended), (ApiVerdict::Revoked, false), "{told:?}");
        assert!(scene.office.waiting().await.is_empty());
    }
}
