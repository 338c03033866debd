//! Routes that lead nowhere (`spec/endo.md` 2.5, route parsing).

use serde_json::json;

use crate::support::bus::send;
use crate::support::meshblu::{
    CREDENTIALS, FLOW, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, route, say_hello,
};

fn hops(hops: &[(&str, &str)]) -> String {
    let hops = hops.iter().map(|(from, to)| json!({"from": from, "to": to, "type": "message.received"}));
    json!(hops.collect::<Vec<_>>()).to_string()
}

#[tokio::test]
async fn a_route_that_names_nobody_to_answer_is_a_bad_route() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let looping = hops(&[
        (FLOW, USER_DEVICE),
        (USER_DEVICE, USER_DEVICE),
        (USER_DEVICE, CREDENTIALS),
        (CREDENTIALS, SERVICE),
    ]);
    for bad in [
        "",
        "[]",
        "null",
        "7",
        "true",
        "[null]",
        r#"{"a":1}"#,
        r#"["x"]"#,
        r#"[{"from":"a"}]"#,
        "\"text\"",
        &hops(&[(SERVICE, SERVICE)]),
        &hops(&[(CREDENTIALS, SERVICE)]),
        &looping,
    ] {
        let answer = gateway.webhook_by(bad, &say_hello()).await;
        assert_eq!(answer.status, 422, "{bad}: {answer:?}");
        assert_eq!(answer.json()["error"], "Bad route");
    }
    assert_eq!(gateway.webhook_by("[{", &say_hello()).await.status, 400);
    let twice =
        gateway.post("/v2/messages").header("x-meshblu-route", route()).header("x-meshblu-route", looping);
    let recorded = &crate::support::meshblu::vectors()["vectors"][0]["request"]["headers"];
    let twice = ["Date", "X-MESHBLU-UUID", "Authorization"]
        .into_iter()
        .fold(twice, |request, name| request.header(name, recorded[name].as_str().unwrap()));
    assert_eq!(send(twice.body(say_hello().to_string())).await.status, 400, "which one counts?");
    assert!(meshblu.called().is_empty());
    assert_eq!(gateway.waiting().await, 0);
}

#[tokio::test]
async fn a_route_in_a_circle_is_read_like_any_other() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let circle = hops(&[
        (FLOW, "b"),
        ("b", "c"),
        ("c", "b"),
        ("b", USER_DEVICE),
        (USER_DEVICE, CREDENTIALS),
        (CREDENTIALS, SERVICE),
        (SERVICE, SERVICE),
    ]);
    gateway.webhook_by(&circle, &say_hello()).await.is(201, "Created");
    assert_eq!(meshblu.messages()[0]["devices"], json!([FLOW]));
}

#[tokio::test]
async fn a_route_to_devices_that_do_not_exist_is_refused_before_anything_is_opened() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let nowhere = hops(&[(FLOW, "nobody"), ("nobody", "no-credentials"), ("no-credentials", SERVICE)]);
    let answer = gateway.webhook_by(&nowhere, &say_hello()).await;
    assert_eq!(answer.status, 404);
    assert_eq!(meshblu.called(), ["GET /v2/devices/no-credentials/subscriptions"]);
    let stranger = hops(&[(FLOW, "not-bound"), ("not-bound", CREDENTIALS), (CREDENTIALS, SERVICE)]);
    assert_eq!(gateway.webhook_by(&stranger, &say_hello()).await.status, 403);
    let odd = hops(&[(FLOW, "u"), ("u", "../../v2/whoami?x=#"), ("../../v2/whoami?x=#", SERVICE)]);
    gateway.webhook_by(&odd, &say_hello()).await;
    assert_eq!(
        meshblu.called().last().unwrap(),
        "GET /v2/devices/..%2F..%2Fv2%2Fwhoami%3Fx%3D%23/subscriptions"
    );
}

#[tokio::test]
async fn ten_thousand_hops_are_too_many_and_end_nothing() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let long = |count: usize| {
        let mut all = vec![(FLOW, USER_DEVICE); count];
        all.extend([(USER_DEVICE, CREDENTIALS), (CREDENTIALS, SERVICE)]);
        hops(&all)
    };
    gateway.webhook_by(&long(200), &say_hello()).await.is(201, "Created");
    let answer = gateway.webhook_by(&long(1500), &say_hello()).await;
    assert_eq!(answer.status, 431, "{answer:?}");
    let recorded = &crate::support::meshblu::vectors()["vectors"][0]["request"]["headers"];
    let mut request = gateway.post("/v2/messages").header("x-meshblu-route", long(10_000));
    for name in ["Date", "X-MESHBLU-UUID", "Authorization"] {
        request = request.header(name, recorded[name].as_str().unwrap());
    }
    let answer = request.body(say_hello().to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 431);
    gateway.webhook_by(&route(), &say_hello()).await.is(201, "Created");
}

#[tokio::test]
async fn a_body_that_is_neither_an_object_nor_a_list_is_a_broken_request() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for body in [json!(null), json!("x"), json!(7)] {
        assert_eq!(gateway.webhook(&body).await.status, 400, "{body}");
    }
    assert!(meshblu.called().is_empty());
}

/// The head is small enough, because the devices on the way have short names.
#[tokio::test]
async fn whoever_sent_a_message_over_more_than_a_thousand_hops_is_told_so() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let long = |count: usize| {
        let hop = json!({"from": "a", "to": "b", "type": ""});
        let mut all = vec![json!({"from": FLOW, "to": USER_DEVICE, "type": ""})];
        all.resize(count - 2, hop);
        all.push(json!({"from": USER_DEVICE, "to": CREDENTIALS, "type": ""}));
        all.push(json!({"from": CREDENTIALS, "to": SERVICE, "type": ""}));
        json!(all).to_string()
    };
    gateway.webhook_by(&long(1000), &say_hello()).await.is(201, "Created");
    assert_eq!(gateway.webhook_by(&long(1001), &say_hello()).await.status, 431);
    let told = meshblu.messages();
    assert_eq!(
        told[1..],
        [json!({"devices": [FLOW], "metadata": {
            "code": 431,
            "to": {"nodeId": "n1"},
            "error": {"message": "The message came by too long a route"},
        }})]
    );
    assert!(meshblu.called().contains(&"PUT /v2/devices/status-uuid".to_owned()));
}

#[tokio::test]
async fn hops_that_name_no_kind_of_event_are_hops_all_the_same() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let hop = |from: &str, to: &str| json!({"from": from, "to": to});
    let route =
        json!([hop(FLOW, USER_DEVICE), hop(USER_DEVICE, CREDENTIALS), hop(CREDENTIALS, SERVICE)]).to_string();
    gateway.webhook_by(&route, &say_hello()).await.is(201, "Created");
    assert_eq!(meshblu.messages()[0]["data"], json!({"hello": "Ada"}));
}
