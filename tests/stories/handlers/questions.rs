//! What handlers are asked, and what of their answers is passed on.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::Timestamp;
use endo::message::Failure;
use endo::signature::{Component, Ed25519PublicKey, Policy, Request, Verifier};
use serde_json::Value;

use super::*;
use crate::support::desk;
use crate::support::fake_api::{Answer, FakeApi, Seen};
use crate::support::gateway::TestGateway;
use crate::support::log;

const HELLO: &str =
    r#"{"metadata": {"code": 200, "status": "OK"}, "data": {"said": "hello", "more": 1}, "stray": 2}"#;

async fn says_hello() -> FakeApi {
    FakeApi::answering(Answer::new(200, &[], HELLO)).await
}

fn now() -> Timestamp {
    Clock::system().now()
}

#[tokio::test]
async fn a_handler_gets_what_the_original_gave_to_a_job() {
    let handler = says_hello().await;
    let registry = registry(&handler.url("/jobs"), false);
    registry.run(&say_hello(), provisions(CallGate::open())).await.unwrap();
    let seen = handler.seen().pop().unwrap();
    assert_eq!((&*seen.method, &*seen.target), ("POST", "/jobs"));
    let expected = json!({
        "metadata": {"jobType": "SayHello", "respondTo": {"n": 1}},
        "data": "world",
        "encrypted": {
            "id": 42, "username": "octocat", "plan": "free",
            "secrets": {"credentials": {"secret": SECRET}},
        },
    });
    assert_eq!(String::from_utf8(seen.body).unwrap(), expected.to_string());
}

#[tokio::test]
async fn what_a_handler_was_told_does_not_come_back_with_what_it_says() {
    const REFRESH: &str = "canary/\"refresh\"";
    let said = json!({"message": format!("{SECRET}, {REFRESH}"), "code": SECRET});
    let reply = json!({"metadata": {SECRET: [REFRESH]}, "data": {"said": format!("of octocat: {SECRET}")}});
    for (status, text) in [(500, json!({"error": said}).to_string()), (200, reply.to_string())] {
        let handler = FakeApi::answering(Answer::new(status, &[], text)).await;
        let registry = registry(&handler.url("/"), false);
        let bench = workbench("https://api.example", EgressSettings::default());
        let told = bench.provide(renewable_credentials(SECRET, REFRESH), CallGate::open());
        let answer = format!("{:?}", registry.run(&say_hello(), told).await);
        let asked = String::from_utf8(handler.seen().pop().unwrap().body).unwrap();
        assert!(asked.contains(&json!(REFRESH).to_string()) && asked.contains(SECRET), "it was told");
        assert!(!answer.contains("canary"), "{answer}");
        assert!(answer.contains(if status == 200 {
            "of octocat: [redacted]"
        } else {
            "[redacted], [redacted]"
        }));
    }
}

#[tokio::test]
async fn nor_does_it_come_back_encoded() {
    let basic = STANDARD.encode(format!("octocat:{SECRET}"));
    let encoded = SECRET.replace('-', "%2D");
    let error = |message: &str| json!({"error": {"message": message, "code": encoded}}).to_string();
    let reply = json!({"metadata": {}, "data": {"said": format!("{basic}, {encoded}")}}).to_string();
    for (status, text) in [(500, error(&basic)), (200, reply)] {
        let handler = FakeApi::answering(Answer::new(status, &[], text)).await;
        let registry = registry(&handler.url("/"), false);
        let answer = format!("{:?}", registry.run(&say_hello(), provisions(CallGate::open())).await);
        assert_eq!(answer.matches("[redacted]").count(), 2, "{answer}");
        for left in ["canary", "secret", &encoded, &basic] {
            assert!(!answer.contains(left), "{left} is in {answer}");
        }
    }
}

#[tokio::test]
async fn absent_data_stay_absent() {
    let handler = says_hello().await;
    let registry = registry(&handler.url("/"), false);
    let message = message(json!({"metadata": {"jobType": "SayHello"}}));
    registry.run(&message, provisions(CallGate::open())).await.unwrap();
    let asked: Value = serde_json::from_slice(&handler.seen()[0].body).unwrap();
    assert!(asked.get("data").is_none());
}

