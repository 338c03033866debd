//! From a delivery to its one outcome.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use endo::bus::embedded::Caller;
use endo::cli::StandIn;
use endo::dispatch::{Arrival, NotReceived, Reception, Verdict, turns};
use endo::job::{Job, JobContext, JobError, Registry};
use endo::message::Done;
use endo::sharing::Turns;
use endo::store::{Ending, NewDelivery, StoreError, Transaction};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::desk::{Chain, SECRET, Workshop, formless, only, received};
use crate::support::fake_api::{Answer, FakeApi, Seen};
use crate::support::store;

fn list_events() -> Value {
    json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "octocat"}})
}

/// A workshop whose API is a script, with a chain and one message on its way.
async fn waiting_for(api: &FakeApi, message: Value) -> (Workshop, Chain) {
    let workshop = Workshop::open(&api.url("")).await;
    let chain = workshop.chain().await;
    workshop.send(&chain, message).await;
    (workshop, chain)
}

#[tokio::test]
async fn a_message_is_answered_as_the_user_device() {
    let api = StandIn::start(SECRET).await.unwrap();
    let workshop = Workshop::open(&api.url()).await;
    let mut chain = workshop.chain().await;
    let mut message = list_events();
    message["metadata"]["respondTo"] = json!({"nodeId": "n1"});
    workshop.send(&chain, message).await;
    let id = workshop.queued().await.new.id;
    let reply = workshop.reply(&mut chain).await;
    assert_eq!(reply["metadata"]["to"], json!({"nodeId": "n1"}));
    assert_eq!(reply["metadata"]["code"], 200, "{reply}");
    assert_eq!(reply["fromUuid"], json!(chain.device.uuid));
    assert!(reply["data"].as_array().is_some_and(|events| !events.is_empty()));
    assert_eq!(workshop.waiting().await, 0);
    let outcomes = workshop.outcomes(&id).await;
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].ending, Ending::Replied);
}

#[tokio::test]
async fn a_warm_record_costs_no_private_key_operation() {
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    workshop.reply(&mut chain).await;
    let before = workshop.gateway.vault.private_key_operations();
    for _ in 0..5 {
        workshop.send(&chain, list_events()).await;
        assert_eq!(workshop.reply(&mut chain).await["metadata"]["code"], 200);
    }
    assert_eq!(workshop.gateway.vault.private_key_operations(), before);
}

#[tokio::test]
async fn a_queued_message_whose_binding_ended_meanwhile_gets_403() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    assert!(workshop.revoke(&chain).await);
    let opened = workshop.gateway.vault.private_key_operations();
    let reply = workshop.reply(&mut chain).await;
    assert_eq!(reply["metadata"]["code"], 403, "{reply}");
    assert_eq!(workshop.gateway.vault.private_key_operations(), opened, "nothing was opened");
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_message_of_a_revoked_device_reaches_nobody() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let workshop = Workshop::open(&api.url("")).await;
    let chain = workshop.chain().await;
    assert!(workshop.revoke(&chain).await);
    workshop.send(&chain, list_events()).await;
    assert_eq!(workshop.waiting().await, 0);
}

#[tokio::test]
async fn a_user_device_that_hears_itself_is_answered_once() {
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let workshop = Workshop::open(&api.url("")).await;
    let mut chain = workshop.chain().await;
    let device = Caller::itself(chain.device.uuid.clone());
    let itself = received(&chain.device.uuid, &chain.device.uuid);
    workshop
        .gateway
        .bus
        .embedded()
        .unwrap()
        .change(move |bus, tx| bus.changing(tx, &device).subscribe(&itself))
        .await
        .unwrap();
    workshop.send(&chain, list_events()).await;
    assert_eq!(workshop.waiting().await, 1, "its second route names nobody to answer");
    assert_eq!(workshop.reply(&mut chain).await["metadata"]["code"], 200);
}

