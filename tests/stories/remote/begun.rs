//! A credentials device that breaks off on its way to its record is found and finished by the account's next sign-in.

use endo::credentials::CredentialsError;
use endo::message::DeviceUuid;
use endo::vault::ResourceOwnerId;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::devices::empty_bus;
use super::owners::{account, vault};
use crate::support::fake_api::Answer;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, SERVICE, json_answer, settings};

const REGISTER: &str = "POST /devices";
const TOKEN: &str = "POST /devices/new-cred/tokens";

fn made() -> Answer {
    json_answer(201, &json!({"uuid": "new-cred", "token": "token-of-new-cred"}))
}

struct Scene {
    meshblu: FakeMeshblu,
    directory: TempDir,
}

impl Scene {
    async fn set() -> Self {
        Self { meshblu: empty_bus().await, directory: tempfile::tempdir().unwrap() }
    }

    /// Keeps the account's secret on a gateway that was just started, and ends with that.
    async fn keep(&self) -> Result<DeviceUuid, CredentialsError> {
        let settings = settings(self.directory.path(), &self.meshblu.url());
        let gateway = RemoteGateway::with(settings).await.unwrap();
        let kept = gateway.gateway.credentials.keep(account("owner-1")).await;
        gateway.stop().await;
        kept
    }

    fn bodies(&self, call: &str) -> Vec<Value> {
        let calls = self.meshblu.calls().into_iter();
        let these = calls.filter(|seen| format!("{} {}", seen.method, seen.target) == call);
        these.map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_device_that_broke_off_before_its_record_is_finished_by_the_next_sign_in_also_after_a_restart() {
    let hear = format!("POST /v2/devices/{SERVICE}/subscriptions/new-cred/message.received");
    let refused = || json_answer(500, &json!({"error": "out of order"}));
    for (call, failure, success) in [
        // The device is there, and nobody was told.
        (REGISTER, Answer::Bytes(Vec::new()), made()),
        (&*hear, refused(), Answer::new(204, &[], "")),
        (TOKEN, refused(), made()),
    ] {
        let scene = Scene::set().await;
        scene.meshblu.answer(call, [failure]);
        assert!(scene.keep().await.is_err(), "{call}");
        scene.meshblu.answer(call, [success]);
        let mut left = scene.bodies(REGISTER).remove(0);
        left["uuid"] = json!("new-cred");
        scene.meshblu.answer("POST /search/devices", [json_answer(200, &json!([left]))]);
        assert_eq!(scene.keep().await.unwrap().as_str(), "new-cred", "{call}");
        assert_eq!(scene.bodies(REGISTER).len(), 1, "{call}: no second device");
        let shown = scene.bodies("PUT /v2/devices/new-cred").pop().unwrap();
        let endo = &shown["$set"]["endo"];
        assert_eq!((&endo["version"], &endo["begun"]), (&json!("1.0.0"), &Value::Null), "the mark is gone");
    }
}

#[tokio::test]
async fn a_device_with_a_mark_that_was_not_made_here_for_the_account_gets_no_record() {
    let id_keys = vault().id_keys(&ResourceOwnerId::Number(583_231));
    let id_key = id_keys.newest();
    let of_another = vault().begun_mark(&ResourceOwnerId::Number(583_232));
    for mark in [json!("made up"), json!(id_key), json!(of_another), json!(7)] {
        let scene = Scene::set().await;
        let theirs = json!({"uuid": "theirs", "endo": {"idKey": id_key, "begun": mark}});
        scene.meshblu.answer("POST /search/devices", [json_answer(200, &json!([theirs]))]);
        assert_eq!(scene.keep().await.unwrap().as_str(), "new-cred", "{mark}");
    }
}

#[tokio::test]
async fn nothing_is_made_beside_a_device_whose_record_was_sealed_here_and_does_not_open() {
    let scene = Scene::set().await;
    scene.meshblu.answer("GET /v2/devices/new-cred", [json_answer(200, &json!({"uuid": "new-cred"}))]);
    assert_eq!(scene.keep().await.unwrap().as_str(), "new-cred");
    let store = rusqlite::Connection::open(scene.directory.path().join("endo.db")).unwrap();
    let damage = "UPDATE records SET endo = json_set(endo, '$.encrypted', 'damaged')";
    assert_eq!(store.execute(damage, []).unwrap(), 1);
    drop(store);
    assert!(matches!(scene.keep().await, Err(CredentialsError::Record(_))));
    assert_eq!(scene.bodies(REGISTER).len(), 1, "no second device");
}
