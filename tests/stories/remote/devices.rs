//! Credentials devices on a Meshblu: found or made, sealed, bound and cut off (`spec/endo.md` 2.7, 2.8, 2.10).

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::config::{Config, SourceKind};
use endo::credentials::{Account, Again, CredentialsError, NewUserDevice};
use endo::store::Binding;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::support::account::octocat;
use crate::support::bus::{Answer as Answered, send};
use crate::support::desk::cut_off;
use crate::support::fake_api::{Answer, Seen};
use crate::support::meshblu::{
    CREDENTIALS, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, json_answer, say_hello, settings,
};

pub(crate) fn account(secret: &str) -> Account {
    octocat(583_231, secret, "owner-uuid")
}

fn again(device: &str) -> Option<Again> {
    Some(Again { device: device.into(), present: None })
}

fn new_device() -> NewUserDevice {
    NewUserDevice {
        name: None,
        device_type: "endo:github".to_owned(),
        logo: None,
        service_url: "https://endo.example/".to_owned(),
        owner: "owner-uuid".into(),
        login: None,
        heard_by_owner: false,
    }
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap()
}

/// A bus that makes a credentials device, then user and status devices.
pub(crate) async fn empty_bus() -> FakeMeshblu {
    let meshblu = FakeMeshblu::start().await;
    let made = |uuid: &str| json_answer(201, &json!({"uuid": uuid, "token": format!("token-of-{uuid}")}));
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([]))]);
    meshblu.answer("POST /devices", [made("new-cred"), made("new-user"), made("new-status")]);
    meshblu.answer("POST /devices/new-cred/tokens", [made("new-cred")]);
    for call in [
        format!("POST /v2/devices/{SERVICE}/subscriptions/new-cred/message.received"),
        "POST /v2/devices/new-cred/subscriptions/new-user/message.received".to_owned(),
    ] {
        meshblu.answer(&call, [Answer::new(204, &[], "")]);
    }
    meshblu
}

#[tokio::test]
async fn an_account_s_device_is_made_once_and_keeps_its_token() {
    let meshblu = empty_bus().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let credentials = &gateway.gateway.credentials;
    assert_eq!(credentials.keep(account("canary-of-a-secret")).await.unwrap().as_str(), "new-cred");
    assert_eq!(
        meshblu.called(),
        [
            "POST /search/devices".to_owned(),
            "POST /devices".to_owned(),
            format!("POST /v2/devices/{SERVICE}/subscriptions/new-cred/message.received"),
            "POST /devices/new-cred/tokens".to_owned(),
            "PUT /v2/devices/new-cred".to_owned(),
        ]
    );
    let calls = meshblu.calls();
    assert!(body(&calls[0])["endo.idKey"].is_string());
    let service = json!([{"uuid": SERVICE}]);
    let whitelists = json!({
        "discover": {"view": service, "as": service},
        "configure": {"update": service},
        "message": {"received": service},
    });
    let registered = body(&calls[1]);
    assert_eq!(registered["meshblu"], json!({"version": "2.0.0", "whitelists": whitelists}));
    assert_eq!(
        registered["endo"]["idKey"],
        body(&calls[0])["endo.idKey"],
        "where it breaks off, it is found"
    );
    let record = body(&calls[4])["$set"].clone();
    assert_eq!(record["endo"]["version"], "1.0.0", "the gateway of old can be put back");
    assert!(!record.to_string().contains("canary"));
    let device =
        json!({"uuid": "new-cred", "endo": record["endo"], "endoSignature": record["endoSignature"]});
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([device]))]);
    assert_eq!(credentials.keep(account("another-secret")).await.unwrap().as_str(), "new-cred");
    let again: Vec<_> = meshblu.called().split_off(5);
    assert_eq!(again, ["POST /search/devices", "PUT /v2/devices/new-cred"], "no new device, no new token");
}

#[tokio::test]
async fn a_bus_that_lost_its_copy_gets_no_second_device_for_the_account() {
    let meshblu = empty_bus().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let credentials = &gateway.gateway.credentials;
    credentials.keep(account("a-secret")).await.unwrap();
    meshblu.answer("GET /v2/devices/new-cred", [json_answer(200, &json!({"uuid": "new-cred"}))]);
    assert_eq!(credentials.keep(account("another-secret")).await.unwrap().as_str(), "new-cred");
    let again: Vec<_> = meshblu.called().split_off(5);
    assert_eq!(again, ["POST /search/devices", "GET /v2/devices/new-cred", "PUT /v2/devices/new-cred"]);

    // A device that is gone itself is no use to anybody.
    meshblu.answer("GET /v2/devices/new-cred", [Answer::new(404, &[], "")]);
    let token = json_answer(201, &json!({"uuid": "new-user", "token": "t"}));
    meshblu.answer("POST /devices/new-user/tokens", [token]);
    let heard = format!("POST /v2/devices/{SERVICE}/subscriptions/new-user/message.received");
    meshblu.answer(&heard, [Answer::new(204, &[], "")]);
    assert_eq!(credentials.keep(account("a-third-secret")).await.unwrap().as_str(), "new-user");
}

