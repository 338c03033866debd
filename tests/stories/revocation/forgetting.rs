//! A forgotten secret opens nothing any more, and the API is told for a day at most.

use std::time::Duration;

use endo::bus::Login;
use endo::credentials::{Account, ApiVerdict, CredentialsError, Fate, Matter, NewUserDevice, Revoker};
use endo::message::DeviceUuid;
use endo::store::{StoreError, StoredRecord};
use serde_json::Value;

use super::Office;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::provider::{FakeProvider, form};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn document(office: &Office, device: &DeviceUuid) -> Value {
    let device = device.clone();
    let found = office.gateway.store.read::<_, StoreError, _>(move |view| view.device(&device)).await;
    Value::clone(&found.unwrap().unwrap())
}

async fn record(office: &Office, device: &DeviceUuid) -> Option<StoredRecord> {
    let device = device.clone();
    office.gateway.store.read::<_, StoreError, _>(move |view| view.record(&device)).await.unwrap()
}

async fn store(office: &Office, device: &DeviceUuid, record: StoredRecord) -> bool {
    let device = device.clone();
    let store = move |tx: &endo::store::Transaction<'_>| tx.store_record(&device, &record);
    office.gateway.store.write::<_, StoreError, _>(store).await.unwrap()
}

#[tokio::test]
async fn a_forgotten_secret_is_unusable_at_once_and_over_at_the_api_soon() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    let user_device = office.bind(&credentials).await;
    assert_eq!(office.open_for(&credentials, &user_device).await.unwrap(), access);
    let receipt = office.forget(&credentials).await;
    assert_eq!(receipt.cut_off().collect::<Vec<_>>(), [&user_device]);
    assert_eq!(receipt.account.as_deref(), Some("octocat"));
    let operations = office.gateway.vault.private_key_operations();
    let refused = office.open_for(&credentials, &user_device).await;
    assert!(matches!(refused, Err(CredentialsError::Revoked)), "{refused:?}");
    assert_eq!(office.gateway.vault.private_key_operations(), operations, "something was opened");
    let shown = document(&office, &credentials).await;
    assert!(shown.get("endo").is_none() && shown.get("endoSignature").is_none(), "{shown}");
    assert_eq!(receipt.api.unwrap().verdict, ApiVerdict::Pending);
    assert!(provider.takes(&refresh), "nobody told the API yet");
    office.does_what_is_due().await;
    assert!(!provider.takes(&refresh));
    let receipts = office.receipts(&credentials).await;
    assert_eq!(receipts[0].api.as_ref().unwrap().verdict, ApiVerdict::Revoked);
    assert!(office.waiting().await.is_empty());
}

/// A gateway that was on a Meshblu before has records of devices of that.
#[tokio::test]
async fn a_receipt_does_not_say_that_something_ended_on_a_bus_that_has_no_such_device() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    let of_another_bus = [credentials.clone(), office.bind(&credentials).await];
    let remove = move |tx: &endo::store::Transaction<'_>| {
        of_another_bus.iter().try_for_each(|device| tx.remove_device(device))
    };
    office.gateway.store.write::<_, StoreError, _>(remove).await.unwrap();

    let receipt = office.forget(&credentials).await;
    let fate = |of: Matter| receipt.parts.iter().find(|part| part.what == of).map(|part| part.fate);
    assert_eq!((fate(Matter::Right), fate(Matter::Record)), (Some(Fate::Ended), Some(Fate::Ended)));
    for what in [Matter::BusCopy, Matter::Subscription] {
        let part = receipt.parts.iter().find(|part| part.what == what).unwrap();
        assert_eq!(part.fate, Fate::Stayed, "{part}");
        assert!(part.to_string().contains("the gateway's own bus has no such device"), "{part}");
    }
    let ended = receipt.parts.iter().filter(|part| part.fate != Fate::Stayed).map(|part| part.what);
    assert_eq!(ended.collect::<Vec<_>>(), [Matter::Right, Matter::Record]);
    assert!(record(&office, &credentials).await.is_none());
}

#[tokio::test]
async fn an_api_that_fails_is_told_again_for_a_day_and_then_the_copy_is_erased() {
    let api = FakeApi::answering(Answer::new(500, &[], "")).await;
    let mut settings = FakeProvider::start().await.settings();
    settings.revocation_url = Some(api.url("/revoke"));
    let office = Office::open(settings).await;
    let credentials = office.keep(42, "access", "refresh").await;
    office.forget(&credentials).await;
    let verdict = async || office.receipts(&credentials).await[0].api.clone().unwrap().verdict;
    office.does_what_is_due().await;
    let asked = api.seen().len();
    assert!(asked > 0);
    office.does_what_is_due().await;
    assert_eq!(api.seen().len(), asked, "not at once again");
    for _ in 0..23 {
        office.passes(HOUR);
        let asked = api.seen().len();
        office.does_what_is_due().await;
        assert!(api.seen().len() > asked);
        assert_eq!((verdict().await, office.waiting().await.len()), (ApiVerdict::Pending, 1));
    }
    office.passes(HOUR);
    let asked = api.seen().len();
    office.does_what_is_due().await;
    assert_eq!((verdict().await, office.waiting().await.len()), (ApiVerdict::Undone, 0));
    assert_eq!(api.seen().len(), asked, "the copy is not used after its day");
}