#[tokio::test]
async fn work_whose_route_names_nobody_becomes_a_dead_letter() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let (workshop, _chain) = waiting_for(&api, list_events()).await;
    let database = Connection::open(workshop.directory.path().join("endo.db")).unwrap();
    database.execute("UPDATE deliveries SET route = '[]'", []).unwrap();
    let registry = Arc::clone(&workshop.gateway.registry);
    workshop.work_until(registry, workshop.until_nothing_waits()).await;
    let letters = store::dead_letters(&workshop.gateway.store).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "bad route");
}

#[tokio::test]
async fn whoever_waits_for_what_is_left_for_the_next_start_keeps_nobody_from_stopping() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let (workshop, _chain) = waiting_for(&api, list_events()).await;
    let NewDelivery { id, route, body, .. } = workshop.queued().await.new;
    let route = serde_json::from_str(&route.unwrap()).unwrap();
    let arrival = Arrival::new(route, body, Some(id), None);
    let desk = Arc::new(workshop.desk(Arc::clone(&workshop.gateway.registry)));
    let reception = Reception::new(Arc::new(workshop.feed()), desk, turns(1), Duration::from_secs(15));
    let (mut receiving, mut finishing) = (pin!(reception.receive(arrival)), pin!(reception.finish()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(receiving.as_mut().poll(&mut context).is_pending(), "nobody has it in hand");
    assert!(finishing.as_mut().poll(&mut context).is_pending(), "it is being received");
    assert!(matches!(receiving.as_mut().poll(&mut context), Poll::Ready(Ok(Verdict::Accepted))));
    finishing.await;
}

#[tokio::test]
async fn an_api_that_cannot_answer_is_asked_three_times_and_then_the_sender_is_told() {
    let api = FakeApi::answering(Answer::new(503, &[], "down")).await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    let reply = workshop.reply(&mut chain).await;
    assert_eq!(reply["metadata"]["code"], 503, "{reply}");
    assert_eq!(api.seen().len(), 3);
    assert_eq!(workshop.waiting().await, 0);
}

#[tokio::test]
async fn an_api_that_asks_for_more_patience_than_ten_seconds_is_asked_once() {
    let api = FakeApi::answering(Answer::new(503, &["retry-after: 11"], "down")).await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    assert_eq!(workshop.reply(&mut chain).await["metadata"]["code"], 503);
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn an_api_that_asks_for_patience_without_end_after_it_was_waited_for_is_not_asked_again() {
    let calls = AtomicUsize::new(0);
    let api = FakeApi::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::new(503, &["retry-after: 1"], "down"),
        _ => Answer::new(503, &[&format!("retry-after: {}", u64::MAX)], "down"),
    })
    .await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    assert_eq!(workshop.reply(&mut chain).await["metadata"]["code"], 503);
    assert_eq!(api.seen().len(), 2);
}

#[tokio::test]
async fn work_whose_call_had_started_before_a_crash_is_not_repeated() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    let taken = store::due(&workshop.feed(), 1).await;
    let place = taken[0].place.clone();
    let start = move |transaction: &Transaction<'_>| transaction.start_call(place.within(transaction)?);
    workshop.gateway.store.write::<_, StoreError, _>(start).await.unwrap();
    drop(taken);
    let reply = workshop.reply(&mut chain).await;
    assert_eq!(reply["metadata"]["code"], 503);
    assert_eq!(reply["metadata"]["error"]["message"], "outcome_unknown");
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn nobody_is_told_that_nothing_was_done_where_a_call_had_started_and_the_record_does_not_open() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    let database = Connection::open(workshop.directory.path().join("endo.db")).unwrap();
    database
        .execute_batch("UPDATE deliveries SET call_started = 1; UPDATE records SET signature = ''")
        .unwrap();
    let reply = workshop.reply(&mut chain).await;
    assert_eq!(reply["metadata"]["error"]["message"], "outcome_unknown", "{reply}");
    assert!(api.seen().is_empty());
}

