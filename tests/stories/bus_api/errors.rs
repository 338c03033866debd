//! What anybody may ask, and refusals in their exact shapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use endo::ambient::Clock;
use endo::bus::embedded::api::ApiLimits;
use reqwest::Method;
use serde_json::json;

use crate::support::bus::{TestBus, WithJson, send};

#[tokio::test]
async fn anybody_may_ask_whether_the_bus_is_there() {
    let bus = TestBus::open().await;
    for path in ["/ping", "/healthcheck", "/proofoflife"] {
        send(bus.request(Method::GET, path)).await.is(200, r#"{"online":true}"#);
    }
    send(bus.request(Method::GET, "/status")).await.is(200, r#"{"meshblu":"online"}"#);
}

#[tokio::test]
async fn bad_credentials_are_403_with_the_body_null() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let uuid = &device.uuid;
    for call in [
        "POST /authenticate".to_owned(),
        "GET /v2/whoami".to_owned(),
        format!("GET /v3/devices/{uuid}"),
        format!("PATCH /v2/devices/{uuid}"),
        format!("PUT /v2/devices/{uuid}"),
        format!("PUT /devices/{uuid}"),
        format!("PUT /v2/devices/{uuid}/find-and-update"),
        format!("DELETE /devices/{uuid}"),
        "POST /search/devices".to_owned(),
        "GET /v2/devices".to_owned(),
        "GET /v2/devices?a[$unknown]=1".to_owned(),
        "GET /devices".to_owned(),
        "GET /devices?a[$unknown]=1".to_owned(),
        format!("POST /devices/{uuid}/token"),
        format!("POST /devices/{uuid}/tokens"),
        format!("DELETE /devices/{uuid}/tokens"),
        format!("DELETE /devices/{uuid}/tokens/{}", device.token),
        "POST /search/tokens".to_owned(),
        format!("GET /v2/devices/{uuid}/subscriptions"),
        format!("DELETE /v2/devices/{uuid}/subscriptions"),
        format!("POST /v2/devices/{uuid}/subscriptions/{uuid}/message.received"),
        format!("DELETE /v2/devices/{uuid}/subscriptions/{uuid}/message.received"),
        "POST /messages".to_owned(),
        "POST /broadcasts".to_owned(),
        format!("GET /subscribe/{uuid}/received"),
    ] {
        let bare = || [bus.anonymous(&call), bus.anonymous(&call).basic_auth(uuid, Some("wrong"))];
        // What else is wrong is told to those alone who may ask.
        let malformed = [json!({"$unknown": 1, "type": 1, "emitterUuid": 1}), json!([1])]
            .map(|body| bare().map(|request| request.json(&body).header("x-meshblu-projection", "{{")));
        for request in bare().into_iter().chain(malformed.into_iter().flatten()) {
            let answer = send(request).await;
            answer.is(403, "null");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{call}");
            assert_eq!(answer.header("content-length"), Some("4"), "{call}");
            assert_eq!(answer.header("x-meshblu-code"), Some("403"), "{call}");
            assert_eq!(answer.header("x-meshblu-status"), Some("Forbidden"), "{call}");
            assert!(answer.header("x-meshblu-response-id").is_some(), "{call}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{call}");
        }
    }
    send(bus.by(&device, "POST /authenticate")).await.is(204, "");
}

#[tokio::test]
async fn some_routes_refuse_in_their_own_way() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for path in ["/v2/devices/", "/devices/"] {
        let answer = send(bus.request(Method::GET, &format!("{path}{}", device.uuid))).await;
        answer.is(404, r#"{"code":404,"message":"Devices not found"}"#);
        assert_eq!(answer.header("x-meshblu-code"), None);
    }
    send(bus.anonymous("GET /mydevices")).await.is(403, r#"{"devices":null}"#);
    send(bus.request(Method::GET, &format!("/authenticate/{}?token=x", device.uuid))).await.is(403, "");
    send(bus.anonymous("GET /devices/nobody/publickey")).await.is(404, "null");
}

#[tokio::test]
async fn one_slash_at_the_end_of_a_path_is_none() {
    let bus = TestBus::open().await;
    let device = bus.listener().await;
    let uuid = &device.uuid;
    for (call, status) in [
        ("GET /v2/whoami/".to_owned(), 200),
        (format!("GET /v2/devices/{uuid}/?x=1/"), 200),
        ("GET /v2/devices/".to_owned(), 200),
        (format!("GET /v2/devices/{uuid}/subscriptions/"), 200),
        (format!("POST /v2/devices/{uuid}/subscriptions/{uuid}/message.sent/"), 204),
        (format!("HEAD /subscribe/{uuid}/received/"), 200),
        ("HEAD /subscribe/".to_owned(), 200),
        ("GET /publickey/".to_owned(), 200),
        (format!("POST /devices/{uuid}/tokens"), 201),
        // An empty token is none of the device's, and does not stand for all of them.
        (format!("DELETE /devices/{uuid}/tokens/"), 404),
        ("GET /v2/whoami//".to_owned(), 404),
        ("GET /".to_owned(), 404),
        ("GET //".to_owned(), 404),
        ("GET /v2//whoami".to_owned(), 404),
    ] {
        assert_eq!(send(bus.by(&device, &call)).await.status, status, "{call}");
    }
    let token = format!("DELETE /devices/{uuid}/tokens/{}/", device.token);
    send(bus.by(&device, &token)).await.is(204, "");
    send(bus.by(&device, "GET /v2/whoami/")).await.is(403, "null");
    let polls = format!("GET /socket.io/v1/{uuid}/?EIO=3&transport=polling");
    assert_eq!(send(bus.anonymous(&polls)).await.status, 400);
}

#[tokio::test]
async fn an_answer_without_a_body_has_no_headers_of_one() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let answer = send(bus.by(&device, "POST /authenticate")).await;
    answer.is(204, "");
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.header("x-meshblu-code"), Some("204"));
    assert_eq!(answer.header("x-meshblu-status"), Some("No Content"));
}

