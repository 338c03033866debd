//! The same on a Meshblu, where the copy of a record follows the store's.

use std::sync::Arc;
use std::time::Duration;

use endo::ambient::Random;
use endo::config::Source;
use endo::credentials::Revoker;
use endo::vault::{
    Contents, Format, KeyRing, Owners, PrivateKey, RememberSettings, ResourceOwnerId, SealedText, SecretText,
    Vault,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::{Hand, until};
use crate::support::fake_api::{Answer, FakeApi, Seen};
use crate::support::meshblu::{
    CREDENTIALS, CREDENTIALS_TOKEN, FakeMeshblu, RemoteGateway, json_answer, settings, vectors,
};
use crate::support::provider::{FakeProvider, Fault};

const PUT: &str = "PUT /v2/devices/cred-uuid-0001";

fn vault() -> Vault {
    let key =
        PrivateKey::parse(vectors()["servicePrivateKeyPem"].as_str().unwrap(), &Random::system()).unwrap();
    let remember = RememberSettings { capacity: 0, life: Duration::ZERO };
    Vault::new(KeyRing::new(key, vec![]), Random::system(), remember)
}

/// A credentials device of the original gateway with a pair of tokens.
pub(super) fn device(access: &str, refresh: &str) -> Value {
    let contents = Contents {
        refresh_token: Some(SecretText::from(refresh)),
        credentials_device_token: Some(SecretText::from(CREDENTIALS_TOKEN)),
        owners: Owners::named(["owner-uuid"]),
        ..Contents::new(ResourceOwnerId::Number(583_231), SecretText::from(access))
    };
    let sealed = vault().seal(&CREDENTIALS.into(), &contents, Format::One).unwrap();
    json!({"uuid": CREDENTIALS, "endo": sealed.endo, "endoSignature": sealed.signature})
}

struct Scene {
    meshblu: FakeMeshblu,
    provider: FakeProvider,
    hand: Hand,
    directory: TempDir,
    shown: Value,
}

impl Scene {
    /// A record whose access token is over, on a bus that the gateway never told of it.
    async fn set() -> Self {
        let (meshblu, provider) = (FakeMeshblu::start().await, FakeProvider::start().await);
        provider.knows(None, "refresh-of-old");
        let shown = device("access-of-old", "refresh-of-old");
        meshblu.answer("POST /search/devices", [json_answer(200, &json!([shown]))]);
        let hand = Hand::at(vectors()["nowMs"].as_i64().unwrap());
        Self { meshblu, provider, hand, directory: tempfile::tempdir().unwrap(), shown }
    }

    async fn gateway(&self) -> RemoteGateway {
        let mut config = settings(self.directory.path(), &self.meshblu.url());
        config.source = self.provider.settings();
        RemoteGateway::at(self.hand.clock(), config).await.unwrap()
    }

    fn shown(&self) -> Vec<Seen> {
        let calls = self.meshblu.calls().into_iter();
        calls.filter(|seen| format!("{} {}", seen.method, seen.target) == PUT).collect()
    }
}

fn asking(requests: &[&str]) -> Value {
    json!({"metadata": {"jobType": "SayHello"}, "data": {"do": "ask", "requests": requests}})
}

fn events() -> Value {
    asking(&["GET /users/x/events"])
}

#[tokio::test]
async fn a_record_that_came_with_its_device_is_renewed_and_keeps_all_but_its_secret() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    gateway.webhook(&events()).await.is(201, "Created");
    assert_eq!(scene.provider.api_calls(), ["GET Bearer access-of-old", "GET Bearer access-1"]);
    until(|| !scene.shown().is_empty()).await;
    let put = scene.shown().remove(0);
    let update: Value = serde_json::from_slice(&put.body).unwrap();
    let (endo, signature) = (&update["$set"]["endo"], update["$set"]["endoSignature"].as_str().unwrap());
    for name in ["authorizedKey", "idKey", "version", "credentialsDeviceUuid"] {
        assert_eq!(endo[name], scene.shown["endo"][name], "{name}");
    }
    let sealed = SealedText { endo: &endo.to_string(), signature };
    let opened = vault().open(&CREDENTIALS.into(), sealed, scene.hand.now()).unwrap();
    assert_eq!(opened.secret().expose(), "access-1");
    assert_eq!(opened.credentials_device_token().unwrap().expose(), CREDENTIALS_TOKEN);
    let login = put.header("authorization").concat();
    let reply = scene.meshblu.calls().into_iter().find(|seen| seen.target == "/messages").unwrap();
    assert_eq!(login, reply.header("authorization").concat(), "as the credentials device");
}

