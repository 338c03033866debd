//! A user device that breaks off on its way to its right is found and finished by whoever begins again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::bus::Login;
use endo::credentials::{Cut, NewUserDevice, Revoker};
use endo::message::DeviceUuid;
use endo::store::{Binding, HalfMade, StoreError};
use serde_json::{Value, json};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::owners::vault;
use crate::support::account::octocat;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, SERVICE, json_answer, settings};

const PUT: &str = "PUT /v2/devices/new-user";
const SUBSCRIBE: &str = "POST /v2/devices/new-cred/subscriptions/new-user/message.received";

fn made(uuid: &str) -> Answer {
    json_answer(201, &json!({"uuid": uuid, "token": format!("token-of-{uuid}")}))
}

fn failure() -> Answer {
    json_answer(500, &json!({"error": "out of order"}))
}

/// A bus that makes devices of these names, one after the other.
async fn bus(devices: impl IntoIterator<Item = Answer>) -> FakeMeshblu {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([]))]);
    meshblu.answer("POST /devices", devices.into_iter().collect::<Vec<_>>());
    meshblu.answer("POST /devices/new-cred/tokens", [made("new-cred")]);
    meshblu.answer(
        "POST /devices/new-user/tokens",
        [json_answer(201, &json!({"uuid": "new-user", "token": "another-token"}))],
    );
    let heard = format!("POST /v2/devices/{SERVICE}/subscriptions/new-cred/message.received");
    for call in [&*heard, SUBSCRIBE, PUT] {
        meshblu.answer(call, [Answer::new(204, &[], "")]);
    }
    meshblu
}

/// A gateway on that bus that can be started again.
struct Scene {
    meshblu: FakeMeshblu,
    directory: TempDir,
}

impl Scene {
    fn on(meshblu: FakeMeshblu) -> Self {
        Self { meshblu, directory: tempfile::tempdir().unwrap() }
    }

    /// On a bus that answers so when the first user device is subscribed, and has all it takes for another one.
    async fn whose_subscriptions_meet(answers: impl IntoIterator<Item = Answer>) -> Self {
        let devices = ["new-cred", "new-user", "new-status", "user-3", "status-3"];
        let scene = Self::on(bus(devices.map(made)).await);
        scene.meshblu.answer(SUBSCRIBE, answers);
        for call in [SUBSCRIBE, PUT] {
            scene.meshblu.answer(&call.replace("new-user", "user-3"), [Answer::new(204, &[], "")]);
        }
        scene
    }

    async fn gateway(&self) -> RemoteGateway {
        RemoteGateway::with(settings(self.directory.path(), &self.meshblu.url())).await.unwrap()
    }

    fn registrations(&self) -> usize {
        self.meshblu.called().iter().filter(|call| *call == "POST /devices").count()
    }
}

async fn keep(gateway: &RemoteGateway) -> DeviceUuid {
    keep_for(gateway, "owner-uuid").await
}

async fn keep_for(gateway: &RemoteGateway, owner: &str) -> DeviceUuid {
    let account = octocat(583_231, "s", owner);
    gateway.gateway.credentials.keep(account).await.unwrap()
}

fn login(owner: &str) -> Login {
    Login { uuid: owner.into(), token: Zeroizing::new("its-token".to_owned()) }
}

fn device_of(owner: &str, name: &str) -> NewUserDevice {
    NewUserDevice {
        name: Some(name.to_owned()),
        device_type: "endo:github".to_owned(),
        logo: None,
        service_url: "https://endo.example/".to_owned(),
        owner: owner.into(),
        login: Some(login(owner)),
        heard_by_owner: false,
    }
}

async fn half_made(gateway: &RemoteGateway) -> Vec<HalfMade> {
    gateway.gateway.store.read::<_, StoreError, _>(|view| view.half_made()).await.unwrap()
}

async fn bound(gateway: &RemoteGateway) -> Vec<Binding> {
    let bindings = gateway.gateway.store.read::<_, StoreError, _>(|view| view.bindings()).await.unwrap();
    bindings.into_iter().map(|noted| noted.binding).collect()
}

