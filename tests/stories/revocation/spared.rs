//! Tokens whose end waited when their account came back are left alone for the sake of what it came with, and end with that.

use std::time::Duration;

use endo::config::{RevocationEnds, Source};
use endo::credentials::{Account, ApiAnswer, ApiVerdict, Matter};
use endo::message::DeviceUuid;
use endo::store::StoreError;
use endo::vault::SecretText;
use rusqlite::Connection;

use super::Office;
use crate::support::fake_api::Answer;
use crate::support::provider::FakeProvider;

/// A pair that is forgotten, `access-1` and `refresh-1`, of which the API was told in vain.
struct Scene {
    provider: FakeProvider,
    office: Office,
    forgotten: DeviceUuid,
}

impl Scene {
    async fn begin(revocation_ends: RevocationEnds) -> Self {
        let provider = FakeProvider::start().await;
        let office = Office::open(Source { revocation_ends, ..provider.settings() }).await;
        let (access, refresh) = provider.grant();
        let forgotten = office.keep(42, &access, &refresh).await;
        office.forget(&forgotten).await;
        provider.revocation_meets([Answer::new(503, &[], ""), Answer::new(503, &[], "")]);
        office.does_what_is_due().await;
        assert_eq!(provider.ended(), ["refresh-1", "access-1"], "nothing ended");
        Self { provider, office, forgotten }
    }

    /// The account comes with an access token alone.
    async fn comes_back(&self) -> DeviceUuid {
        let access = self.provider.grant().0;
        let account = Account { refresh_token: None, ..self.office.account(42, &access, "") };
        self.office.gateway.credentials.keep(account).await.unwrap()
    }

    /// What comes of the end that waited.
    async fn is_spared(&self) -> ApiAnswer {
        self.office.passes(Duration::from_secs(60));
        self.office.does_what_is_due().await;
        let answer = self.office.receipts(&self.forgotten).await.remove(0).api.unwrap();
        assert_eq!((answer.verdict, self.ended()), (ApiVerdict::Spared, Vec::new()), "{answer:?}");
        assert!(self.office.waiting().await.is_empty());
        answer
    }

    /// What the API was told to end since.
    fn ended(&self) -> Vec<String> {
        self.provider.ended().split_off(2)
    }
}

#[tokio::test]
async fn a_pair_ends_with_the_access_token_for_whose_sake_it_was_spared() {
    for revocation_ends in [RevocationEnds::Account, RevocationEnds::SignIn, RevocationEnds::Token] {
        let scene = Scene::begin(revocation_ends).await;
        let newer = scene.comes_back().await;
        let said = scene.is_spared().await.sentence("The API");
        assert!(
            said.contains("it is set aside with those, and ended when they are not used any more"),
            "{said}"
        );
        let user_device = scene.office.bind(&newer).await;
        assert_eq!(scene.office.open_for(&newer, &user_device).await.unwrap(), "access-2");

        scene.office.forget(&newer).await;
        scene.office.does_what_is_due().await;
        assert_eq!(scene.ended(), ["access-2", "refresh-1", "access-1"]);
        assert_eq!(scene.office.receipts(&newer).await.remove(0).api.unwrap().verdict, ApiVerdict::Revoked);
        assert!(!scene.provider.takes("refresh-1") && scene.office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn it_waits_for_all_that_takes_the_place_of_that_as_well() {
    for revocation_ends in [RevocationEnds::Account, RevocationEnds::SignIn] {
        let scene = Scene::begin(revocation_ends).await;
        let newer = scene.comes_back().await;
        scene.is_spared().await;
        assert_eq!(scene.comes_back().await, newer);
        scene.is_spared().await;
        let (access, refresh) = scene.provider.grant();
        assert_eq!(scene.office.keep(42, &access, &refresh).await, newer);
        scene.is_spared().await;
        assert!(scene.provider.takes(&refresh));

        scene.office.forget(&newer).await;
        scene.office.does_what_is_due().await;
        let mut ended = scene.ended();
        ended.sort();
        assert_eq!(ended, ["access-1", "access-2", "access-3", "access-4", "refresh-1", "refresh-4"]);
    }
}

#[tokio::test]
async fn a_receipt_says_that_older_ones_stay_for_which_there_is_no_room_then() {
    let scene = Scene::begin(RevocationEnds::Account).await;
    for _ in 0..16 {
        scene.comes_back().await;
    }
    let newer = scene.comes_back().await;
    scene.is_spared().await;
    let parts = scene.office.receipts(&scene.forgotten).await.remove(0).parts;
    let said: Vec<_> = parts.iter().map(ToString::to_string).collect();
    let stays =
        format!("the oldest of the tokens set aside for {newer} stayed: no more than sixteen are kept");
    assert_eq!(said.iter().filter(|said| said.starts_with(&stays)).count(), 2, "{said:?}");
    scene.office.forget(&newer).await;
    scene.office.does_what_is_due().await;
    let ended = scene.ended();
    assert_eq!((ended.len(), &*ended[0], &*ended[1]), (17, "access-18", "access-4"));
    assert_eq!(ended[15..], ["refresh-1", "access-1"]);
}

#[tokio::test]
async fn it_is_set_aside_and_its_wait_is_over_at_once_or_neither() {
    let scene = Scene::begin(RevocationEnds::Account).await;
    for _ in 0..16 {
        scene.comes_back().await;
    }
    let newer = scene.comes_back().await;
    let generation = async || {
        let device = newer.clone();
        let record =
            scene.office.gateway.store.read::<_, StoreError, _>(move |view| view.record(&device)).await;
        record.unwrap().unwrap().generation
    };
    let before = generation().await;
    let database = Connection::open(scene.office.directory.path().join("endo.db")).unwrap();
    let broken_off =
        "CREATE TRIGGER broken_off BEFORE DELETE ON revocations BEGIN SELECT RAISE(ABORT, 'killed'); END";
    database.execute_batch(broken_off).unwrap();
    scene.office.passes(Duration::from_secs(60));
    scene.office.does_what_is_due().await;
    assert_eq!((generation().await, scene.office.waiting().await.len()), (before, 1));
    database.execute_batch("DROP TRIGGER broken_off").unwrap();
    scene.is_spared().await;
    assert_eq!(generation().await, before + 1);
    let parts = scene.office.receipts(&scene.forgotten).await.remove(0).parts;
    assert_eq!(parts.iter().filter(|part| part.what == Matter::OldestSetAside).count(), 2, "{parts:?}");
}

#[tokio::test]
async fn what_is_in_use_there_is_not_set_aside() {
    let scene = Scene::begin(RevocationEnds::SignIn).await;
    let newer = scene.office.keep(42, &scene.provider.grant().0, "refresh-1").await;
    scene.is_spared().await;
    scene.office.forget(&newer).await;
    scene.office.does_what_is_due().await;
    assert_eq!(scene.ended(), ["refresh-1", "access-2", "access-1"]);
}

#[tokio::test]
async fn an_access_token_that_came_alone_and_is_not_kept_ends_with_the_refresh_token_of_its_account() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    gives_up(&office, &provider, Some(42), None).await;
    assert_eq!((provider.ended(), office.waiting().await.len()), (Vec::new(), 0));
    office.forget(&credentials).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), ["refresh-1", "access-1", "access-2"]);
}

