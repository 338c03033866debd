//! What becomes of handlers that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use endo::ambient::Timestamp;
use endo::job::{Next, RunFailure};
use endo::message::{Failure, FailureCode, Reply};

use super::*;
use crate::support::fake_api::{Answer, FakeApi, Seen};
use crate::support::log;

/// A gate that counts how often it was passed.
fn counted() -> (CallGate, Arc<AtomicU32>) {
    let passed = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&passed);
    let gate = CallGate::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(())))
    });
    (gate, passed)
}

async fn failure(url: &str, repeatable: bool) -> (RunFailure, u32) {
    let (gate, passed) = counted();
    let failure = registry(url, repeatable).run(&say_hello(), provisions(gate)).await.unwrap_err();
    (failure, passed.load(Ordering::Relaxed))
}

async fn answered(answer: Answer) -> RunFailure {
    failure(&FakeApi::answering(answer).await.url("/"), false).await.0
}

fn unused_url() -> String {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{unused}/")
}

fn failed(code: u16, message: &str, next: Next) -> RunFailure {
    RunFailure { failure: Failure::new(code, message), next }
}

#[tokio::test]
async fn an_error_of_a_handler_is_told_with_its_code() {
    for (code, told) in [
        ("418", FailureCode::Status(418)),
        ("\"ECONNRESET\"", FailureCode::Word("ECONNRESET".to_owned())),
        ("null", FailureCode::Status(500)),
        ("\"\"", FailureCode::Status(500)),
        ("-1.5", FailureCode::Status(500)),
        ("[1]", FailureCode::Status(500)),
    ] {
        let body = format!(r#"{{"error": {{"code": {code}, "message": "as asked"}}}}"#);
        let failure = answered(Answer::new(500, &[], body)).await;
        assert_eq!(failure, RunFailure::last(Failure::new(told, "as asked")), "{code}");
    }
    let without = answered(Answer::new(404, &[], r#"{"error": {"message": "none"}}"#)).await;
    assert_eq!(without, RunFailure::last(Failure::new(500, "none")));
}

#[tokio::test]
async fn an_error_without_a_message_keeps_its_code() {
    for (body, code) in [(r#"{"error": {"code": 409}}"#, 409), (r#"{"error": {"message": null}}"#, 500)] {
        let silent = Failure::new(code, "the job failed and said no more");
        assert_eq!(answered(Answer::new(409, &[], body)).await, RunFailure::last(silent), "{body}");
    }
}

#[tokio::test]
async fn an_error_that_is_null_is_none() {
    let body = r#"{"metadata": {"code": 200, "status": "OK"}, "data": {"said": "hello"}, "error": null}"#;
    let handler = FakeApi::answering(Answer::new(200, &[], body)).await;
    let reply = registry(&handler.url("/"), false).run(&say_hello(), provisions(CallGate::open())).await;
    assert!(reply.is_ok(), "{reply:?}");
}

#[tokio::test]
async fn an_answer_that_says_half_of_its_metadata_is_made_whole() {
    for (said, whole) in [
        (json!({}), json!({"code": 200, "status": "OK"})),
        (json!({"code": 201}), json!({"code": 201, "status": "Created"})),
        (json!({"code": "404"}), json!({"code": 404, "status": "Not Found"})),
        (json!({"status": "Fine"}), json!({"status": "Fine", "code": 200})),
        (json!({"code": 599}), json!({"code": 599, "status": "Unknown"})),
    ] {
        let body = json!({"metadata": said, "data": {"said": "hello"}}).to_string();
        let handler = FakeApi::answering(Answer::new(200, &[], body)).await;
        let reply = registry(&handler.url("/"), false).run(&say_hello(), provisions(CallGate::open())).await;
        assert_eq!(json!(reply.unwrap().metadata), whole, "{said}");
    }
}

#[tokio::test]
async fn a_word_arrives_at_the_sender_as_a_word() {
    let failure = Failure::new(FailureCode::Word("ECONNRESET".to_owned()), "broken");
    let message = failure.to_message(&"sender".into(), None);
    assert_eq!(message["metadata"], json!({"code": "ECONNRESET", "error": {"message": "broken"}}));
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_invalid_response() {
    let invalid = RunFailure::last(Failure::response_invalid());
    for (status, body) in [
        (200, "<html>"),
        (200, "[]"),
        (200, ""),
        (200, r#"{"error": {"message": "with a success"}}"#),
        (200, r#"{"metadata": 1}"#),
        (200, r#"{"metadata": {"code": 200, "status": "OK"}, "data": {"said": 1}}"#),
        (302, r#"{"metadata": {"code": 200, "status": "OK"}, "data": {"said": "x"}}"#),
        (502, "Bad Gateway"),
        (500, r#"{"error": "a text"}"#),
    ] {
        assert_eq!(answered(Answer::new(status, &[], body)).await, invalid, "{status} {body}");
    }
    assert_eq!(answered(Answer::new(200, &[], "x".repeat(1001))).await, invalid);
}

#[tokio::test]
async fn a_handler_that_is_not_there_may_be_asked_again_and_nothing_was_started() {
    let missing = tempfile::tempdir().unwrap().path().join("jobs.sock");
    for url in [unused_url(), format!("unix:{}", missing.display())] {
        let (failure, passed) = failure(&url, false).await;
        assert_eq!(failure, failed(503, "the job's handler cannot be reached", Next::Repeat { after: None }));
        assert_eq!(passed, 0);
    }
}

#[tokio::test]
async fn a_path_that_whoever_knows_it_may_call_is_not_logged() {
    log::capture();
    let origin = unused_url().trim_end_matches('/').to_owned();
    failure(&format!("{origin}/hooks/canary-of-a-path"), false).await;
    assert!(!log::lines_with(&origin).is_empty());
    assert!(log::lines_with("canary-of-a-path").is_empty());
}

#[tokio::test]
async fn an_exchange_that_breaks_off_has_an_unknown_outcome_unless_it_can_be_repeated() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec();
    for broken in [Vec::new(), half] {
        let handler = FakeApi::answering(Answer::Bytes(broken)).await;
        let unknown = RunFailure { failure: Failure::outcome_unknown(), next: Next::Final };
        assert_eq!(failure(&handler.url("/"), false).await, (unknown, 1));
        let lost = Failure::new(503, "the job's handler gave no answer").leaving_open();
        let repeat = RunFailure { failure: lost, next: Next::Repeat { after: None } };
        assert_eq!(failure(&handler.url("/"), true).await, (repeat, 0));
    }
}

#[tokio::test]
async fn a_handler_that_hangs_is_given_up_at_the_time_limit() {
    log::capture();
    let handler = FakeApi::silent().await;
    let directory = directory(&format!("handler: {{url: '{}'}}", handler.url("/")));
    let jobs = handlers(false).jobs_in(directory.path()).unwrap();
    let options = RegistryOptions { time_limit: Duration::ZERO, ..options() };
    let (registry, _) = Registry::load(jobs, options).unwrap();
    let failure = registry.run(&say_hello(), provisions(CallGate::open())).await.unwrap_err();
    let timed_out = Failure::new(504, "job_timed_out").leaving_open();
    assert_eq!(failure, RunFailure { failure: timed_out, next: Next::Interrupted });
    assert!(!log::lines_with("a job ran too long").is_empty());
}

#[tokio::test]
async fn a_handler_that_fails_five_times_is_left_alone() {
    let handler = FakeApi::answering(Answer::Bytes(Vec::new())).await;
    let registry = registry(&handler.url("/"), false);
    for _ in 0..5 {
        let failure = registry.run(&say_hello(), provisions(CallGate::open())).await.unwrap_err();
        assert_eq!(failure.next, Next::Final);
    }
    let failure = registry.run(&say_hello(), provisions(CallGate::open())).await.unwrap_err();
    assert_eq!(failure.failure, Failure::new(503, "the job's handler has failed lately"));
    assert!(matches!(failure.next, Next::Repeat { after: Some(_) }));
    assert_eq!(handler.seen().len(), 5);
}

/// How many of seven messages reach a handler that answers all of them so.
async fn reached(answer: Answer) -> usize {
    let handler = FakeApi::answering(answer).await;
    let registry = registry(&handler.url("/"), false);
    for _ in 0..7 {
        registry.run(&say_hello(), provisions(CallGate::open())).await.unwrap_err();
    }
    handler.seen().len()
}

#[tokio::test]
async fn what_one_job_answers_does_not_keep_its_handler_from_others() {
    for answer in [
        Answer::new(500, &[], r#"{"error": {"message": "no"}}"#),
        Answer::new(409, &[], r#"{"error": {}}"#),
        Answer::new(500, &[], "<html>"),
        Answer::new(200, &[], ""),
        Answer::new(200, &[], "x".repeat(1001)),
    ] {
        assert_eq!(reached(answer).await, 7);
    }
}

#[tokio::test]
async fn a_handler_that_a_proxy_says_is_away_is_left_alone() {
    for status in [502, 503, 504] {
        assert_eq!(reached(Answer::new(status, &[], "away")).await, 5, "{status}");
    }
}

/// A handler that answers all messages but those that say `slow`, and a clock in the test's hands.
struct Scene {
    handler: FakeApi,
    registry: Registry,
    now: Arc<AtomicI64>,
}

impl Scene {
    async fn new() -> Self {
        let answer = r#"{"metadata": {"code": 200, "status": "OK"}, "data": {"said": "hello"}}"#;
        let handler = FakeApi::start(move |seen| match is_slow(seen) {
            true => Answer::Stall(Vec::new()),
            false => Answer::new(200, &[], answer),
        })
        .await;
        let now = Arc::new(AtomicI64::new(1_768_478_400_000));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        let registry = registry_at(clock, &handler.url("/"));
        Self { handler, registry, now }
    }

    async fn ask(&self, message: &Message) -> Result<Reply, RunFailure> {
        self.registry.run(message, provisions(CallGate::open())).await
    }

    /// Whether the next message is answered, or is told that the handler is left alone.
    async fn is_answered(&self) -> bool {
        match self.ask(&say_hello()).await {
            Ok(_) => true,
            Err(failure) => {
                assert_eq!(failure.failure, Failure::new(503, "the job's handler has failed lately"));
                false
            }
        }
    }

    /// The handler works on a slow message while this is done; then whoever waits for it gives up, as at the time limit.
    async fn during_a_slow_job<T>(&self, meanwhile: impl Future<Output = T>) -> T {
        let (slow, asked) = (slow(), self.asked_slowly());
        let run = self.ask(&slow);
        let meanwhile = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(1));
            while self.asked_slowly() == asked {
                ticks.tick().await;
            }
            meanwhile.await
        };
        tokio::select! {
            biased;
            _ = run => panic!("it was answered"),
            done = meanwhile => done,
        }
    }

    async fn give_up_on(&self, slow_jobs: usize) {
        for _ in 0..slow_jobs {
            self.during_a_slow_job(async {}).await;
        }
    }

    fn asked_slowly(&self) -> usize {
        self.handler.seen().iter().filter(|seen| is_slow(seen)).count()
    }
}

fn is_slow(seen: &Seen) -> bool {
    String::from_utf8_lossy(&seen.body).contains("slow")
}

fn slow() -> Message {
    message(json!({"metadata": {"jobType": "SayHello"}, "data": "slow"}))
}

#[tokio::test]
async fn jobs_that_run_too_long_keep_their_handler_from_nobody() {
    let scene = Scene::new().await;
    scene.give_up_on(5).await;
    assert!(scene.is_answered().await);
    assert!(scene.is_answered().await);
    for _ in 0..5 {
        assert!(scene.during_a_slow_job(scene.is_answered()).await);
    }
    assert!(scene.is_answered().await);
}

#[tokio::test]
async fn a_job_that_runs_long_after_others_did_keeps_its_handler_from_nobody() {
    let scene = Scene::new().await;
    scene.give_up_on(5).await;
    assert!(scene.during_a_slow_job(scene.is_answered()).await);
    assert!(scene.is_answered().await);
}

#[tokio::test]
async fn ten_jobs_that_run_too_long_keep_their_handler_from_others_for_one_rest() {
    let scene = Scene::new().await;
    scene.give_up_on(5 + 5).await;
    assert!(!scene.is_answered().await);
    scene.now.fetch_add(5_000, Ordering::SeqCst);
    assert!(scene.is_answered().await);
    assert!(scene.is_answered().await);
}

#[tokio::test]
async fn a_handler_that_takes_what_it_is_sent_and_answers_nothing_is_left_alone() {
    let scene = Scene::new().await;
    scene.give_up_on(5 + 5).await;
    for asked in 10..13 {
        let failure = scene.ask(&slow()).await.unwrap_err();
        assert_eq!(failure.failure, Failure::new(503, "the job's handler has failed lately"));
        assert_eq!(scene.asked_slowly(), asked);
        scene.now.fetch_add(5_000, Ordering::SeqCst);
        scene.give_up_on(1).await;
    }
}
