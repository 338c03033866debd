//! A renewal whose answer was lost, at an API that gives its current refresh token again: a sign-in since is given what was in
//! that answer, and all that the account was given ends with any of it.

use std::sync::Arc;
use std::time::Duration;

use endo::config;
use endo::credentials::{ApiAnswer, ApiVerdict, CredentialsError, Renewed};
use endo::message::DeviceUuid;
use endo::store::{RenewalStage, StoreError, StoredRefreshToken, Transaction};
use endo::vault::SecretText;
use tokio::sync::Semaphore;

use super::Office;
use crate::renewing::until;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};

/// What became of the answer, which was to bring `refresh-2`.
#[derive(Clone, Copy, Debug)]
enum Lost {
    /// It had another status.
    Failed,
    /// The same, and the access token is over, so that nothing renews the secret any more.
    FailedAtTheEnd,
    /// The process ended that waited for it.
    Killed,
}

struct Scene {
    provider: FakeProvider,
    office: Office,
    credentials: DeviceUuid,
}

impl Scene {
    async fn begin(lost: Lost) -> Self {
        let scene = Self::of(42, config::RefreshRetry::Never).await;
        scene.provider.gives_its_current_token_again();
        scene.loses(lost, "refresh-1").await;
        scene
    }

    /// Credentials of this account, `access-1` and `refresh-1`, at an API that takes a refresh token again as this says.
    async fn of(account: i64, refresh_retry: config::RefreshRetry) -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(config::Source { refresh_retry, ..provider.settings() }).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(account, &access, &refresh).await;
        Self { provider, office, credentials }
    }

    /// Renews the secret, which this refresh token does.
    async fn loses(&self, lost: Lost, refresh: &str) {
        let Self { provider, office, credentials } = self;
        office.passes(Duration::from_secs(1));
        match lost {
            Lost::Failed => provider.plan([Fault::RotateAndSay(500)]),
            Lost::FailedAtTheEnd => {
                provider.expire("access-1");
                provider.plan([Fault::RotateAndSay(500)]);
            }
            Lost::Killed => {
                self.is_about_to_send().await;
                drop(provider.client().refresh(&SecretText::from(refresh)).await.unwrap());
                return;
            }
        }
        match (lost, office.gateway.credentials.renew_refused(credentials, 1).await) {
            (Lost::FailedAtTheEnd, Err(CredentialsError::SignInAgain { .. })) => {}
            (Lost::Failed, Ok(Renewed::StillGood)) => {}
            (_, outcome) => panic!("{lost:?}: {outcome:?}"),
        }
    }

    /// Credentials of this account, whose refresh token was sent once more, which the API allows, and that answer came.
    async fn answered_once_more(account: i64) -> Self {
        let scene = Self::of(account, config::RefreshRetry::Once).await;
        scene.loses(Lost::Failed, "refresh-1").await;
        scene.answers_once_more().await;
        scene.office.passes(Duration::from_secs(1));
        scene
    }

    async fn answers_once_more(&self) {
        self.provider.knows(None, "refresh-1");
        self.provider.expire("access-1");
        self.renews(1).await;
    }

    async fn renews(&self, generation: u64) {
        self.office.passes(Duration::from_secs(300));
        let renewed = self.office.gateway.credentials.renew_refused(&self.credentials, generation).await;
        assert_eq!(renewed.unwrap(), Renewed::New);
    }

    /// What is on disk when a process is about to send the refresh token.
    async fn is_about_to_send(&self) {
        let (device, now) = (self.credentials.clone(), self.office.gateway.ambient.clock.now());
        let send = move |transaction: &Transaction<'_>| {
            let known = transaction.renewal(&device)?.unwrap().refresh.unwrap();
            let stage = RenewalStage::Sending;
            let (noted, noted_at) = (transaction.next_moment()?, now);
            let sent = StoredRefreshToken { stage, sent: 1, first_sent: noted, noted, noted_at, ..known };
            transaction.store_refresh_token(&sent)
        };
        self.office.gateway.store.write::<_, StoreError, _>(send).await.unwrap();
    }

    async fn told(&self) -> ApiAnswer {
        self.office.does_what_is_due().await;
        self.office.receipts(&self.credentials).await.remove(0).api.unwrap()
    }

    /// What was signed in for works, and renews itself.
    async fn works(&self, back: &DeviceUuid, access: &str) {
        let Self { provider, office, credentials } = self;
        let user_device = office.bind(back).await;
        assert_eq!(office.open_for(back, &user_device).await.unwrap(), access);
        assert!(provider.takes("refresh-2"));
        office.passes(Duration::from_secs(300));
        provider.expire(access);
        let generation = if back == credentials { 2 } else { 1 };
        let renewed = office.gateway.credentials.renew_refused(back, generation).await;
        assert_eq!((renewed.unwrap(), provider.reused()), (Renewed::New, Vec::new()));
    }
}