/// As jobs of the original may be (`spec/endo.md` 2.11).
#[tokio::test]
async fn a_job_that_says_nothing_of_its_responses_answers_unstripped_which_is_told_when_it_is_loaded() {
    for (response, listed) in [(None, false), (Some("{}"), true)] {
        let handler = says_hello().await;
        let directory = directory(&format!("handler: {{url: '{}'}}", handler.url("/")));
        let file = directory.path().join("say-hello/response.json");
        match response {
            None => std::fs::remove_file(file).unwrap(),
            Some(text) => std::fs::write(file, text).unwrap(),
        }
        let jobs = handlers(false).jobs_in(directory.path()).unwrap();
        let (registry, notices) = Registry::load(jobs, options()).unwrap();
        let told: Vec<_> = notices.iter().map(ToString::to_string).collect();
        let expected =
            "response.json of the job `say-hello`: it says nothing of responses, so they pass unstripped";
        assert_eq!(told, [expected]);
        let reply = registry.run(&say_hello(), provisions(CallGate::open())).await.unwrap();
        assert_eq!(reply.data, Some(json!({"said": "hello", "more": 1})));
        assert_eq!(registry.response_schema().get("SayHello").is_some(), listed, "as the original lists it");
        assert!(registry.message_schema().get("SayHello").is_some());
    }
}

#[tokio::test]
async fn an_invalid_message_does_not_reach_the_handler() {
    let handler = says_hello().await;
    let registry = registry(&handler.url("/"), false);
    let message = message(json!({"metadata": {"jobType": "SayHello"}, "data": 1}));
    let reply = registry.run(&message, provisions(CallGate::open())).await.unwrap();
    assert_eq!(reply.metadata.unwrap()["code"], 422);
    assert!(handler.seen().is_empty());
}

fn verdict(seen: &Seen, key: &Ed25519PublicKey, key_id: &str) -> bool {
    let fields: Vec<_> = seen.headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect();
    let host = seen.header("host")[0];
    let request = Request {
        method: &seen.method,
        scheme: "http",
        authority: host,
        target: &seen.target,
        fields: &fields,
        body: &seen.body,
    };
    let required =
        [Component::Method, Component::Authority, Component::Path, Component::field("content-digest")];
    let policy = Policy::new(required, Duration::from_secs(60));
    Verifier::new().trusting(key_id, key.clone(), policy).verify(&request, now()).is_ok()
}

#[tokio::test]
async fn a_message_is_answered_by_the_handler_signed_stripped_and_without_a_trace_of_the_secret() {
    log::capture();
    let handler = says_hello().await;
    let directory = directory(&format!("handler: {{url: '{}'}}", handler.url("/jobs")));
    let gateway = TestGateway::with("http://127.0.0.1:9", |config| {
        config.jobs.directories = vec![directory.path().to_owned()];
    })
    .await;
    let mut chain = gateway.chain(42).await;
    let reply = gateway.exchange(&mut chain, json!({"metadata": {"jobType": "SayHello"}, "data": "x"})).await;
    assert_eq!(reply["metadata"]["code"], 200, "{reply}");
    assert_eq!(reply["data"], json!({"said": "hello"}));
    assert_eq!(reply["fromUuid"], json!(chain.user.uuid));
    let mut seen = handler.seen().pop().unwrap();
    let asked: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(asked["encrypted"]["secrets"], json!({"credentials": {"secret": desk::SECRET}}));
    let data = &gateway.gateway.config.data_dir;
    let public =
        Ed25519PublicKey::from_pem(&std::fs::read_to_string(data.join("handlers.pub.pem")).unwrap()).unwrap();
    let private = std::fs::read_to_string(data.join("handlers.pem")).unwrap();
    let key_id = Ed25519PrivateKey::from_pem(&private).unwrap().thumbprint();
    assert!(verdict(&seen, &public, &key_id));
    seen.body.push(b' ');
    assert!(!verdict(&seen, &public, &key_id));
    assert!(log::lines_with(desk::SECRET).is_empty());
}

