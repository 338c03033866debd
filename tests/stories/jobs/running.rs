//! Messages, the jobs they are for, and what becomes of jobs that fail.

use std::collections::HashMap;
use std::future::pending;

use endo::job::{Next, RunFailure};
use endo::message::{Failure, Reply};
use serde_json::{Value, json};

use super::*;
use crate::support::log;
use crate::support::quoted::{TOKEN, forms};

/// Fails as its data say.
struct Fail;

impl Job for Fail {
    type Data = String;
    type Response = HashMap<(u8, u8), u8>;

    async fn run(&self, how: String, _context: JobContext) -> Result<Self::Response, JobError> {
        let message = || "as asked".to_owned();
        match &*how {
            "panic" => panic!("s3cret"),
            "hang" => pending().await,
            "garbage" => Ok(HashMap::from([((1, 2), 3)])),
            "refuse" => Err(JobError::Refused { code: 418, message: message() }),
            "expire" => Err(JobError::CredentialsExpired),
            "wait" => {
                let retry_after = Some(Duration::from_secs(7));
                Err(JobError::Unavailable { code: 503, message: message(), retry_after })
            }
            _ => Err(JobError::OutcomeUnknown),
        }
    }
}

/// Reads numbers, whatever its schema says.
struct Number;

impl Job for Number {
    type Data = u8;
    type Response = u8;

    async fn run(&self, data: u8, _context: JobContext) -> Result<u8, JobError> {
        Ok(data)
    }
}

/// Answers with what it sees of its credentials.
struct WhoAmI;

impl Job for WhoAmI {
    type Data = Option<String>;
    type Response = Value;

    async fn run(&self, greeting: Option<String>, context: JobContext) -> Result<Value, JobError> {
        let (id, name) = (context.id(), context.username());
        let api = context.api().base_url().as_str();
        Ok(json!({"greeting": greeting, "id": id, "name": name, "extras": context.extras(), "api": api}))
    }

    fn metadata(&self, _response: &Value) -> Map<String, Value> {
        object(json!({"code": 203, "status": "Said", "stray": true}))
    }
}

async fn reply(registry: &Registry, given: Value) -> Value {
    let reply: Reply = registry.run(&message(given), provisions()).await.unwrap();
    serde_json::to_value(reply).unwrap()
}

async fn failure(how: &str) -> RunFailure {
    let options = RegistryOptions { time_limit: Duration::ZERO, ..options() };
    let limit = if how == "hang" { options } else { super::options() };
    let (registry, _) = Registry::load(vec![built_in(directory("fail"), Fail)], limit).unwrap();
    let given = message(json!({"metadata": {"jobType": "Fail"}, "data": how}));
    registry.run(&given, provisions()).await.unwrap_err()
}

fn hello_and_bye(default_job_type: Option<&str>) -> Registry {
    let data = leaked(&json!({"properties": {"data": {"type": "string"}}}));
    let jobs = ["say-hello", "say-bye"].map(|name| JobDirectory { message: data, ..directory(name) });
    let options = RegistryOptions { default_job_type: default_job_type.map(Into::into), ..options() };
    Registry::load(jobs.map(|directory| built_in(directory, Echo)).into(), options).unwrap().0
}

fn not_found() -> Value {
    json!({"metadata": {"code": 404, "status": "Not Found"}})
}

fn unprocessable(error: &str) -> Value {
    json!({"metadata": {"code": 422, "status": "Unprocessable Entity"}, "data": {"errors": [error]}})
}