#[tokio::test]
async fn what_may_be_the_lost_answer_does_not_end_with_what_it_was_given_for() {
    for lost in [Lost::Failed, Lost::FailedAtTheEnd, Lost::Killed] {
        for is_forgotten in [false, true] {
            let scene = Scene::begin(lost).await;
            let Scene { provider, office, credentials } = &scene;
            if is_forgotten {
                office.forget(credentials).await;
            }
            let (access, refresh) = provider.grant();
            assert_eq!(refresh, "refresh-2");
            let back = office.keep(42, &access, &refresh).await;
            assert_eq!(back == *credentials, !is_forgotten);
            let told = scene.told().await;
            assert_eq!((told.verdict, provider.ended()), (ApiVerdict::Spared, Vec::new()), "{lost:?}");
            let why = told.why.unwrap();
            let says = [
                "answer to a renewal was lost",
                "to end one may end the other",
                "page at the API",
                "set aside with those",
            ];
            for said in says {
                assert!(why.contains(said), "{why}");
            }
            assert!(office.waiting().await.is_empty());
            scene.works(&back, &access).await;
        }
    }
}

#[tokio::test]
async fn it_ends_with_what_may_be_the_lost_answer_once_that_is_forgotten_or_replaced() {
    for lost in [Lost::Failed, Lost::FailedAtTheEnd, Lost::Killed] {
        for is_replaced in [false, true] {
            let scene = Scene::begin(lost).await;
            let Scene { provider, office, credentials } = &scene;
            let (access, refresh) = provider.grant();
            office.keep(42, &access, &refresh).await;
            assert_eq!((scene.told().await.verdict, provider.ended()), (ApiVerdict::Spared, Vec::new()));
            if is_replaced {
                office.keep(42, "another access token", "another refresh token").await;
            } else {
                office.forget(credentials).await;
            }
            assert_eq!(
                scene.told().await.verdict,
                ApiVerdict::Unknown,
                "what was in the answer may be another"
            );
            assert_eq!(provider.ended(), [&*refresh, &*access, "refresh-1", "access-1"], "{lost:?}");
            assert!(!provider.takes("refresh-2") && office.waiting().await.is_empty());
        }
    }
}

#[tokio::test]
async fn neither_where_the_clock_was_set_back_since_it_was_lost() {
    for is_forgotten in [false, true] {
        let scene = Scene::begin(Lost::Failed).await;
        let Scene { provider, office, credentials } = &scene;
        office.is_set_back(Duration::from_secs(30));
        if is_forgotten {
            office.forget(credentials).await;
        }
        let (access, refresh) = provider.grant();
        let back = office.keep(42, &access, &refresh).await;
        office.passes(Duration::from_secs(60));
        assert_eq!((scene.told().await.verdict, provider.ended()), (ApiVerdict::Spared, Vec::new()));
        scene.works(&back, &access).await;
    }
}

/// What a sign-in brings now, which is not kept.
async fn brings_what_is_not_kept(office: &Office, provider: &FakeProvider, is_known: bool) {
    let (access, refresh) = provider.grant();
    let account = office.account(42, &access, &refresh);
    let devices = &office.gateway.credentials;
    let arrival = devices.arrival(None).await;
    let arrival = devices.note_stray(arrival, &account.secret, account.refresh_token.as_ref()).await.unwrap();
    devices.give_up(arrival, is_known.then_some(&account)).await;
}