/// A gateway whose secrets are typed in.
fn for_keys(directory: &Path, meshblu: &FakeMeshblu) -> Config {
    let mut settings = settings(directory, &meshblu.url());
    settings.source.kind = SourceKind::Static;
    settings.source.name = Some("weather".to_owned());
    settings.source.base_url = Some("https://weather.example".to_owned());
    settings
}

/// Types keys in, as the owner's program with the token of the bus.
async fn type_in(gateway: &RemoteGateway, fields: &str) -> Answered {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("http://{}/auth/api", gateway.running.gateway());
    let request = client.post(url).basic_auth("owner-uuid", Some("t"));
    send(request.header("content-type", "application/x-www-form-urlencoded").body(fields.to_owned())).await
}

#[tokio::test]
async fn a_secret_is_kept_where_the_bus_refuses_its_copy_and_whoever_gave_it_is_told_so() {
    let meshblu = empty_bus().await;
    meshblu.answer("PUT /v2/devices/new-cred", [Answer::new(500, &[], "")]);
    let directory = tempfile::tempdir().unwrap();
    let gateway = RemoteGateway::with(for_keys(directory.path(), &meshblu)).await.unwrap();
    type_in(&gateway, "name=team&key=canary").await.is(201, r#"{"uuid":"new-cred"}"#);
    let url = format!("http://{}/credentials/new-cred/owners", gateway.running.gateway());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let owned = client.get(url).basic_auth("owner-uuid", Some("t"));
    send(owned).await.is(200, r#"[{"uuid":"owner-uuid"}]"#);
}

#[tokio::test]
async fn a_key_that_the_bus_alone_still_has_is_not_replaced_without_it_either() {
    let meshblu = empty_bus().await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = RemoteGateway::with(for_keys(directory.path(), &meshblu)).await.unwrap();
    type_in(&gateway, "name=team&key=canary").await.is(201, r#"{"uuid":"new-cred"}"#);
    gateway.stop().await;
    let record = body(meshblu.calls().last().unwrap())["$set"].clone();
    let device =
        json!({"uuid": "new-cred", "endo": record["endo"], "endoSignature": record["endoSignature"]});
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([device]))]);

    let elsewhere = tempfile::tempdir().unwrap();
    let gateway = RemoteGateway::with(for_keys(elsewhere.path(), &meshblu)).await.unwrap();
    assert_eq!(type_in(&gateway, "name=team&key=other").await.status, 401);
    assert_eq!(type_in(&gateway, "name=team&key=other&present=guessed").await.status, 403);
    type_in(&gateway, "name=team&key=other&present=canary").await.is(201, r#"{"uuid":"new-cred"}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_replace_a_key_with_the_same_present_one_only_the_first_does() {
    let meshblu = empty_bus().await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = RemoteGateway::with(for_keys(directory.path(), &meshblu)).await.unwrap();
    type_in(&gateway, "name=team&key=canary").await.is(201, r#"{"uuid":"new-cred"}"#);
    let giving = (0..4).map(|number| {
        let (gateway, form) = (&gateway, format!("name=team&key=key-{number}&present=canary"));
        async move { type_in(gateway, &form).await }
    });
    let answers = join_all(giving).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403, 403, 403], "{answers:?}");
    let given = answers.iter().position(|answer| answer.status == 201).unwrap();
    let proved = type_in(&gateway, &format!("name=team&present=key-{given}")).await;
    assert_eq!(proved.status, 201, "whoever was told that a key is kept has it: {proved:?}");
}

#[tokio::test]
async fn those_who_sign_in_at_one_account_at_the_same_time_come_one_after_the_other_and_make_one_device() {
    let meshblu = empty_bus().await;
    let gate = Arc::new(Semaphore::new(0));
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([])).behind(&gate)]);
    meshblu.answer("GET /v2/devices/new-cred", [json_answer(200, &json!({"uuid": "new-cred"}))]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let credentials = &gateway.gateway.credentials;
    let mut first = pin!(credentials.keep(account("a-secret")));
    while meshblu.called().is_empty() {
        let _ = timeout(Duration::from_millis(1), &mut first).await;
    }
    let mut second = pin!(credentials.keep(account("another-secret")));
    // What is found may be the very device that somebody else names.
    let mut named =
        pin!(credentials.keep_brought(Arc::new(account("a-third-secret")), again("new-cred"), None));
    assert!(futures_util::poll!(&mut second).is_pending() && futures_util::poll!(&mut named).is_pending());
    assert_eq!(meshblu.called().len(), 1, "they wait");
    gate.add_permits(10);
    let (first, second, named) = tokio::join!(first, second, named);
    for kept in [first, second, named] {
        assert_eq!(kept.unwrap().as_str(), "new-cred");
    }
    assert_eq!(meshblu.called().iter().filter(|call| *call == "POST /devices").count(), 1);
}

