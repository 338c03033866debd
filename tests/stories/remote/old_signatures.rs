//! The recorded requests, posted to a whole gateway (`vectors/http-signatures.json`).

use serde_json::{Value, json};

use crate::support::bus::{Answer, send};
use crate::support::log;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, json_answer, say_hello, settings, vectors};

async fn post(gateway: &RemoteGateway, recorded: &Value) -> Answer {
    let mut request = reqwest::Request::new(
        recorded["method"].as_str().unwrap().parse().unwrap(),
        format!("http://{}{}", gateway.running.gateway(), recorded["path"].as_str().unwrap())
            .parse()
            .unwrap(),
    );
    for (name, value) in recorded["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        for value in values {
            let value = http::HeaderValue::from_str(value.as_str().unwrap()).unwrap();
            request.headers_mut().append(name.clone(), value);
        }
    }
    *request.body_mut() = recorded["body"].as_str().map(|body| body.to_owned().into());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    send(reqwest::RequestBuilder::from_parts(client, request)).await
}

async fn judge(accepted: bool, verdict: &str) {
    let meshblu = FakeMeshblu::start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.bus.accept_legacy_signatures = accepted;
    let gateway = RemoteGateway::with(settings).await.unwrap();
    let recorded = vectors()["vectors"].as_array().unwrap();
    assert!(recorded.len() > 30);
    for vector in recorded {
        let answer = post(&gateway, &vector["request"]).await;
        let expected = vector["ours"][verdict].as_u64().unwrap();
        assert_eq!(u64::from(answer.status.as_u16()), expected, "{}: {answer:?}", vector["name"]);
    }
}

#[tokio::test]
async fn the_recorded_requests_get_the_recorded_answers_where_the_old_form_is_accepted() {
    judge(true, "legacy_on").await;
}

#[tokio::test]
async fn the_recorded_requests_are_refused_where_it_is_not() {
    judge(false, "legacy_off").await;
}

#[tokio::test]
async fn each_request_is_judged_by_itself() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for sequence in vectors()["sequences"].as_array().unwrap() {
        for step in sequence["steps"].as_array().unwrap() {
            let alone = FakeMeshblu::start().await;
            let (fresh, _directory) = RemoteGateway::open(&alone).await;
            let after_others = post(&gateway, &step["request"]).await.status;
            assert_eq!(after_others, post(&fresh, &step["request"]).await.status, "{}", step["name"]);
        }
    }
}

#[tokio::test]
async fn the_first_refusal_names_the_setting_that_changes_it() {
    log::capture();
    let meshblu = FakeMeshblu::start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.bus.accept_legacy_signatures = false;
    let gateway = RemoteGateway::with(settings).await.unwrap();
    let said = || log::lines_with("a webhook was refused; bus.accept_legacy_signatures = true").len();
    let before = said();
    assert_eq!(gateway.webhook(&say_hello()).await.status, 401);
    let after_first = said();
    assert!(after_first > before);
    assert!(meshblu.called().is_empty());
}

#[tokio::test]
async fn a_signature_for_another_service_is_refused() {
    let meshblu = FakeMeshblu::start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.bus.uuid = Some("another-service".to_owned());
    meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": "another-service"}))]);
    let gateway = RemoteGateway::with(settings).await.unwrap();
    let answer = gateway.webhook(&say_hello()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"], "x-meshblu-uuid should be another-service, but was service-uuid-0001");
}