#[tokio::test]
async fn neither_does_what_it_was_given_for_with_what_is_not_kept() {
    for is_known in [false, true] {
        let scene = Scene::of(42, config::RefreshRetry::Once).await;
        scene.provider.gives_its_current_token_again();
        scene.loses(Lost::Failed, "refresh-1").await;
        let Scene { provider, office, .. } = &scene;
        brings_what_is_not_kept(office, provider, is_known).await;
        assert_eq!((office.waiting().await.len(), provider.ended()), (1, Vec::new()));

        // The API takes the refresh token again, and that what it gives for it now ends with what it gave before.
        scene.answers_once_more().await;
        office.does_what_is_due().await;
        assert_eq!((office.waiting().await.len(), provider.ended()), (1, Vec::new()));

        // Once that is renewed nobody goes on with what was lost.
        scene.renews(2).await;
        office.passes(Duration::from_secs(60));
        office.does_what_is_due().await;
        assert_eq!(office.waiting().await.len(), 0);
        assert!(!provider.ended().is_empty());
    }
}

#[tokio::test]
async fn neither_does_an_access_token_in_doubt_that_is_used_until_the_api_refuses_it() {
    let scene = Scene::begin(Lost::Failed).await;
    let Scene { provider, office, credentials } = &scene;
    brings_what_is_not_kept(office, provider, false).await;
    assert_eq!((office.waiting().await.len(), provider.ended()), (1, Vec::new()));
    let user_device = office.bind(credentials).await;
    assert_eq!(office.open_for(credentials, &user_device).await.unwrap(), "access-1");

    provider.expire("access-1");
    let over = office.gateway.credentials.renew_refused(credentials, 1).await;
    assert!(matches!(over, Err(CredentialsError::SignInAgain { .. })), "{over:?}");
    office.passes(Duration::from_secs(60));
    office.does_what_is_due().await;
    assert_eq!((office.waiting().await.len(), provider.takes("refresh-2")), (0, false));
}

#[tokio::test]
async fn what_is_not_kept_ends_whatever_was_lost_since_or_of_others() {
    let scene = Scene::of(43, config::RefreshRetry::Never).await;
    scene.loses(Lost::Failed, "refresh-1").await;
    brings_what_is_not_kept(&scene.office, &scene.provider, true).await;
    assert_eq!(scene.provider.ended().len(), 2);
}

#[tokio::test]
async fn what_is_not_kept_ends_where_it_came_when_nothing_was_in_doubt_any_more() {
    let scene = Scene::answered_once_more(43).await;
    let Scene { provider, office, .. } = &scene;
    brings_what_is_not_kept(office, provider, false).await;
    assert_eq!((office.waiting().await.len(), provider.ended().len()), (0, 2));
}

#[tokio::test]
async fn what_is_not_kept_ends_whatever_was_given_up() {
    let scene = Scene::of(43, config::RefreshRetry::Never).await;
    scene.loses(Lost::FailedAtTheEnd, "refresh-1").await;
    brings_what_is_not_kept(&scene.office, &scene.provider, false).await;
    assert_eq!((scene.office.waiting().await.len(), scene.provider.ended().len()), (0, 2));
}

#[tokio::test]
async fn whose_it_is_that_is_not_kept_is_known_also_when_the_api_is_told_again() {
    let scene = Scene::of(43, config::RefreshRetry::Once).await;
    scene.loses(Lost::Failed, "refresh-1").await;
    let Scene { provider, office, .. } = &scene;
    provider.revocation_meets([Answer::new(503, &[], "")]);
    brings_what_is_not_kept(office, provider, true).await;
    assert_eq!(office.waiting().await.len(), 1);
    office.passes(Duration::from_secs(600));
    office.does_what_is_due().await;
    assert_eq!((office.waiting().await.len(), provider.takes("refresh-3")), (0, false));
}