async fn post(context: &JobContext, path: &str) -> Result<http::StatusCode, JobError> {
    let request = http::Request::post(path).body(Bytes::from_static(b"{}")).unwrap();
    let answer = context.api().call(request).await.map_err(|_| JobError::OutcomeUnknown)?;
    Ok(answer.status())
}

/// Changes something at the API.
struct Change;

impl Job for Change {
    type Data = Value;
    type Response = Value;

    async fn run(&self, _data: Value, context: JobContext) -> Result<Value, JobError> {
        Ok(json!(post(&context, "/things").await?.as_u16()))
    }
}

/// Changes something at an API that cannot say whether it did.
struct Tries;

impl Job for Tries {
    type Data = Value;
    type Response = Value;

    async fn run(&self, _data: Value, context: JobContext) -> Result<Value, JobError> {
        let _ = post(&context, "/things").await;
        Err(JobError::Unavailable { message: "the API is busy".to_owned(), retry_after: None, code: 503 })
    }
}

/// Changes something, and something else after that.
struct GoesOn;

impl Job for GoesOn {
    type Data = Value;
    type Response = Value;

    async fn run(&self, _data: Value, context: JobContext) -> Result<Value, JobError> {
        for path in ["/things", "/others"] {
            if post(&context, path).await? == 401 {
                return Err(JobError::CredentialsExpired);
            }
        }
        Ok(json!({}))
    }
}

/// Changes something and then ends badly.
struct Breaks;

impl Job for Breaks {
    type Data = Value;
    type Response = Value;

    async fn run(&self, _data: Value, context: JobContext) -> Result<Value, JobError> {
        let _ = post(&context, "/things").await;
        panic!("canary-of-a-panic")
    }
}

/// Ends badly.
struct Panics;

impl Job for Panics {
    type Data = Value;
    type Response = Value;

    async fn run(&self, _data: Value, _context: JobContext) -> Result<Value, JobError> {
        panic!("canary-of-a-panic")
    }
}

fn jobs_of_tests() -> Arc<Registry> {
    only(vec![
        formless("change", Change),
        formless("tries", Tries),
        formless("goes-on", GoesOn),
        formless("breaks", Breaks),
        formless("panics", Panics),
    ])
}

#[tokio::test]
async fn a_call_that_may_change_something_is_noted_on_disk_before_it_is_made() {
    let (noted, database) =
        (Arc::new(std::sync::Mutex::new(Vec::new())), Arc::new(std::sync::OnceLock::new()));
    let (note, path) = (Arc::clone(&noted), Arc::clone(&database));
    let api = FakeApi::start(move |_| {
        let database = Connection::open(path.get().unwrap()).unwrap();
        let sql = "SELECT call_started FROM deliveries";
        note.lock().unwrap().push(database.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap());
        Answer::new(200, &[], "{}")
    })
    .await;
    let (workshop, mut chain) = waiting_for(&api, json!({"metadata": {"jobType": "Change"}})).await;
    database.set(workshop.directory.path().join("endo.db")).unwrap();
    let line = workshop.work_until(jobs_of_tests(), chain.replies.next()).await.unwrap().body.clone();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["data"], 200, "{line}");
    assert_eq!(*noted.lock().unwrap(), [true]);
}

#[tokio::test]
async fn work_that_has_ended_meanwhile_does_not_end_twice() {
    let database = Arc::new(std::sync::OnceLock::new());
    let called = Arc::new(tokio::sync::Notify::new());
    let (path, call) = (Arc::clone(&database), Arc::clone(&called));
    let api = FakeApi::start(move |_| {
        Connection::open(path.get().unwrap()).unwrap().execute("DELETE FROM deliveries", []).unwrap();
        call.notify_one();
        Answer::new(200, &[], "[]")
    })
    .await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    database.set(workshop.directory.path().join("endo.db")).unwrap();
    let id = workshop.queued().await.new.id;
    let registry = Arc::clone(&workshop.gateway.registry);
    workshop.work_until(registry, called.notified()).await;
    assert_eq!(workshop.outcomes(&id).await, []);
    assert!(chain.replies.next_now().is_none());
}