#[tokio::test]
async fn a_copy_that_the_bus_refuses_is_shown_again_and_an_older_one_there_counts_for_nothing() {
    let scene = Scene::set().await;
    let refused = || json_answer(503, &Value::Null);
    scene.meshblu.answer(PUT, [refused(), refused(), Answer::new(204, &[], "")]);
    let gateway = scene.gateway().await;
    for _ in 0..2 {
        gateway.webhook(&events()).await.is(201, "Created");
    }
    assert_eq!(scene.provider.token_requests(), 1, "the bus shows the old record all the while");
    assert_eq!(scene.provider.api_calls()[1..], ["GET Bearer access-1"; 2]);
    until(|| {
        scene.hand.forward(Duration::from_millis(20));
        scene.shown().len() == 3
    })
    .await;
    let shown = scene.shown();
    assert!(shown.windows(2).all(|pair| pair[0].body == pair[1].body));
}

#[tokio::test]
async fn a_copy_that_is_owed_is_shown_after_a_restart() {
    let scene = Scene::set().await;
    scene.meshblu.answer(PUT, [json_answer(503, &Value::Null)]);
    let gateway = scene.gateway().await;
    gateway.webhook(&events()).await.is(201, "Created");
    until(|| scene.shown().len() == 1).await;
    gateway.stop().await;
    scene.meshblu.answer(PUT, [Answer::new(204, &[], "")]);
    scene.hand.forward(Duration::from_secs(5));
    let again = scene.gateway().await;
    until(|| scene.shown().len() == 2).await;
    again.webhook(&events()).await.is(201, "Created");
    assert_eq!(scene.provider.token_requests(), 1);
}

#[tokio::test]
async fn a_call_that_the_api_refused_is_done_with_the_new_secret_and_one_that_it_did_is_not_done_twice() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    gateway.webhook(&asking(&["POST /users/x/notes"])).await.is(201, "Created");
    assert_eq!(scene.provider.api_calls(), ["POST Bearer access-of-old", "POST Bearer access-1"]);
    scene.provider.expire("access-1");
    scene.hand.forward(Duration::from_secs(121));
    let half = asking(&["POST /users/anybody/notes", "POST /users/x/notes"]);
    let answer = gateway.webhook(&half).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(answer.json()["error"], "the credentials have expired");
    assert_eq!(scene.provider.api_calls()[2..], ["POST Bearer access-1"; 2]);
    gateway.webhook(&half).await.is(201, "Created");
    assert_eq!(scene.provider.api_calls()[4..], ["POST Bearer access-2"; 2]);
}

#[tokio::test]
async fn every_message_on_a_dead_secret_is_answered_with_the_way_to_sign_in() {
    let scene = Scene::set().await;
    scene.provider.plan([Fault::InvalidGrant]);
    let gateway = scene.gateway().await;
    for _ in 0..3 {
        assert_eq!(gateway.webhook(&events()).await.status, 401);
    }
    let replies = scene.meshblu.messages();
    assert_eq!(replies.len(), 3);
    for reply in replies {
        assert_eq!(reply["metadata"]["code"], 401, "{reply}");
        assert!(reply["metadata"]["error"]["signIn"].is_string(), "{reply}");
    }
    assert_eq!(scene.provider.token_requests(), 1);
}

