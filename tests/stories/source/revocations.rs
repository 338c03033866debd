//! Ending a grant at a provider, in the provider's own way.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use endo::config;
use endo::egress::{Egress, EgressSettings, Lookup};
use endo::source::oauth2::{OAuthClient, OAuthError, Revoked};
use endo::source::{Catalogue, Source, Way};
use serde_json::Value;

use crate::support::fake_api::{Answer, FakeApi, Seen};

/// Those of the catalogue whose way to end a grant takes an access token alone.
const BY_ACCESS_ALONE: [&str; 3] = ["dropbox", "github", "slack"];

/// The access tokens that are good, and what the next requests meet.
#[derive(Default)]
struct State {
    good: HashSet<&'static str>,
    endings: VecDeque<Answer>,
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Answer {
        match self.endings.pop_front() {
            Some(answer) => answer,
            None if self.good.remove(&*token(seen)) => Answer::new(200, &[], ""),
            None if seen.method == "DELETE" => Answer::new(404, &[], r#"{"message":"Not Found"}"#),
            None => Answer::new(401, &[], r#"{"error":{".tag":"expired_access_token"}}"#),
        }
    }
}

/// What a request is about.
fn token(seen: &Seen) -> String {
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let bearer = seen.header("authorization").concat();
    body["access_token"].as_str().unwrap_or(bearer.trim_start_matches("Bearer ")).to_owned()
}

/// A provider of the catalogue, but for its addresses.
struct Scene {
    api: FakeApi,
    client: OAuthClient,
    state: Arc<Mutex<State>>,
}

impl Scene {
    async fn at(name: &str) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let api = FakeApi::start(move |seen| shared.lock().unwrap().answer(seen)).await;
        let mut provider = Catalogue::embedded().named(name).unwrap().clone();
        provider.token = api.url("/token");
        provider.revocation.as_mut().unwrap().url = api.url("/revoke");
        let settings = config::Source {
            provider: Some(name.to_owned()),
            client_id: Some("id".to_owned()),
            client_secret: Some("secret".to_owned().into()),
            ..config::Source::default()
        };
        let source = Source::settle(&settings, &Catalogue::from_iter([provider])).unwrap();
        let Way::OAuth2User(Some(oauth2)) = source.way else { panic!("{source:?}") };
        let egress = Egress::new(EgressSettings::default(), Lookup::system()).unwrap();
        Self { api, client: OAuthClient::new(egress, oauth2), state }
    }

    fn takes(&self, access: &'static str) {
        self.state.lock().unwrap().good.insert(access);
    }

    /// Ends what came as `access-1` with `refresh-1`.
    async fn ends(&self) -> Result<Revoked, OAuthError> {
        self.client.revoke(&"access-1".into(), Some(&"refresh-1".into())).await
    }

    fn asked(&self) -> Vec<String> {
        self.api.seen().iter().map(|seen| format!("{} {}", seen.target, token(seen))).collect()
    }
}

#[tokio::test]
async fn a_grant_ends_by_its_access_token_and_one_that_ran_out_is_not_known() {
    for name in BY_ACCESS_ALONE {
        let scene = Scene::at(name).await;
        scene.takes("access-1");
        assert_eq!(scene.ends().await.unwrap(), Revoked::Done, "{name}");
        assert_eq!(scene.ends().await.unwrap(), Revoked::Unknown, "{name}");
        scene.state.lock().unwrap().endings.push_back(Answer::new(503, &[], ""));
        scene.ends().await.unwrap_err();
        assert_eq!(scene.asked(), ["/revoke access-1"; 3], "{name}");
        assert!(scene.client.settings().revokes_by_access_alone());
    }
}