#[tokio::test]
async fn a_call_that_may_change_something_is_made_once() {
    let api = FakeApi::answering(Answer::new(503, &[], "")).await;
    let (workshop, mut chain) = waiting_for(&api, json!({"metadata": {"jobType": "Tries"}})).await;
    let line = workshop.work_until(jobs_of_tests(), chain.replies.next()).await.unwrap().body.clone();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["metadata"]["code"], 503, "{line}");
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a_job_whose_credentials_end_on_its_way_may_have_done_something() {
    for (refused, done) in [("/things", Done::No), ("/others", Done::Unknown)] {
        let answer = move |seen: &Seen| if seen.target == refused { 401 } else { 200 };
        let api = FakeApi::start(move |seen| Answer::new(answer(seen), &[], "{}")).await;
        let (workshop, mut chain) = waiting_for(&api, json!({"metadata": {"jobType": "GoesOn"}})).await;
        let id = workshop.queued().await.new.id;
        let line = workshop.work_until(jobs_of_tests(), chain.replies.next()).await.unwrap().body.clone();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["metadata"]["code"], 401, "{line}");
        assert_eq!(workshop.outcomes(&id).await[0].fate.done, Some(done), "{refused}");
    }
}

#[tokio::test]
async fn a_job_that_breaks_after_its_call_started_has_an_unknown_outcome() {
    let api = FakeApi::answering(Answer::new(200, &[], "{}")).await;
    let (workshop, mut chain) = waiting_for(&api, json!({"metadata": {"jobType": "Breaks"}})).await;
    let line = workshop.work_until(jobs_of_tests(), chain.replies.next()).await.unwrap().body.clone();
    let reply: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(reply["metadata"]["error"]["message"], "outcome_unknown", "{reply}");
}

#[tokio::test]
async fn a_message_without_metadata_gets_the_original_s_words() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    for message in [json!({"data": {}}), json!({"metadata": null}), json!({"metadata": "ListEventsByUser"})] {
        let (workshop, mut chain) = waiting_for(&api, message).await;
        let reply = workshop.reply(&mut chain).await;
        assert_eq!(reply["metadata"]["code"], 422);
        let text = "Message is missing required property \"metadata\"";
        assert_eq!(reply["metadata"]["error"]["message"], text);
    }
}

#[tokio::test]
async fn a_job_that_panics_ends_in_an_error_reply_that_says_nothing_of_it() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let (workshop, mut chain) = waiting_for(&api, json!({"metadata": {"jobType": "Panics"}})).await;
    let line = workshop.work_until(jobs_of_tests(), chain.replies.next()).await.unwrap().body.clone();
    let reply: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(reply["metadata"]["code"], 500, "{reply}");
    assert!(!line.contains("canary"));
}

