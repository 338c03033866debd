//! Sign-ins at the API of a gateway on a Meshblu: what the bus does not let it keep ends at the API.

use serde_json::json;
use tempfile::TempDir;

use super::devices::empty_bus;
use super::pages::signed_in;
use crate::support::browser::{Browser, come_back, depart};
use crate::support::fake_api::Answer;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, json_answer, settings};
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