#[tokio::test]
async fn neither_does_an_access_token_that_is_in_use_beside_a_spent_refresh_token() {
    let scene = Scene::begin(Lost::Failed).await;
    let Scene { provider, office, credentials } = &scene;
    let (access, refresh) = provider.grant();
    assert_eq!(office.keep(42, &access, &refresh).await, *credentials);
    let other = office.keep(43, "another's access token", &refresh).await;
    assert_eq!(office.gateway.credentials.renew_refused(&other, 1).await.unwrap(), Renewed::New);
    assert_eq!((scene.told().await.verdict, provider.ended()), (ApiVerdict::Spared, Vec::new()));
    let user_device = office.bind(credentials).await;
    assert_eq!(office.open_for(credentials, &user_device).await.unwrap(), access);
}

#[tokio::test]
async fn neither_does_what_may_have_been_in_the_first_of_two_answers_of_the_line() {
    let scene = Scene::answered_once_more(42).await;
    let Scene { provider, office, credentials } = &scene;
    office.forget(credentials).await;
    let back = office.keep(42, "what it was given", "refresh-2").await;
    assert_eq!((scene.told().await.verdict, provider.ended()), (ApiVerdict::Spared, Vec::new()));
    scene.works(&back, "what it was given").await;
}

#[tokio::test]
async fn what_was_renewed_again_since_an_answer_was_lost_ends_when_another_takes_its_place() {
    let scene = Scene::answered_once_more(42).await;
    let Scene { provider, office, .. } = &scene;
    scene.renews(2).await;
    let (access, refresh) = provider.grant();
    office.keep(42, &access, &refresh).await;
    assert_eq!(scene.told().await.verdict, ApiVerdict::Revoked);
    assert!(provider.takes(&refresh));
}

#[tokio::test]
async fn what_nobody_signed_in_for_since_ends() {
    for lost in [Lost::Failed, Lost::FailedAtTheEnd, Lost::Killed] {
        let scene = Scene::begin(lost).await;
        scene.office.forget(&scene.credentials).await;
        scene.office.keep(43, "another's access token", "another's refresh token").await;
        assert_eq!(scene.told().await.verdict, ApiVerdict::Revoked);
        assert!(!scene.provider.takes("refresh-2"));
    }
}

#[tokio::test]
async fn what_was_known_before_is_no_lost_answer() {
    for lost in [Lost::Failed, Lost::Killed] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (first, second) = (provider.grant(), provider.grant());
        office.keep(43, &first.0, &first.1).await;
        let credentials = office.keep(42, &second.0, &second.1).await;
        let scene = Scene { provider, office, credentials };
        scene.loses(lost, &second.1).await;
        scene.office.passes(Duration::from_secs(1));
        scene.office.keep(42, "another access token", &first.1).await;
        assert_eq!(scene.told().await.verdict, ApiVerdict::Revoked, "{lost:?}");
        assert!(scene.provider.takes(&first.1) && !scene.provider.takes(&second.1));
    }
}

#[tokio::test]
async fn an_end_under_way_is_let_go_for_a_sign_in_of_the_same_account() {
    let scene = Scene::begin(Lost::Killed).await;
    let Scene { provider, office, credentials } = &scene;
    office.forget(credentials).await;
    let gate = Arc::new(Semaphore::new(0));
    provider.revocation_meets([Answer::new(503, &[], "").behind(&gate)]);
    let devices = office.gateway.credentials.clone();
    let telling = tokio::spawn(async move { devices.attend_once().await });
    until(|| !provider.ended().is_empty()).await;
    let (access, refresh) = provider.grant();
    let back = office.keep(42, &access, &refresh).await;
    telling.await.unwrap().unwrap();
    office.passes(Duration::from_secs(60));
    let told = scene.told().await;
    assert_eq!(told.verdict, ApiVerdict::Spared);
    assert!(told.why.unwrap().contains("it was looked whether it still takes them"));
    scene.works(&back, &access).await;
}