async fn status_errors(workshop: &Workshop, chain: &Chain) -> Vec<Value> {
    let status = chain.device.status_device.clone();
    let document = workshop.gateway.store.read::<_, StoreError, _>(move |view| view.device(&status)).await;
    document.unwrap().unwrap()["status"]["errors"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_failure_is_noted_on_the_status_device_which_keeps_the_last_99() {
    let api = FakeApi::answering(Answer::new(404, &[], r#"{"message": "Not Found"}"#)).await;
    let workshop = Workshop::open(&api.url("")).await;
    let mut chain = workshop.chain().await;
    for number in 0..101 {
        let mut message = list_events();
        message["metadata"]["respondTo"] = json!(number);
        workshop.send(&chain, message).await;
        assert_eq!(workshop.reply(&mut chain).await["metadata"]["code"], 404);
    }
    let errors = status_errors(&workshop, &chain).await;
    assert_eq!(errors.len(), 99);
    assert_eq!(errors[0]["metadata"]["to"], 2);
    let keys: Vec<_> = errors[98].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["senderUuid", "date", "metadata", "code", "message"]);
    assert_eq!(errors[98]["senderUuid"], json!(chain.flow.uuid));
    let date = errors[98]["date"].as_str().unwrap();
    assert_eq!((date.len(), &date[10..11], &date[19..]), (20, "T", "Z"));
}

#[tokio::test]
async fn a_respond_to_too_long_for_the_status_device_comes_back_all_the_same() {
    let api = FakeApi::answering(Answer::new(404, &[], r#"{"message": "Not Found"}"#)).await;
    let mut message = list_events();
    message["metadata"]["respondTo"] = json!("x".repeat(5000));
    let (workshop, mut chain) = waiting_for(&api, message.clone()).await;
    let reply = workshop.reply(&mut chain).await;
    assert_eq!(reply["metadata"]["to"], message["metadata"]["respondTo"]);
    assert_eq!(status_errors(&workshop, &chain).await[0]["metadata"], json!({}));
}

#[tokio::test]
async fn a_status_device_whose_errors_are_no_list_is_mended() {
    let api = FakeApi::answering(Answer::new(404, &[], r#"{"message": "Not Found"}"#)).await;
    let (workshop, mut chain) = waiting_for(&api, list_events()).await;
    let broken = json!({"$set": {"status.errors": "none"}});
    let owner = Caller::itself(chain.device.uuid.clone());
    workshop.update(owner, &chain.device.status_device, broken).await.unwrap();
    workshop.reply(&mut chain).await;
    assert_eq!(status_errors(&workshop, &chain).await.len(), 1);
}

/// Whether a message reaches the gateway, and whether its answer reaches the flow.
async fn arrives_and_is_answered(workshop: &Workshop, chain: &mut Chain) -> (bool, bool) {
    workshop.send(chain, list_events()).await;
    if workshop.waiting().await == 0 {
        return (false, false);
    }
    let registry = Arc::clone(&workshop.gateway.registry);
    workshop.work_until(registry, workshop.until_nothing_waits()).await;
    (true, chain.replies.next_now().is_some())
}

#[tokio::test]
async fn each_right_of_the_credentials_device_is_needed_for_the_answer() {
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let workshop = Workshop::open(&api.url("")).await;
    let mut chain = workshop.chain().await;
    assert_eq!(arrives_and_is_answered(&workshop, &mut chain).await, (true, true), "with all rights");
    let credentials = json!({"uuid": chain.credentials});
    let owner = Caller::itself(workshop.gateway.owner.as_ref().unwrap().uuid.clone());
    for (list, expected) in [
        ("meshblu.whitelists.message.as", (true, false)),
        ("meshblu.whitelists.message.received", (false, false)),
    ] {
        let pull = json!({"$pull": {list: credentials}});
        workshop.update(owner.clone(), &chain.device.uuid, pull).await.unwrap();
        assert_eq!(arrives_and_is_answered(&workshop, &mut chain).await, expected, "without {list}");
        let restore = json!({"$addToSet": {list: credentials}});
        workshop.update(owner.clone(), &chain.device.uuid, restore).await.unwrap();
        assert_eq!(arrives_and_is_answered(&workshop, &mut chain).await, (true, true), "with {list} again");
    }
}

#[tokio::test]
async fn the_flow_must_accept_the_user_device_and_the_user_device_the_flow() {
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let workshop = Workshop::open(&api.url("")).await;
    let mut chain = workshop.chain().await;
    let flow = Caller::itself(chain.flow.uuid.clone());
    let nobody = json!({"$set": {"meshblu.whitelists.message.from": []}});
    workshop.update(flow, &chain.flow.uuid, nobody.clone()).await.unwrap();
    assert_eq!(arrives_and_is_answered(&workshop, &mut chain).await, (true, false));
    let owner = Caller::itself(workshop.gateway.owner.as_ref().unwrap().uuid.clone());
    workshop.update(owner, &chain.device.uuid, nobody).await.unwrap();
    assert_eq!(arrives_and_is_answered(&workshop, &mut chain).await, (false, false));
}

#[tokio::test]
async fn each_subscription_of_the_chain_is_needed() {
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let workshop = Workshop::open(&api.url("")).await;
    let mut chain = workshop.chain().await;
    let service = workshop.gateway.bus.service().clone();
    let links = [
        (received(&chain.credentials, &chain.device.uuid), (false, false)),
        (received(&service, &chain.credentials), (false, false)),
        (received(&service, &service), (false, false)),
        (received(&chain.flow.uuid, &chain.flow.uuid), (true, false)),
    ];
    for (link, expected) in links {
        let (caller, gone) = (Caller::itself(link.subscriber_uuid.clone()), link.clone());
        let (again, back) = (caller.clone(), link.clone());
        workshop
            .gateway
            .bus
            .embedded()
            .unwrap()
            .change(move |bus, tx| bus.changing(tx, &caller).unsubscribe(&gone))
            .await
            .unwrap();
        assert_eq!(arrives_and_is_answered(&workshop, &mut chain).await, expected, "without {link:?}");
        workshop
            .gateway
            .bus
            .embedded()
            .unwrap()
            .change(move |bus, tx| bus.changing(tx, &again).subscribe(&back))
            .await
            .unwrap();
        assert_eq!(arrives_and_is_answered(&workshop, &mut chain).await, (true, true), "with {link:?} again");
    }
}

/// Tells how many of it were run at once.
#[derive(Clone, Default)]
struct Crowd {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Job for Crowd {
    type Data = Value;
    type Response = Value;

    async fn run(&self, _data: Value, _context: JobContext) -> Result<Value, JobError> {
        self.most.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(json!({}))
    }
}

/// A text of a few kilobytes that takes more than half of a megabyte of memory.
fn heavy() -> Value {
    json!(vec![[0]; 2_000])
}

#[tokio::test]
async fn messages_that_are_worked_on_at_once_fit_into_memory() {
    let api = FakeApi::answering(Answer::Stall(Vec::new())).await;
    let workshop = Workshop::open(&api.url("")).await;
    let chain = workshop.chain().await;
    for data in [json!(1), heavy()] {
        for _ in 0..6 {
            workshop.send(&chain, json!({"metadata": {"jobType": "Crowd"}, "data": data})).await;
        }
        let crowd = Crowd::default();
        let worker = workshop.worker(only(vec![formless("crowd", crowd.clone())]), Turns::within(8, 1 << 20));
        workshop.until_nothing_waits().await;
        worker.stop().await;
        let most = crowd.most.load(Ordering::SeqCst);
        assert_eq!(most == 1, data != json!(1), "{most} at once");
    }
}

#[tokio::test]
async fn a_message_for_which_there_is_no_room_in_memory_is_not_received() {
    let called = Arc::new(tokio::sync::Notify::new());
    let call = Arc::clone(&called);
    let api = FakeApi::start(move |_| {
        call.notify_one();
        Answer::Stall(Vec::new())
    })
    .await;
    let (workshop, _chain) = waiting_for(&api, list_events()).await;
    let queued = workshop.queued().await.new;
    let route: endo::message::Route = serde_json::from_str(&queued.route.unwrap()).unwrap();
    let desk = Arc::new(workshop.desk(Arc::clone(&workshop.gateway.registry)));
    let turns = Turns::within(8, 1 << 20);
    let reception = Reception::new(Arc::new(workshop.feed()), desk, turns, Duration::ZERO);
    let arrival = |beside: Value| {
        let mut message = list_events();
        message["metadata"]["beside"] = beside;
        Arrival::new(route.clone(), message.to_string(), None, None)
    };
    let first = reception.clone();
    let arrives = arrival(heavy());
    let first = tokio::spawn(async move { first.receive(arrives).await });
    called.notified().await;
    assert!(matches!(reception.receive(arrival(heavy())).await, Err(NotReceived::Full)));
    let too_large = arrival(json!(vec![[0]; 200_000]));
    assert!(matches!(reception.receive(too_large).await, Err(NotReceived::TooLarge)));
    first.abort();
}