#[tokio::test]
async fn a_device_that_broke_off_before_its_right_is_finished_by_the_next_attempt_also_after_a_restart() {
    for broken in ["POST /devices", PUT, SUBSCRIBE] {
        let mut devices = vec![made("new-cred"), made("new-user"), made("new-status"), made("a-third")];
        if broken == "POST /devices" {
            devices.insert(2, failure());
        }
        let registrations = devices.len() - 1;
        let scene = Scene::on(bus(devices).await);
        if broken != "POST /devices" {
            scene.meshblu.answer(broken, [failure(), Answer::new(204, &[], "")]);
        }
        let gateway = scene.gateway().await;
        let credentials = keep(&gateway).await;
        let first = gateway.gateway.credentials.bind(credentials.clone(), device_of("owner-uuid", "a")).await;
        assert!(first.is_err(), "{broken}");
        assert_eq!(bound(&gateway).await, [], "{broken}: nobody has a right");
        let left = half_made(&gateway).await;
        assert_eq!((left.len(), left[0].binding.user_device.as_str()), (1, "new-user"), "{broken}");
        gateway.stop().await;

        let gateway = scene.gateway().await;
        let second =
            gateway.gateway.credentials.bind(credentials, device_of("owner-uuid", "b")).await.unwrap();
        assert_eq!((second.uuid.as_str(), second.status_device.as_str()), ("new-user", "new-status"));
        assert_eq!(*second.token, "another-token", "nobody was told the first one");
        assert_eq!(scene.registrations(), registrations, "{broken}");
        assert_eq!((half_made(&gateway).await, bound(&gateway).await.len()), (Vec::new(), 1), "{broken}");
        let calls = scene.meshblu.calls();
        let asked = calls.iter().rfind(|seen| seen.target == "/devices/new-user/tokens").unwrap();
        let owner = format!("Basic {}", STANDARD.encode("owner-uuid:its-token"));
        assert_eq!(asked.header("authorization"), [owner], "as its owner, who alone may");
        assert!(asked.header("x-meshblu-as").is_empty(), "nobody acts as a device against itself");
        let put = calls.iter().rfind(|seen| seen.target == "/v2/devices/new-user").unwrap();
        let put: Value = serde_json::from_slice(&put.body).unwrap();
        assert_eq!((&put["$set"]["statusDevice"], &put["$set"]["name"]), (&json!("new-status"), &json!("b")));
        assert_eq!(scene.meshblu.called().last().unwrap(), SUBSCRIBE, "its right comes last");
    }
}

#[tokio::test]
async fn a_device_that_broke_off_is_finished_for_its_owner_alone_and_while_it_is_there() {
    let devices = ["new-cred", "new-user", "new-status", "their-user", "their-status", "user-3", "status-3"];
    let scene = Scene::on(bus(devices.map(made)).await);
    scene.meshblu.answer(SUBSCRIBE, [failure()]);
    for user in ["their-user", "user-3"] {
        let subscribe = SUBSCRIBE.replace("new-user", user);
        scene.meshblu.answer(&subscribe, [Answer::new(204, &[], "")]);
        scene.meshblu.answer(&PUT.replace("new-user", user), [Answer::new(204, &[], "")]);
    }
    let gateway = scene.gateway().await;
    let credentials = keep(&gateway).await;
    scene.meshblu.answer("GET /v2/devices/new-cred", [json_answer(200, &json!({"uuid": "new-cred"}))]);
    assert_eq!(keep_for(&gateway, "somebody-else").await, credentials, "whoever adds a device owns them");
    let bind = async |owner: &str| {
        gateway.gateway.credentials.bind(credentials.clone(), device_of(owner, "a")).await
    };
    assert!(bind("owner-uuid").await.is_err());
    assert_eq!(bind("somebody-else").await.unwrap().uuid.as_str(), "their-user");
    scene.meshblu.answer("POST /devices/new-user/tokens", [json_answer(403, &json!({"error": "Forbidden"}))]);
    assert_eq!(bind("owner-uuid").await.unwrap().uuid.as_str(), "user-3");
    assert_eq!(half_made(&gateway).await, []);
}