#[tokio::test]
async fn options_are_answered_on_every_path() {
    let bus = TestBus::open().await;
    for path in ["/", "/messages", "/nowhere/at/all"] {
        let asked = bus.request(Method::OPTIONS, path).header("access-control-request-headers", "x-own, b");
        let answer = send(asked).await;
        answer.is(204, "");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET,HEAD,PUT,PATCH,POST,DELETE"));
        assert_eq!(answer.header("access-control-allow-headers"), Some("x-own, b"));
    }
}

#[tokio::test]
async fn what_would_be_a_page_is_a_problem() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for (request, status, kind) in [
        (bus.anonymous("GET /nowhere"), 404, "not-found"),
        (bus.anonymous("PATCH /messages"), 404, "not-found"),
        (bus.anonymous("POST /devices").json(&json!("x")), 400, "malformed-request"),
        (bus.anonymous("POST /devices").json(&json!(true)), 400, "malformed-request"),
        (bus.by(&device, "POST /messages").header("content-encoding", "gzip"), 415, "unsupported-media-type"),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["type"], json!(format!("/problems/{kind}")));
        assert_eq!(answer.json()["status"], json!(status));
        assert!(answer.json()["error"].is_string() && answer.header("x-meshblu-code").is_none());
    }
}

#[tokio::test]
async fn credentials_are_found_in_all_their_places() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let (uuid, token) = (&device.uuid, &device.token);
    let base64 = |text: &str| {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    for value in [
        format!("Basic {}", base64(&format!("{uuid}:{token}"))),
        format!("Bearer {}", base64(&format!("{uuid}:{token}"))),
        format!("Anything {}", base64(&format!(" {uuid} : {token} "))),
        format!("Basic {}", base64(&format!("{uuid}:{token}:more"))),
        format!("Basic {}", base64(&format!("{uuid}:{token}")).trim_end_matches('=')),
    ] {
        let request = bus.anonymous("GET /v2/whoami").header("authorization", &value);
        assert_eq!(send(request).await.json()["uuid"], json!(uuid), "{value}");
    }
    for prefix in ["meshblu_auth_", "skynet_auth_", "X-Meshblu-"] {
        let request = bus.anonymous("GET /v2/whoami");
        let request = request.header(format!("{prefix}uuid"), uuid).header(format!("{prefix}token"), token);
        assert_eq!(send(request).await.json()["uuid"], json!(uuid), "{prefix}");
    }
    let wrong = bus.by(&device, "GET /v2/whoami").header("meshblu_auth_uuid", "x");
    assert_eq!(send(wrong.header("meshblu_auth_token", "y")).await.status, 200, "the first match wins");
    let shouted = bus.anonymous("POST /authenticate").basic_auth(uuid.to_uppercase(), Some(token));
    send(shouted).await.is(403, "null");
    for nonsense in ["Basic", "Basic !", "Basic ", "Basic Og==", "Basic gIA=", ""] {
        let request = bus.anonymous("POST /authenticate").header("authorization", nonsense);
        send(request).await.is(403, "null");
    }
    let asked = format!("/authenticate/{uuid}?token={token}");
    send(bus.request(Method::GET, &asked))
        .await
        .is(200, &json!({"uuid": uuid, "authentication": true}).to_string());
}

