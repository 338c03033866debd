//! Sign-ins at the API of a gateway on a Meshblu: what the bus does not let it keep ends at the API.

use std::sync::Arc;
use std::time::Duration;

use endo::credentials::Revoker;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::devices::empty_bus;
use super::owners::{account, bus_of_old};
use super::pages::signed_in;
use crate::support::browser::{Browser, come_back, depart};
use crate::support::fake_api::Answer;
use crate::support::meshblu::{CREDENTIALS, FakeMeshblu, RemoteGateway, SERVICE, json_answer, settings};
use crate::support::provider::FakeProvider;

const OWNER: &str = "owner-uuid";

/// A gateway on a Meshblu, and an owner's browser on its way to the provider.
struct Place {
    meshblu: FakeMeshblu,
    provider: FakeProvider,
    browser: Browser,
    state: String,
    _gateway: RemoteGateway,
    _directory: TempDir,
}

impl Place {
    async fn open() -> Self {
        let (meshblu, provider) = (empty_bus().await, FakeProvider::start().await);
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path(), &meshblu.url());
        settings.bus.oauth_url = Some(meshblu.url());
        settings.source = provider.settings();
        let gateway = RemoteGateway::with(settings).await.unwrap();
        let mut browser = signed_in(&gateway, &meshblu, OWNER).await;
        let state = depart(&mut browser, "/auth/api").await;
        Self { meshblu, provider, browser, state, _gateway: gateway, _directory: directory }
    }
}

#[tokio::test]
async fn what_the_bus_keeps_from_being_kept_ends_at_the_api() {
    let failed = || Answer::new(500, &[], "");
    for (call, answer) in [
        ("POST /devices", failed()),
        ("POST /devices/new-cred/tokens", Answer::Bytes(Vec::new())),
        // Nobody can ask then who has the same tokens either.
        ("POST /search/devices", failed()),
        ("POST /search/devices", Answer::Bytes(Vec::new())),
    ] {
        let mut place = Place::open().await;
        place.meshblu.answer(call, [answer]);
        let answer = come_back(&mut place.browser, &place.state).await;
        assert_eq!(answer.status, 503, "{call}: {answer:?}");
        assert!(answer.text.contains("could not be kept; begin again"), "{answer:?}");
        assert_eq!(place.provider.ended(), ["refresh-1", "access-1"], "{call}");
    }
}

#[tokio::test]
async fn a_secret_that_is_kept_lives_on_where_nobody_knows_whether_the_bus_took_its_copy() {
    for answer in [Answer::Bytes(Vec::new()), Answer::new(500, &[], ""), json_answer(403, &json!({}))] {
        let mut place = Place::open().await;
        place.meshblu.answer("PUT /v2/devices/new-cred", [answer]);
        let kept = come_back(&mut place.browser, &place.state).await;
        let home = kept.header("location");
        assert_eq!((kept.status.as_u16(), home), (303, Some("/console/credentials/new-cred")), "{kept:?}");
        assert!(place.provider.ended().is_empty());
    }
}

#[tokio::test]
async fn a_sign_in_whose_credentials_are_forgotten_meanwhile_comes_after_that_and_begins_anew() {
    let meshblu = bus_of_old("somebody-else").await;
    let made = json_answer(201, &json!({"uuid": "new-cred", "token": "t"}));
    meshblu.answer("POST /devices", [made.clone()]);
    meshblu.answer("POST /devices/new-cred/tokens", [made]);
    let heard = format!("POST /v2/devices/{SERVICE}/subscriptions/new-cred/message.received");
    meshblu.answer(&heard, [Answer::new(204, &[], "")]);
    let (gate, none) = (Arc::new(Semaphore::new(0)), json_answer(200, &json!([])));
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    meshblu.answer(&subscriptions, [none.clone().behind(&gate), none]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let credentials = &gateway.gateway.credentials;
    let forget = async {
        // The sign-in has read the record, and asks whose devices use it.
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while !meshblu.called().contains(&subscriptions) {
            ticks.tick().await;
        }
        let owned = credentials.held(CREDENTIALS.into()).await.unwrap();
        credentials.forget(&owned, &Revoker::Operator).await.unwrap();
        gate.add_permits(1);
    };
    let (kept, ()) = tokio::join!(credentials.keep(account("owner-2")), forget);
    assert_eq!(kept.unwrap().as_str(), "new-cred");
}