#[tokio::test]
async fn a_device_that_broke_off_and_was_cut_off_then_is_waited_for_no_more() {
    let scene = Scene::whose_subscriptions_meet([failure()]).await;
    let gateway = scene.gateway().await;
    let credentials = keep(&gateway).await;
    let devices = &gateway.gateway.credentials;
    assert!(devices.bind(credentials.clone(), device_of("owner-uuid", "a")).await.is_err());
    assert_eq!(half_made(&gateway).await.len(), 1);
    let owned = devices.held(credentials.clone()).await.unwrap();
    devices.cut_off(&owned, Cut::One("new-user".into()), &Revoker::Operator).await.unwrap();
    assert_eq!(half_made(&gateway).await, []);
    let next = devices.bind(credentials, device_of("owner-uuid", "b")).await.unwrap();
    assert_eq!(next.uuid.as_str(), "user-3");
}

#[tokio::test]
async fn what_the_operator_begins_waits_for_its_owner() {
    let scene = Scene::whose_subscriptions_meet([failure(), Answer::new(204, &[], "")]).await;
    let gateway = scene.gateway().await;
    let credentials = keep(&gateway).await;
    let devices = &gateway.gateway.credentials;
    let by_operator = || NewUserDevice { login: None, ..device_of("owner-uuid", "a") };
    assert!(devices.bind(credentials.clone(), by_operator()).await.is_err());
    assert_eq!(devices.bind(credentials.clone(), by_operator()).await.unwrap().uuid.as_str(), "user-3");
    let finished = devices.bind(credentials, device_of("owner-uuid", "b")).await.unwrap();
    assert_eq!((finished.uuid.as_str(), half_made(&gateway).await), ("new-user", Vec::new()));
}

#[tokio::test]
async fn a_device_that_was_not_begun_here_for_whoever_asks_gets_no_right() {
    let mark = |credentials: &str, owner: &str| {
        json!(vault().user_device_marks(&credentials.into(), &owner.into())[0])
    };
    let ours = mark("new-cred", "owner-uuid");
    for (owner, mark) in [
        ("owner-uuid", json!("made up")),
        ("owner-uuid", json!("new-cred")),
        ("owner-uuid", mark("other-cred", "owner-uuid")),
        ("owner-uuid", mark("new-cred", "somebody-else")),
        ("somebody-else", ours.clone()),
    ] {
        let scene = Scene::on(bus(["new-cred", "new-user", "new-status"].map(made)).await);
        let gateway = scene.gateway().await;
        let credentials = keep(&gateway).await;
        let theirs = json!({"uuid": "theirs", "owner": owner, "endo": {"begun": mark}});
        scene.meshblu.answer("POST /search/devices", [json_answer(200, &json!([theirs]))]);
        let bound =
            gateway.gateway.credentials.bind(credentials, device_of("owner-uuid", "a")).await.unwrap();
        assert_eq!(bound.uuid.as_str(), "new-user", "{mark}");
    }

    // Nor does one that was cut off.
    let scene = Scene::on(bus(["new-cred", "new-user", "new-status"].map(made)).await);
    let gateway = scene.gateway().await;
    let credentials = keep(&gateway).await;
    let owned = gateway.gateway.credentials.held(credentials.clone()).await.unwrap();
    let cut = Cut::One("theirs".into());
    gateway.gateway.credentials.cut_off(&owned, cut, &Revoker::Operator).await.unwrap();
    let cut_off = json!({"uuid": "theirs", "owner": "owner-uuid", "endo": {"begun": ours}});
    scene.meshblu.answer("POST /search/devices", [json_answer(200, &json!([cut_off]))]);
    let bound = gateway.gateway.credentials.bind(credentials, device_of("owner-uuid", "a")).await.unwrap();
    assert_eq!(bound.uuid.as_str(), "new-user");
}