#[tokio::test]
async fn a_message_that_waits_for_the_renewal_of_a_secret_that_is_forgotten_is_answered_403() {
    let scene = Scene::set().await;
    let gate = Arc::new(Semaphore::new(0));
    scene.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let gateway = scene.gateway().await;
    let credentials = &gateway.gateway.credentials;
    let forget = async {
        until(|| scene.provider.token_requests() == 1).await;
        let owned = credentials.held(CREDENTIALS.into()).await.unwrap();
        credentials.forget(&owned, &Revoker::Operator).await.unwrap();
        gate.add_permits(1);
    };
    let (answer, ()) = tokio::join!(async { gateway.webhook(&events()).await }, forget);
    assert_eq!(answer.status, 403, "{answer:?}");
    let replies = scene.meshblu.messages();
    assert_eq!((replies.len(), &replies[0]["metadata"]["code"]), (1, &json!(403)));
}

#[tokio::test]
async fn a_job_that_is_under_way_when_its_secret_is_forgotten_is_answered_as_it_ends() {
    for (status, code) in [(200, 201), (401, 403)] {
        let gate = Arc::new(Semaphore::new(0));
        let api = FakeApi::answering(json_answer(status, &json!([])).behind(&gate)).await;
        let scene = Scene::set().await;
        let mut config = settings(scene.directory.path(), &scene.meshblu.url());
        config.source = Source { base_url: Some(api.url("")), ..scene.provider.settings() };
        let gateway = RemoteGateway::at(scene.hand.clock(), config).await.unwrap();
        let credentials = &gateway.gateway.credentials;
        let forget = async {
            until(|| api.seen().len() == 1).await;
            let owned = credentials.held(CREDENTIALS.into()).await.unwrap();
            credentials.forget(&owned, &Revoker::Operator).await.unwrap();
            gate.add_permits(1);
        };
        let (answer, ()) = tokio::join!(async { gateway.webhook(&events()).await }, forget);
        assert_eq!(answer.status, code, "{answer:?}");
        assert_eq!(scene.meshblu.messages().len(), 1);
        assert_eq!((api.seen().len(), scene.provider.token_requests()), (1, 0));
    }
}

#[tokio::test]
async fn a_message_whose_secret_is_of_another_api_is_told_so() {
    let scene = Scene::set().await;
    let gateway = scene.gateway().await;
    gateway.webhook(&events()).await.is(201, "Created");
    gateway.stop().await;
    let another = Scene { provider: FakeProvider::start().await, ..scene };
    let gateway = another.gateway().await;
    assert_eq!(gateway.webhook(&events()).await.status, 403);
    let replies = another.meshblu.messages();
    assert_eq!((replies.len(), &replies[1]["metadata"]["code"]), (2, &json!(403)));
    assert_eq!(another.provider.token_requests(), 0);
}

#[tokio::test]
async fn a_job_whose_record_is_gone_from_the_bus_when_the_api_refuses_its_secret_is_told_what_the_next_one_is()
 {
    let gate = Arc::new(Semaphore::new(0));
    let api = FakeApi::answering(json_answer(401, &json!({})).behind(&gate)).await;
    let scene = Scene::set().await;
    let mut config = settings(scene.directory.path(), &scene.meshblu.url());
    config.source = Source { base_url: Some(api.url("")), ..scene.provider.settings() };
    let gateway = RemoteGateway::at(scene.hand.clock(), config).await.unwrap();
    let vanish = async {
        until(|| api.seen().len() == 1).await;
        scene.meshblu.answer("POST /search/devices", [json_answer(200, &json!([{"uuid": CREDENTIALS}]))]);
        gate.add_permits(1);
    };
    let (under_way, ()) = tokio::join!(async { gateway.webhook(&events()).await }, vanish);
    let next = gateway.webhook(&events()).await;
    assert_eq!((under_way.status.as_u16(), next.status.as_u16()), (400, 400), "{under_way:?}");
    assert_eq!(under_way.json()["error"], next.json()["error"], "nobody ended anything");
    assert_eq!(scene.provider.token_requests(), 0);
}