#[tokio::test]
async fn an_api_that_failed_is_told_at_once_where_the_clock_was_set_back_and_no_longer_than_a_day_from_then()
{
    for is_back in [true, false] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        office.forget(&credentials).await;
        let answers = if is_back { 2 } else { 100 };
        provider.revocation_meets((0..answers).map(|_| Answer::new(503, &[], "")));
        office.does_what_is_due().await;
        assert_eq!(provider.ended().len(), 2, "nobody is back yet");
        office.is_set_back(48 * HOUR);
        office.does_what_is_due().await;
        assert_eq!(provider.ended().len(), 4);
        if !is_back {
            office.passes(24 * HOUR);
            office.does_what_is_due().await;
        }
        let verdict = office.receipts(&credentials).await.remove(0).api.unwrap().verdict;
        assert_eq!(verdict, if is_back { ApiVerdict::Revoked } else { ApiVerdict::Undone });
        assert!(office.waiting().await.is_empty());
    }
}

#[tokio::test]
async fn an_api_that_takes_no_refresh_token_is_told_of_the_access_token_all_the_same() {
    let api = FakeApi::start(|seen| match form(seen)["token_type_hint"].as_str() {
        "refresh_token" => Answer::new(400, &[], r#"{"error":"unsupported_token_type"}"#),
        _ => Answer::new(200, &[], ""),
    })
    .await;
    let mut settings = FakeProvider::start().await.settings();
    settings.revocation_url = Some(api.url("/revoke"));
    let office = Office::open(settings).await;
    let credentials = office.keep(42, "access", "refresh").await;
    office.forget(&credentials).await;
    office.does_what_is_due().await;
    let told: Vec<String> = api.seen().iter().map(|seen| form(seen)["token"].clone()).collect();
    assert_eq!(told, ["refresh", "access"]);
    let verdict = office.receipts(&credentials).await[0].api.clone().unwrap().verdict;
    assert_eq!(verdict, ApiVerdict::Pending, "the refresh token is not known to be over");
}

#[tokio::test]
async fn where_the_api_cannot_be_told_nothing_is_kept_for_it() {
    let mut settings = FakeProvider::start().await.settings();
    settings.revocation_url = None;
    let office = Office::open(settings).await;
    let credentials = office.keep(42, "access", "refresh").await;
    let receipt = office.forget(&credentials).await;
    assert_eq!(receipt.api.unwrap().verdict, ApiVerdict::Impossible);
    assert!(office.waiting().await.is_empty());
}

#[tokio::test]
async fn a_forgotten_record_never_comes_back() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let credentials = office.keep(42, "access", "refresh").await;
    let user_device = office.bind(&credentials).await;
    let (old, shown) = (record(&office, &credentials).await.unwrap(), document(&office, &credentials).await);
    office.forget(&credentials).await;
    assert!(!store(&office, &credentials, old.clone()).await);
    assert!(!store(&office, &credentials, StoredRecord { generation: 99, ..old }).await);
    let at = credentials.clone();
    let put_back = move |tx: &endo::store::Transaction<'_>| tx.replace_device(&at, &shown);
    office.gateway.store.write::<_, StoreError, _>(put_back).await.unwrap();
    let refused = office.open_for(&credentials, &user_device).await;
    assert!(matches!(refused, Err(CredentialsError::Revoked)), "{refused:?}");
    let owned = office.gateway.credentials.owned_by(&office.owner(), credentials.clone()).await;
    assert!(matches!(owned, Err(CredentialsError::NoRecord)));
    let new = office.keep(42, "newer", "newer refresh").await;
    assert_ne!(new, credentials, "whoever signs in again begins anew");
    assert!(office.open_for(&new, &user_device).await.is_err(), "with no device that may use it");
    let bound = office.bind(&new).await;
    assert_eq!(office.open_for(&new, &bound).await.unwrap(), "newer");
}