#[tokio::test]
async fn a_job_answers_with_data_and_the_metadata_of_success() {
    let registry = hello_and_bye(None);
    let answer = reply(&registry, json!({"metadata": {"jobType": "SayBye"}, "data": "x"})).await;
    assert_eq!(answer.to_string(), r#"{"metadata":{"code":200,"status":"OK"},"data":"x"}"#);
}

#[tokio::test]
async fn a_job_sees_the_public_part_of_its_credentials_and_may_choose_its_metadata() {
    let registry = registry_of(vec![built_in(directory("who-am-i"), WhoAmI)]);
    let answer = reply(&registry, json!({"metadata": {"jobType": "WhoAmI"}, "data": "hi"})).await;
    let expected = json!({
        "metadata": {"code": 203, "status": "Said"},
        "data": {
            "greeting": "hi",
            "id": 42,
            "name": "octocat",
            "extras": {"plan": "free"},
            "api": "https://api.example/",
        },
    });
    assert_eq!(answer, expected);
    assert!(!format!("{:?}", provisions()).contains("s3cret"));
}

#[tokio::test]
async fn job_types_that_nobody_knows_are_not_found_whatever_their_name() {
    let registry = hello_and_bye(None);
    for job_type in ["constructor", "toString", "__proto__", "hasOwnProperty", "sayHello", "say-hello", ""] {
        let answer = reply(&registry, json!({"metadata": {"jobType": job_type}, "data": "x"})).await;
        assert_eq!(answer.to_string(), not_found().to_string(), "{job_type}");
    }
    for metadata in [json!({}), json!({"jobType": null}), json!({"jobType": {"$ne": 1}}), Value::Null] {
        assert_eq!(reply(&registry, json!({"metadata": metadata, "data": "x"})).await, not_found());
    }
}

#[tokio::test]
async fn the_default_job_takes_any_job_type_but_not_a_missing_one() {
    let registry = hello_and_bye(Some("SayHello"));
    let answer = reply(&registry, json!({"metadata": {"jobType": "__proto__"}, "data": "x"})).await;
    assert_eq!(answer["metadata"]["code"], 200);
    let answer = reply(&registry, json!({"metadata": {}, "data": "x"})).await;
    assert_eq!(answer, unprocessable("message.metadata requires property \"jobType\""));
    let answer = reply(&registry, json!({"metadata": {"jobType": 5}, "data": "x"})).await;
    assert_eq!(answer, unprocessable("message.metadata.jobType is not of a type(s) string"));
    let answer = reply(&registry, json!({"data": "x"})).await;
    assert_eq!(answer, unprocessable("instance requires property \"metadata\""));
    let named = message(json!({"metadata": {"jobType": "SayBye"}, "data": "x"}));
    assert_eq!(
        registry.check(&named).ok().and_then(|call| call.job_type().map(ToString::to_string)).as_deref(),
        Some("SayBye")
    );
}

#[tokio::test]
async fn an_invalid_message_is_answered_without_running_anything() {
    let registry = hello_and_bye(None);
    let given = json!({"metadata": {"jobType": "SayHello"}, "data": 1});
    let refused =
        registry.check(&message(given)).err().map(|refusal| serde_json::to_string(&refusal.reply()).unwrap());
    assert_eq!(refused, Some(unprocessable("message.data is not of a type(s) string").to_string()));
}

#[tokio::test]
async fn absent_data_and_null_are_told_apart() {
    let registry = hello_and_bye(None);
    let metadata = json!({"jobType": "SayHello"});
    let null = reply(&registry, json!({"metadata": metadata, "data": null})).await;
    assert_eq!(null, unprocessable("message.data is not of a type(s) string"));
    let absent = reply(&registry, json!({"metadata": metadata})).await;
    assert_eq!(absent.to_string(), r#"{"metadata":{"code":200,"status":"OK"},"data":null}"#);
}

#[tokio::test]
async fn data_that_the_job_cannot_read_are_the_senders_fault() {
    let registry = registry_of(vec![built_in(directory("fail"), Fail)]);
    let answer = reply(&registry, json!({"metadata": {"jobType": "Fail"}, "data": 7})).await;
    let expected = "message.data cannot be read by the job: invalid type: integer `7`, expected a string";
    assert_eq!(answer, unprocessable(expected));
}

#[tokio::test]
async fn what_the_job_cannot_read_is_not_sent_back_at_length() {
    let registry = registry_of(vec![built_in(directory("say-hello"), Number)]);
    let given = say_hello(json!("x".repeat(10_000_000)));
    let reply = registry.run(&given, provisions()).await.unwrap();
    assert!(serde_json::to_string(&reply).unwrap().len() < 2_000);
}

fn failed(code: u16, message: &str, next: Next) -> RunFailure {
    RunFailure { failure: Failure::new(code, message), next }
}

#[tokio::test]
async fn a_panic_ends_nothing_but_its_run_and_tells_nothing() {
    let jobs = vec![built_in(directory("fail"), Fail), built_in(directory("say-hello"), Echo)];
    let registry = registry_of(jobs);
    let panicking = message(json!({"metadata": {"jobType": "Fail"}, "data": "panic"}));
    for _ in 0..3 {
        let failure = registry.run(&panicking, provisions()).await.unwrap_err();
        assert_eq!(failure, failed(500, "job_failed", Next::Interrupted));
    }
    assert_eq!(reply(&registry, json!({"metadata": {"jobType": "SayHello"}, "data": 1})).await["data"], 1);
}

#[tokio::test]
async fn a_job_that_hangs_is_ended_at_its_time_limit() {
    let timed_out = Failure::new(504, "job_timed_out").leaving_open();
    assert_eq!(failure("hang").await, RunFailure { failure: timed_out, next: Next::Interrupted });
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_an_invalid_response() {
    assert_eq!(failure("garbage").await, RunFailure::last(Failure::response_invalid()));
}

#[tokio::test]
async fn errors_of_a_job_say_what_happens_next() {
    assert_eq!(failure("refuse").await, failed(418, "as asked", Next::Final));
    let expired = failed(401, "the credentials have expired", Next::CredentialsExpired);
    assert_eq!(failure("expire").await, expired);
    let after = Some(Duration::from_secs(7));
    assert_eq!(failure("wait").await, failed(503, "as asked", Next::Repeat { after }));
    let unknown = RunFailure { failure: Failure::outcome_unknown(), next: Next::Final };
    assert_eq!(failure("unknown").await, unknown);
}

#[tokio::test]
async fn a_response_that_breaks_its_schema_is_invalid_and_only_the_rule_is_logged() {
    log::capture();
    let response = json!({"required": ["metadata", "data"], "properties": {"data": {"type": "string"}}});
    let registry = echo_with(&json!({}), &response).unwrap();
    let failed =
        registry.run(&say_hello(json!({"a": "c4nary-in-a-response"})), provisions()).await.unwrap_err();
    assert_eq!(failed, RunFailure::last(Failure::response_invalid()));
    assert!(!log::lines_with(r#""response.rule":"/properties/data/type""#).is_empty());
    assert!(log::lines_with("c4nary-in-a-response").is_empty());
}

#[tokio::test]
async fn the_name_of_a_member_is_not_logged() {
    log::capture();
    let response = json!({"properties": {"data": {"additionalProperties": {"type": "string"}}}});
    let registry = echo_with(&json!({}), &response).unwrap();
    let listed = ["unknown-tenant-access", "subdomain/secret~subtype"].map(str::to_owned);
    for form in forms(TOKEN).into_iter().chain(listed) {
        let named = json!({"zebra": "", &*form: 1});
        let failed = registry.run(&say_hello(named), provisions()).await.unwrap_err();
        assert_eq!(failed, RunFailure::last(Failure::response_invalid()));
        let written = json!(form).to_string();
        assert!(log::lines_with(written.trim_matches('"')).is_empty(), "{form}");
    }
}

#[tokio::test]
async fn a_checked_message_can_be_run_again() {
    let registry = hello_and_bye(None);
    let given = say_hello(json!("x"));
    let call = registry.check(&given).ok().unwrap();
    let (first, second) = (call.run(provisions()).await.unwrap(), call.run(provisions()).await.unwrap());
    assert_eq!(first, second);
}
