//! What another gateway made on a Meshblu, at the terminal of the gateway that took its place.

use std::process::{Command, Output};

use endo::store::Binding;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::devices::{account, empty_bus};
use crate::support::desk::cut_off;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, bound, json_answer, say_hello, settings,
    vectors,
};

/// A Meshblu with what the old gateway left there, and the directory of this one.
struct House {
    meshblu: FakeMeshblu,
    directory: TempDir,
}

impl House {
    fn on(meshblu: FakeMeshblu) -> Self {
        let heard = |emitter: &str| json!({"subscriberUuid": SERVICE, "emitterUuid": emitter, "type": "message.received"});
        let all = json!([heard(SERVICE), heard(CREDENTIALS)]);
        meshblu.answer(&format!("GET /v2/devices/{SERVICE}/subscriptions"), [json_answer(200, &all)]);
        meshblu.show(json!({"uuid": USER_DEVICE, "name": "Lab of old", "owner": "owner-uuid"}));
        let unsubscribe =
            format!("DELETE /v2/devices/{CREDENTIALS}/subscriptions/{USER_DEVICE}/message.received");
        meshblu.answer(&unsubscribe, [Answer::new(204, &[], "")]);
        let directory = tempfile::tempdir().unwrap();
        let key = vectors()["servicePrivateKeyPem"].as_str().unwrap();
        let settings = format!(
            "[bus]\nkind = \"meshblu\"\nurl = \"{}\"\nuuid = \"{SERVICE}\"\ntoken = \"service-token-0001\"\n\
             timeout_seconds = 1\n[records]\nprivate_key = '''{key}'''\n",
            meshblu.url(),
        );
        std::fs::write(directory.path().join("endo.toml"), settings).unwrap();
        Self { meshblu, directory }
    }

    /// What the program says, which has the directory to itself.
    fn endo(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
        command.env_clear().arg("--data-dir").arg(self.directory.path()).args(words).output().unwrap()
    }

    /// The rows of a list.
    fn rows(&self, words: &[&str]) -> Vec<Value> {
        let output = self.endo(words);
        assert!(output.status.success(), "{output:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn gateway(&self) -> RemoteGateway {
        RemoteGateway::with(settings(self.directory.path(), &self.meshblu.url())).await.unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_another_gateway_made_is_listed_and_cut_off_with_a_receipt() {
    let house = House::on(FakeMeshblu::start().await);
    let rows = house.rows(&["devices", "ls", "--json"]);
    let told = json!([{
        "uuid": USER_DEVICE, "credentials": CREDENTIALS, "owner": "owner-uuid", "name": "Lab of old",
        "bound": null, "revoked": null,
    }]);
    assert_eq!(json!(rows), told);

    let revoked = house.endo(&["devices", "revoke", USER_DEVICE]);
    assert!(revoked.status.success(), "{revoked:?}");
    assert!(said(&revoked).contains(&format!("{USER_DEVICE} is cut off from {CREDENTIALS} since ")));
    let rows = house.rows(&["devices", "ls", "--json"]);
    assert!(rows.len() == 1 && rows[0]["revoked"].is_string(), "{rows:?}");
    let receipts = house.rows(&["receipts", "--json"]);
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0]["credentials"], CREDENTIALS, "{receipts:?}");

    let gateway = house.gateway().await;
    assert_eq!(gateway.webhook(&say_hello()).await.status, 403);
    assert!(house.meshblu.messages().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_another_gateway_made_is_listed_with_since_when_it_is_cut_off() {
    let house = House::on(FakeMeshblu::start().await);
    let gateway = house.gateway().await;
    let binding = Binding { credentials: CREDENTIALS.into(), user_device: USER_DEVICE.into() };
    assert!(cut_off(&gateway.gateway.credentials, binding).await.is_some());
    gateway.stop().await;
    let rows = house.rows(&["devices", "ls", "--json"]);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["revoked"], "2026-01-15T12:00:00Z");
    assert_eq!(rows[0]["name"], "Lab of old");
    let again = house.endo(&["devices", "revoke", USER_DEVICE]);
    assert!(again.status.success() && said(&again).contains("since 2026-01-15T12:00:00Z"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bus_does_not_tell_of_some_credentials_hides_no_device_of_others_and_is_said() {
    let meshblu = empty_bus().await;
    let house = House::on(meshblu);
    let gateway = house.gateway().await;
    gateway.gateway.credentials.keep(account("a-secret")).await.unwrap();
    gateway.stop().await;
    let found = json_answer(200, &json!([vectors()["credentialsDevice"]]));
    house.meshblu.answer("POST /search/devices", [found]);
    let silent = "GET /v2/devices/new-cred/subscriptions";
    house.meshblu.answer(silent, [Answer::Stall(Vec::new())]);

    let listed = house.endo(&["devices", "ls"]);
    assert!(listed.status.success() && said(&listed).contains(USER_DEVICE), "{listed:?}");
    let there_may_be_more = "the bus does not say which devices may use 1 of the credentials";
    assert!(said(&listed).contains(there_may_be_more), "{listed:?}");
    let revoked = house.endo(&["devices", "revoke", USER_DEVICE]);
    assert_eq!(revoked.status.code(), Some(1), "{revoked:?}");
    for part in [&format!("{USER_DEVICE} is cut off from {CREDENTIALS} since "), there_may_be_more] {
        assert!(said(&revoked).contains(part), "{part}: {revoked:?}");
    }

    house.meshblu.answer(silent, [json_answer(200, &json!([]))]);
    let unknown = house.endo(&["devices", "revoke", "nobody"]);
    assert!(said(&unknown).contains("nobody is not a user device of this gateway"), "{unknown:?}");
    let services = format!("GET /v2/devices/{SERVICE}/subscriptions");
    house.meshblu.answer(&services, [Answer::new(503, &[], "")]);
    let unknown = house.endo(&["devices", "revoke", "nobody"]);
    assert!(said(&unknown).contains("the bus does not say which credentials"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_credentials_are_taken_for_a_new_device_also_where_another_gateway_kept_them() {
    let meshblu = empty_bus().await;
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([vectors()["credentialsDevice"]]))]);
    let made = |uuid: &str| json_answer(201, &json!({"uuid": uuid, "token": "t"}));
    meshblu.answer("POST /devices", [made("new-user"), made("new-status")]);
    let heard = format!("POST /v2/devices/{CREDENTIALS}/subscriptions/new-user/message.received");
    meshblu.answer(&heard, [Answer::new(204, &[], "")]);
    let house = House::on(meshblu);
    let bound = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    house.meshblu.answer(&bound, [json_answer(200, &json!([bound_to("new-user"), bound_to(USER_DEVICE)]))]);

    let nobody_s = house.endo(&["devices", "add"]);
    assert!(said(&nobody_s).contains("name one with --owner"), "{nobody_s:?}");
    let added = house.endo(&["devices", "add", "--owner", "owner-uuid"]);
    assert!(said(&added).contains(CREDENTIALS), "{added:?}");
    let listed = house.rows(&["devices", "ls", "--json"]);
    let uuids: Vec<_> = listed.iter().map(|row| row["uuid"].as_str().unwrap()).collect();
    assert_eq!(uuids, ["new-user", USER_DEVICE]);
}

fn bound_to(device: &str) -> Value {
    let mut subscription = bound();
    subscription["emitterUuid"] = json!(device);
    subscription
}