#[tokio::test]
async fn who_signs_in_again_for_one_of_two_devices_of_an_account_replaces_the_secret_of_that_one() {
    let meshblu = empty_bus().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let credentials = &gateway.gateway.credentials;
    assert_eq!(credentials.keep(account("a-secret")).await.unwrap().as_str(), "new-cred");
    let record = body(meshblu.calls().last().unwrap())["$set"].clone();
    let device =
        |uuid: &str| json!({"uuid": uuid, "endo": record["endo"], "endoSignature": record["endoSignature"]});
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([device("new-cred")]))]);
    let kept = credentials.keep_brought(Arc::new(account("another-secret")), again("new-cred"), None).await;
    assert_eq!(kept.unwrap().as_str(), "new-cred");
    let other =
        credentials.keep_brought(Arc::new(account("a-third-secret")), again("other-cred"), None).await;
    assert!(matches!(other, Err(CredentialsError::NoRecord)), "{other:?}");
    assert_eq!(meshblu.called().last().unwrap(), "POST /search/devices", "nothing was written");
}

#[tokio::test]
async fn a_user_device_gets_its_right_last() {
    let meshblu = empty_bus().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let credentials = &gateway.gateway.credentials;
    let device = credentials.keep(account("s")).await.unwrap();
    let bound = credentials.bind(device, new_device()).await.unwrap();
    assert_eq!((bound.uuid.as_str(), bound.status_device.as_str()), ("new-user", "new-status"));
    let calls = meshblu.calls().split_off(5);
    let called: Vec<_> = meshblu.called().split_off(5);
    assert_eq!(
        called,
        [
            "POST /devices",
            "POST /devices",
            "PUT /v2/devices/new-user",
            "POST /v2/devices/new-cred/subscriptions/new-user/message.received",
        ]
    );
    assert_eq!(body(&calls[0])["name"], "octocat");
    assert_eq!(body(&calls[1])["owner"], "new-user");
    assert!(body(&calls[0])["endo"]["begun"].is_string(), "where it breaks off, it is found");
    assert_eq!(bound.document["endo"], Value::Null);
    let finished = json!({"$set": {"statusDevice": "new-status"}, "$unset": {"endo": true}});
    assert_eq!(body(&calls[2]), finished);
}

#[tokio::test]
async fn a_device_that_is_cut_off_stays_cut_off_whatever_the_bus_says() {
    let meshblu = FakeMeshblu::start().await;
    let unsubscribe =
        format!("DELETE /v2/devices/{CREDENTIALS}/subscriptions/{USER_DEVICE}/message.received");
    meshblu.answer(&unsubscribe, [Answer::Bytes(Vec::new())]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&say_hello()).await.is(201, "Created");
    let binding = Binding { credentials: CREDENTIALS.into(), user_device: USER_DEVICE.into() };
    assert!(cut_off(&gateway.gateway.credentials, binding).await.is_some());
    assert!(meshblu.called().contains(&unsubscribe));
    let before = meshblu.called().len();
    assert_eq!(gateway.webhook(&say_hello()).await.status, 403);
    assert_eq!(meshblu.called().len(), before, "the bus still has the subscription, and is not asked");
}

#[tokio::test]
async fn an_owner_manages_his_devices_as_the_credentials_device() {
    let meshblu = empty_bus().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    gateway.gateway.credentials.keep(account("s")).await.unwrap();
    let service = format!("GET /v2/devices/{SERVICE}");
    meshblu.answer(&service, [json_answer(200, &json!({"options": {"name": "GitHub", "username": "x"}}))]);
    let bound = json!([
        {"subscriberUuid": "new-cred", "emitterUuid": "new-cred", "type": "message.received"},
        {"subscriberUuid": "new-cred", "emitterUuid": "new-user", "type": "message.received"},
    ]);
    meshblu.answer("GET /v2/devices/new-cred/subscriptions", [json_answer(200, &bound)]);
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let get = |path: &str, owner: &str| {
        let url = format!("http://{}/credentials/new-cred{path}", gateway.running.gateway());
        let bearer = STANDARD.encode(format!("{owner}:its-token"));
        send(client.get(url).header("authorization", format!("Bearer {bearer}")))
    };
    get("", "owner-uuid").await.is(200, r#"{"username":"octocat","name":"GitHub"}"#);
    let calls = meshblu.calls();
    let asked = calls.last().unwrap();
    let login = format!("Basic {}", STANDARD.encode("new-cred:token-of-new-cred"));
    assert_eq!(asked.header("authorization"), [login]);
    get("/user-devices", "owner-uuid").await.is(200, r#"[{"uuid":"new-user"}]"#);
    assert_eq!(get("/user-devices", "somebody-else").await.status, 404);
}