#[tokio::test]
async fn head_is_a_get_whose_body_is_not_sent() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let length = send(bus.by(&device, "GET /v2/whoami")).await.text.len().to_string();
    let head = send(bus.by(&device, "HEAD /v2/whoami")).await;
    head.is(200, "");
    assert_eq!(head.header("content-length"), Some(&*length));
    send(bus.anonymous("HEAD /healthcheck")).await.is(200, "");
    send(bus.anonymous("HEAD /nowhere")).await.is(404, "");
}

#[tokio::test]
async fn requests_without_a_body_say_so_as_clients_do() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let uuid = &device.uuid;
    for (call, status) in [
        ("GET /v2/whoami".to_owned(), 200),
        ("POST /authenticate".to_owned(), 204),
        ("POST /search/devices".to_owned(), 200),
        ("POST /search/tokens".to_owned(), 200),
        (format!("POST /devices/{uuid}/tokens"), 201),
        (format!("POST /v2/devices/{uuid}/subscriptions/{uuid}/message.received"), 204),
        (format!("GET /v2/devices/{uuid}/subscriptions"), 200),
        (format!("DELETE /v2/devices/{uuid}/subscriptions/{uuid}/message.received"), 204),
        (format!("DELETE /v2/devices/{uuid}/subscriptions"), 204),
        (format!("PATCH /v2/devices/{uuid}"), 204),
        (format!("DELETE /devices/{uuid}/tokens/x"), 204),
        (format!("DELETE /devices/{uuid}"), 200),
    ] {
        let answer = send(bus.by(&device, &call).header("content-length", "0")).await;
        assert_eq!(answer.status, status, "{call}: {answer:?}");
    }
}

#[tokio::test]
async fn what_breaks_off_within_an_operation_is_an_error_of_that_request_alone() {
    let breaks = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&breaks);
    let clock = Clock::from_fn(move || {
        assert!(!told.swap(false, Ordering::SeqCst), "a defect with a secret cause");
        Clock::system().now()
    });
    let bus = TestBus::at(clock, ApiLimits::default(), None).await;
    let device = bus.device(json!({})).await;
    for call in [
        "GET /v2/whoami".to_owned(),
        "POST /search/devices".to_owned(),
        format!("PATCH /v2/devices/{}", device.uuid),
        format!("DELETE /devices/{}/tokens?tag=old", device.uuid),
    ] {
        breaks.store(true, Ordering::SeqCst);
        let request = || bus.by(&device, &call).json(&json!({}));
        send(request()).await.is(500, r#"{"error":"Internal Server Error"}"#);
        assert!(send(request()).await.status.is_success(), "{call}");
    }
}