#[tokio::test]
async fn a_handler_that_names_members_by_the_words_of_the_secret_does_not_have_them_logged() {
    log::capture();
    let secret = "invalid-subdomain-secret-subtype";
    let response = r#"{"properties": {"data": {"additionalProperties": {"type": "string"}}}}"#;
    for said in
        [secret, "Subtype_Secret_Subdomain_Invalid", "then subdomain", "the epytbus of it", "s u b type"]
    {
        let handler = FakeApi::answering(Answer::new(200, &[], json!({"data": {said: 1}}).to_string())).await;
        let job = format!("handler: {{url: '{}'}}", handler.url("/"));
        let directory = jobs::directory("say-hello", &[("response.json", response), ("job.yaml", &job)]);
        let bench = workbench("https://api.example", EgressSettings::default());
        let told = bench.provide(credentials(secret), CallGate::open());
        let failed = load(directory.path()).unwrap().run(&say_hello(), told).await.unwrap_err();
        assert_eq!(failed.failure, Failure::response_invalid());
        assert!(!log::lines_with("/properties/data/additionalProperties/type").is_empty());
        for word in ["subdomain", "Subdomain", "epytbus"] {
            assert!(log::lines_with(word).is_empty(), "{said}");
        }
    }
}

#[tokio::test]
async fn the_fallback_runs_every_other_job_type_and_its_answers_pass_unstripped() {
    log::capture();
    let odd = r#"{"metadata": {"code": "odd", "more": 1}, "data": [1, {"any": "thing"}]}"#;
    let handler = FakeApi::answering(Answer::new(200, &[], odd)).await;
    let url = handler.url("/fallback");
    let gateway =
        TestGateway::with("http://127.0.0.1:9", |config| config.jobs.fallback = Some(url.clone())).await;
    assert!(!log::lines_with(&handler.url("")).is_empty(), "start-up says so");
    let mut chain = gateway.chain(42).await;
    let reply = gateway.exchange(&mut chain, json!({"metadata": {"jobType": "Whatever"}, "data": {}})).await;
    assert_eq!(reply["metadata"], json!({"code": "odd", "more": 1}));
    assert_eq!(reply["data"], json!([1, {"any": "thing"}]));
    assert_eq!(handler.seen().len(), 1);
}

#[tokio::test]
async fn the_fallback_gets_the_default_job_type_where_a_message_names_none() {
    let well = r#"{"metadata": {"code": 200, "status": "OK"}}"#;
    let handler = FakeApi::answering(Answer::new(200, &[], well)).await;
    let fallback = handlers(false).fallback(&handler.url("/")).unwrap();
    let default_job_type = Some("SayHello".into());
    let options = RegistryOptions { default_job_type, fallback: Some(fallback), ..options() };
    let (registry, _) = Registry::load(Vec::new(), options).unwrap();
    for metadata in [json!({"more": 1}), json!({"more": 1, "jobType": null}), json!({"jobType": "Unknown"})] {
        let message = message(json!({"metadata": metadata, "data": "x"}));
        registry.run(&message, provisions(CallGate::open())).await.unwrap();
    }
    let asked = |seen: &Seen| serde_json::from_slice::<Value>(&seen.body).unwrap()["metadata"].clone();
    let named = json!({"more": 1, "jobType": "SayHello"});
    let asked: Vec<_> = handler.seen().iter().map(asked).collect();
    assert_eq!(asked, [named.clone(), named, json!({"jobType": "Unknown"})]);
}

#[tokio::test]
async fn a_default_job_that_has_a_directory_runs_there_and_not_in_the_fallback() {
    let (own, other) = (says_hello().await, says_hello().await);
    let directory = directory(&format!("handler: {{url: '{}'}}", own.url("/")));
    let mut handlers = handlers(false);
    let jobs = handlers.jobs_in(directory.path()).unwrap();
    let fallback = Some(handlers.fallback(&other.url("/")).unwrap());
    let options = RegistryOptions { default_job_type: Some("SayHello".into()), fallback, ..options() };
    let (registry, _) = Registry::load(jobs, options).unwrap();
    for metadata in [json!({}), json!({"jobType": "Unknown"})] {
        let message = message(json!({"metadata": metadata, "data": "x"}));
        registry.run(&message, provisions(CallGate::open())).await.unwrap();
    }
    let asked = |api: &FakeApi| serde_json::from_slice::<Value>(&api.seen()[0].body).unwrap();
    assert_eq!((own.seen().len(), other.seen().len()), (1, 1));
    assert_eq!(asked(&own)["metadata"], json!({"jobType": "SayHello"}));
    assert_eq!(asked(&other)["metadata"], json!({"jobType": "Unknown"}));
}
