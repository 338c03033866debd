//! An orderly stop: what is worked on is finished, what waits is done after the next start.

use std::sync::Arc;

use endo::config::Config;
use serde_json::json;
use tokio::sync::Semaphore;

use super::firehose::{FakeFirehose, Manner, event, gateway_with, until};
use crate::support::bus::send;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, CREDENTIALS_TOKEN, FakeMeshblu, RemoteGateway, route, say_hello, settings,
};

const READ: usize = 12;

/// One message is worked on at a time.
fn one_at_a_time(settings: &mut Config) {
    settings.jobs.concurrency = 1;
    settings.bus.timeout_seconds = 60;
}

/// A Meshblu that takes as many replies as the gate has permits.
async fn gated() -> (FakeMeshblu, Arc<Semaphore>) {
    let (meshblu, gate) = (FakeMeshblu::start().await, Arc::new(Semaphore::new(0)));
    meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
    (meshblu, gate)
}

#[tokio::test]
async fn what_a_firehose_sent_before_the_stop_is_answered_once_each_after_the_next_start() {
    let (meshblu, gate) = gated().await;
    let events = (0..READ)
        .map(|n| event(&json!({"metadata": {"jobType": "SayHello"}, "data": {"name": n}}).to_string()));
    let firehose = FakeFirehose::start(vec![Manner::Behaves(events.collect())]).await;
    let (gateway, directory) = gateway_with(&meshblu, &firehose, one_at_a_time).await;
    until(async || meshblu.messages().len() == 1).await;
    // Nobody gets a turn any more once it was told to stop.
    tokio::join!(gateway.stop(), async { gate.add_permits(READ) });
    assert_eq!(meshblu.messages().len(), 1);

    let mut again = settings(directory.path(), &meshblu.url());
    one_at_a_time(&mut again);
    let gateway = RemoteGateway::with(again).await.unwrap();
    until(async || gateway.waiting().await == 0).await;
    let mut greeted: Vec<_> =
        meshblu.messages().iter().map(|reply| reply["data"]["hello"].as_u64().unwrap()).collect();
    greeted.sort_unstable();
    assert_eq!(greeted, (0..READ as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_that_was_posted_and_waits_for_its_turn_is_answered_after_the_next_start() {
    let (meshblu, gate) = gated().await;
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    one_at_a_time(&mut settings);
    let gateway = RemoteGateway::with(settings.clone()).await.unwrap();
    let post = || {
        let post = gateway.post("/v1/messages").header("x-meshblu-route", route());
        send(post.basic_auth(CREDENTIALS, Some(CREDENTIALS_TOKEN)).body(say_hello().to_string()))
    };
    let first = tokio::spawn(post());
    until(async || meshblu.messages().len() == 1).await;
    let second = tokio::spawn(post());
    until(async || meshblu.called().iter().filter(|call| *call == "POST /authenticate").count() == 2).await;
    tokio::join!(gateway.stop(), async { gate.add_permits(2) });
    first.await.unwrap().is(201, "Created");
    second.await.unwrap().is(202, "Accepted");
    assert_eq!(meshblu.messages().len(), 1);

    let gateway = RemoteGateway::with(settings).await.unwrap();
    until(async || gateway.waiting().await == 0).await;
    assert_eq!(meshblu.messages().len(), 2);
}