/// A sign-in brings an access token, alone or beside this refresh token, of this account as far as that is known, and is not kept.
async fn gives_up(office: &Office, provider: &FakeProvider, id: Option<i64>, refresh: Option<&str>) {
    let devices = &office.gateway.credentials;
    let (access, refresh) = (provider.grant().0, refresh.map(SecretText::from));
    let account = |id| office.account(id, &access, "");
    let refresh_token = refresh.as_ref().map(SecretText::copy);
    let account = id.map(|id| Account { refresh_token, ..account(id) });
    let arrival = devices.arrival(None).await;
    let arrival = devices.note_stray(arrival, &access.as_str().into(), refresh.as_ref()).await.unwrap();
    assert!(devices.give_up(arrival, account.as_ref()).await);
}

#[tokio::test]
async fn where_the_api_ends_an_access_token_alone_it_ends_at_once() {
    // An API may give the same refresh token again, which goes on with what holds it.
    for (id, again) in
        [(Some(42), None), (None, None), (Some(42), Some("refresh-1")), (None, Some("refresh-1"))]
    {
        let provider = FakeProvider::start().await;
        let source = Source { revocation_ends: RevocationEnds::Token, ..provider.settings() };
        let office = Office::open(source).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        gives_up(&office, &provider, id, again).await;
        assert_eq!((provider.ended(), office.waiting().await.len()), (vec!["access-2".to_owned()], 0));
        assert!(provider.takes(&refresh));
        let user_device = office.bind(&credentials).await;
        assert_eq!(office.open_for(&credentials, &user_device).await.unwrap(), access);
    }
}

#[tokio::test]
async fn it_ends_at_once_also_where_the_refresh_token_beside_it_is_set_aside() {
    for id in [Some(42), None] {
        let scene = Scene::begin(RevocationEnds::Token).await;
        let newer = scene.comes_back().await;
        scene.is_spared().await;
        gives_up(&scene.office, &scene.provider, id, Some("refresh-1")).await;
        assert_eq!((scene.ended(), scene.office.waiting().await.len()), (vec!["access-3".to_owned()], 0));
        assert!(scene.provider.takes("refresh-1"), "it may end with what is in use beside it");
        scene.office.forget(&newer).await;
        scene.office.does_what_is_due().await;
        assert_eq!(scene.ended(), ["access-3", "access-2", "refresh-1", "access-1"]);
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_set_aside_is_not_ended_by_a_sign_in_that_brings_it_again() {
    for id in [Some(42), None] {
        let scene = Scene::begin(RevocationEnds::SignIn).await;
        let newer = scene.comes_back().await;
        scene.is_spared().await;
        gives_up(&scene.office, &scene.provider, id, Some("refresh-1")).await;
        assert_eq!((scene.ended(), scene.office.waiting().await.len()), (Vec::new(), 0));
        let user_device = scene.office.bind(&newer).await;
        assert_eq!(scene.office.open_for(&newer, &user_device).await.unwrap(), "access-2");
    }
}

#[tokio::test]
async fn but_not_where_it_is_the_one_that_is_in_use() {
    let provider = FakeProvider::start().await;
    let source = Source { revocation_ends: RevocationEnds::Token, ..provider.settings() };
    let office = Office::open(source).await;
    office.keep(43, "access-1", "another refresh token").await;
    gives_up(&office, &provider, None, None).await;
    assert_eq!((provider.ended(), office.waiting().await.len()), (Vec::new(), 0));
}

#[tokio::test]
async fn what_other_accounts_hold_is_not_set_aside_with_them() {
    let scene = Scene::begin(RevocationEnds::SignIn).await;
    let other = scene.office.keep(43, &scene.provider.grant().0, "refresh-1").await;
    let said = scene.is_spared().await.sentence("The API");
    assert!(!said.contains("set aside"), "{said}");
    scene.office.forget(&other).await;
    scene.office.does_what_is_due().await;
    assert_eq!(scene.ended(), ["refresh-1", "access-2"]);
}
