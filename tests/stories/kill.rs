//! Acknowledged means on disk: the program is killed at random points, and nothing is lost or done twice.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use endo::bus::embedded::Caller;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::chance::Chance;
use crate::support::desk::{Chain, Workshop};
use crate::support::fake_api::{Answer, FakeApi, Seen};
use crate::support::program::Program;

const ROUNDS: u64 = 50;
const SENDERS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// What the flow's webhook received: for each message the delivery ids its replies came under.
#[derive(Default)]
struct Received {
    replies: Mutex<BTreeMap<u64, BTreeSet<String>>>,
    calls: AtomicU64,
    news: Notify,
}

impl Received {
    /// Takes a call, except that every fifth is refused at first.
    fn take(&self, seen: &Seen) -> Answer {
        if self.calls.fetch_add(1, Ordering::Relaxed) % 5 == 4 {
            return Answer::new(503, &[], "");
        }
        let reply: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(reply["metadata"]["code"], 200, "{reply}");
        let number = reply["metadata"]["to"].as_u64().unwrap();
        let id = seen.header("x-meshblu-delivery-id")[0].to_owned();
        self.replies.lock().unwrap().entry(number).or_default().insert(id);
        self.news.notify_one();
        Answer::new(200, &[], "")
    }

    fn has_all(&self, numbers: &BTreeSet<u64>) -> bool {
        let replies = self.replies.lock().unwrap();
        numbers.iter().all(|number| replies.contains_key(number))
    }
}

/// A flow that sends and never stops, and what was acknowledged to it.
struct Flow {
    uuid: String,
    token: String,
    device: String,
    client: reqwest::Client,
    next: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    news: Notify,
}

impl Flow {
    fn new(chain: &Chain) -> Self {
        Self {
            uuid: chain.flow.uuid.to_string(),
            token: chain.flow.token.to_string(),
            device: chain.device.uuid.to_string(),
            client: reqwest::Client::builder().build().unwrap(),
            next: AtomicU64::new(0),
            acknowledged: Mutex::default(),
            news: Notify::new(),
        }
    }

    fn count(&self) -> u64 {
        self.acknowledged.lock().unwrap().len() as u64
    }

    /// Sends one message after the other until the bus is gone.
    async fn send_on(&self, bus: &str) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let message = json!({
                "devices": [self.device],
                "metadata": {"jobType": "ListEventsByUser", "respondTo": number},
                "data": {"username": "octocat"},
            });
            let request = self.client.post(format!("{bus}/messages")).body(message.to_string());
            let request = request.basic_auth(&self.uuid, Some(&self.token));
            let Ok(answer) = request.header("content-type", "application/json").send().await else { return };
            assert_eq!(answer.status(), 204);
            self.acknowledged.lock().unwrap().insert(number);
            self.news.notify_one();
        }
    }
}

async fn chain_with_webhook(workshop: &Workshop, webhook: &str) -> Chain {
    let chain = workshop.chain().await;
    let hook = json!({"type": "webhook", "url": webhook, "method": "POST"});
    let update = json!({"$set": {"meshblu.forwarders.message.received": [hook]}});
    let flow = chain.flow.uuid.clone();
    workshop.update(Caller::itself(flow.clone()), &flow, update).await.unwrap();
    chain
}

/// One life of the program: it is killed after a random number of acknowledgements, and a random moment more.
async fn round(flow: &Arc<Flow>, program: Program, chance: &mut Chance) {
    let enough = flow.count() + 1 + chance.below(30);
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (flow, bus) = (Arc::clone(flow), program.bus.clone());
        senders.spawn(async move { flow.send_on(&bus).await });
    }
    while flow.count() < enough {
        flow.news.notified().await;
    }
    tokio::time::sleep(Duration::from_micros(chance.below(20_000))).await;
    program.kill();
    while let Some(sender) = senders.join_next().await {
        sender.unwrap();
    }
}

fn settings(api: &FakeApi) -> Vec<String> {
    let mut settings = ["egress.allow_loopback=true", "webhooks.first_delay_ms=1", "webhooks.attempts=100"]
        .map(str::to_owned)
        .to_vec();
    settings.push(format!("source.base_url={}", api.url("")));
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_message_has_exactly_one_outcome_whenever_the_program_is_killed() {
    let mut chance = Chance::new();
    let received = Arc::new(Received::default());
    let taking = Arc::clone(&received);
    let receiver = FakeApi::start(move |seen| taking.take(seen)).await;
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let workshop = Workshop::open(&api.url("")).await;
    let chain = chain_with_webhook(&workshop, &receiver.url("/flow")).await;
    let flow = Arc::new(Flow::new(&chain));
    let Workshop { gateway, directory } = workshop;
    drop(gateway);

    for _ in 0..ROUNDS {
        let program = Program::start(directory.path(), &settings(&api), Stdio::null()).await;
        round(&flow, program, &mut chance).await;
    }
    let last = Program::start(directory.path(), &settings(&api), Stdio::null()).await;
    let acknowledged = flow.acknowledged.lock().unwrap().clone();
    let arrived = async {
        while !received.has_all(&acknowledged) {
            received.news.notified().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, arrived).await;
    assert!(last.terminate().await.success());
    assert!(waited.is_ok(), "some acknowledged messages were never answered");

    for (number, ids) in received.replies.lock().unwrap().iter() {
        assert_eq!(ids.len(), 1, "message {number} was answered more than once");
    }
    let counts = counts(&directory.path().join("endo.db"));
    assert!(counts["replied"] >= acknowledged.len() as u64);
    assert_eq!(counts["repeated"], 0);
    assert_eq!(counts["failed"], 0);
    assert_eq!(counts["dead"], 0);
}

fn counts(database: &std::path::Path) -> HashMap<&'static str, u64> {
    let database = Connection::open(database).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    HashMap::from([
        ("replied", count("SELECT count(*) FROM outcomes WHERE ending = 'replied'")),
        ("failed", count("SELECT count(*) FROM outcomes WHERE ending = 'failed'")),
        ("repeated", count("SELECT count(*) FROM (SELECT id FROM outcomes GROUP BY id HAVING count(*) > 1)")),
        ("dead", count("SELECT count(*) FROM dead_letters")),
    ])
}