#[tokio::test]
async fn what_is_forgotten_is_forgotten_once() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let credentials = office.keep(42, "access", "refresh").await;
    let owned = office.gateway.credentials.held(credentials.clone()).await.unwrap();
    let by = endo::credentials::Revoker::Operator;
    let both = tokio::join!(
        office.gateway.credentials.forget(&owned, &by),
        office.gateway.credentials.forget(&owned, &by)
    );
    assert_eq!([both.0.is_ok(), both.1.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert_eq!(office.receipts(&credentials).await.len(), 1);
}

#[tokio::test]
async fn whoever_left_or_forgot_meanwhile_gets_no_device() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let devices = &office.gateway.credentials;
    let credentials = office.keep(1, "access-1", "refresh-1").await;
    let second = Login { uuid: "second".into(), token: "its-token".to_owned().into() };
    let account = Account { owner: second.uuid.clone(), ..office.account(1, "access-2", "refresh-2") };
    assert_eq!(devices.keep(account).await.unwrap(), credentials);
    let first = Login { uuid: office.owner(), ..second.clone() };
    let ask = async |login: &Login| {
        let new =
            office.gateway.user_device(None, login.uuid.clone(), "http://127.0.0.1:8080").await.unwrap();
        devices.bind(credentials.clone(), NewUserDevice { login: Some(login.clone()), ..new }).await
    };
    ask(&second).await.unwrap();

    let owned = devices.owned_by(&second.uuid, credentials.clone()).await.unwrap();
    devices.leave(&owned, &second).await.unwrap();
    assert!(matches!(ask(&second).await, Err(CredentialsError::NoRecord)));
    ask(&first).await.unwrap();
    office.forget(&credentials).await;
    assert!(matches!(ask(&first).await, Err(CredentialsError::NoRecord)));
}

#[tokio::test]
async fn the_bus_in_this_process_keeps_nobody_s_login_for_what_follows() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    office.bind(&credentials).await;
    let owned = office.gateway.credentials.held(credentials).await.unwrap();
    let login = Login { uuid: office.owner(), token: "its token".to_owned().into() };
    office.gateway.credentials.forget(&owned, &Revoker::Owner(login)).await.unwrap();
    let known = format!("{:?}", office.gateway.credentials);
    assert!(known.contains("enders: Enders(Mutex { data: {}"), "{known}");
}

#[tokio::test]
async fn a_page_for_people_is_no_answer_to_the_end_of_a_token() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    office.forget(&credentials).await;
    let forgotten_at = office.receipts(&credentials).await.remove(0).api.unwrap().at;
    office.passes(Duration::from_secs(60));
    let page = || Answer::new(200, &["content-type: text/html"], "<!doctype html><title>Sign in</title>");
    provider.revocation_meets([page(), page()]);
    office.does_what_is_due().await;
    let told = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!(told.verdict, ApiVerdict::Pending);
    let said = told.sentence("The API");
    assert!(said.contains("it answered a page for people, as at a wrong address"), "{said}");
    assert!(told.at > forgotten_at, "what it answered has the time of that: {told:?}");
    assert_eq!(office.waiting().await.len(), 1);
    office.passes(Duration::from_secs(60));
    office.does_what_is_due().await;
    let told = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!(told.sentence("The API"), "the tokens are over at The API too");
}

/// The answers of a day, and what a receipt says of them.
const REFUSALS: [(u16, &str, &str); 9] = [
    // The secret of the client has that word in it.
    (401, r#"{"error":"invalid_client"}"#, "the error invalid …"),
    (400, r#"{"error":"invalid_request"}"#, "the error invalid_request"),
    (400, r#"{"error":"unsupported_token_type"}"#, "the error unsupported_token_type"),
    (404, "", "the status 404"),
    (410, "", "the status 410"),
    (302, "", "the status 302"),
    (200, r#"{"ok":false}"#, "that it did not do it"),
    (500, "", "the status 500"),
    (429, "", "that it is to be asked later, by the status 429"),
];

#[tokio::test]
async fn a_receipt_says_what_the_api_answered_that_ended_nothing_within_a_day() {
    for (status, text, answer) in REFUSALS {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let credentials = office.keep(42, "access", "refresh").await;
        office.forget(&credentials).await;
        provider.revocation_meets((0..4).map(|_| Answer::new(status, &[], text)));
        office.does_what_is_due().await;
        let told = office.receipts(&credentials).await.remove(0).api.unwrap();
        assert_eq!(told.verdict, ApiVerdict::Pending, "{status}");
        let sentence = format!("The API has not ended the tokens yet: it answered {answer}");
        assert_eq!(told.sentence("The API"), sentence);
        office.passes(24 * HOUR);
        office.does_what_is_due().await;
        let told = office.receipts(&credentials).await.remove(0).api.unwrap();
        assert_eq!((told.verdict, told.said.as_deref()), (ApiVerdict::Undone, Some(answer)));
        assert!(
            told.sentence("The API").ends_with(&format!("end them there yourself: it answered {answer}"))
        );
        assert!(office.waiting().await.is_empty(), "{status}");
    }
}
