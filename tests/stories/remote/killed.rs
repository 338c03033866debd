//! The program is killed at random points while a bus of ours delivers, again and again, what was not taken.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use endo::ambient::Clock;
use rusqlite::Connection;
use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::support::bus::WithJson;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::meshblu::{CREDENTIALS, CREDENTIALS_TOKEN, SigningBus, route, vectors};
use crate::support::program::Program;

const ROUNDS: u64 = 15;
const SENDERS: usize = 4;

/// What the bus has to deliver, and what was taken from it.
struct Deliveries {
    bus: SigningBus,
    next: AtomicU64,
    open: Mutex<BTreeSet<u64>>,
    taken: Mutex<BTreeSet<u64>>,
    news: Notify,
}

impl Deliveries {
    /// Delivers one message after the other, first those that were not taken, until the gateway is gone.
    async fn deliver_on(&self, authority: &str, fresh: bool) {
        loop {
            let old = self.open.lock().unwrap().pop_first();
            if old.is_none() && !fresh {
                return;
            }
            let number = old.unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed));
            let message = json!({
                "metadata": {"jobType": "ListEventsByUser", "respondTo": number},
                "data": {"username": "octocat"},
            });
            let now = Clock::system().now();
            let request = self.bus.posting(authority, now).delivery(&format!("delivery-{number}"), &message);
            // Whatever the answer is, the gateway has made it known.
            match request.send().await {
                Ok(_) => drop(self.taken.lock().unwrap().insert(number)),
                Err(_) => {
                    self.open.lock().unwrap().insert(number);
                    return;
                }
            }
            self.news.notify_one();
        }
    }

    fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

fn write_settings(directory: &Path, bus: &SigningBus, api: &FakeApi) {
    let key = vectors()["servicePrivateKeyPem"].as_str().unwrap();
    let text = format!(
        "[bus]\nkind = \"meshblu\"\nurl = \"{}\"\nuuid = \"service-uuid-0001\"\ntoken = \"service-token-0001\"\n\
         [records]\nprivate_key = '''{key}'''\n[source]\nbase_url = \"{}\"\n",
        bus.meshblu.url(),
        api.url("")
    );
    std::fs::write(directory.join("endo.toml"), text).unwrap();
}

async fn life(deliveries: &Arc<Deliveries>, program: &Program, fresh: bool) -> JoinSet<()> {
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let deliveries = Arc::clone(deliveries);
        let authority = program.gateway.trim_start_matches("http://").to_owned();
        senders.spawn(async move { deliveries.deliver_on(&authority, fresh).await });
    }
    senders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reply_is_sent_twice_and_none_is_lost_unseen_whenever_the_program_is_killed() {
    let seed = RandomState::new().hash_one(0);
    eprintln!("seed {seed}");
    let below = |round: u64, limit: u64| chance(seed, round) % limit;
    let bus = SigningBus::start().await;
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let directory = tempfile::tempdir().unwrap();
    write_settings(directory.path(), &bus, &api);
    let deliveries = Arc::new(Deliveries {
        bus,
        next: AtomicU64::new(0),
        open: Mutex::default(),
        taken: Mutex::default(),
        news: Notify::new(),
    });
    for round in 0..ROUNDS {
        let program = Program::start(directory.path(), &[], Stdio::null()).await;
        let enough = deliveries.count() + 1 + below(round, 20) as usize;
        let senders = life(&deliveries, &program, true).await;
        while deliveries.count() < enough {
            deliveries.news.notified().await;
        }
        tokio::time::sleep(Duration::from_micros(below(round + ROUNDS, 10_000))).await;
        program.kill();
        senders.join_all().await;
    }
    let last = Program::start(directory.path(), &[], Stdio::null()).await;
    life(&deliveries, &last, false).await.join_all().await;
    assert!(last.terminate().await.success());
    judge(&deliveries, directory.path());
}

/// Numbers that differ from round to round.
fn chance(seed: u64, round: u64) -> u64 {
    let mixed = (seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

fn judge(deliveries: &Deliveries, directory: &Path) {
    let mut replies: BTreeMap<u64, u32> = BTreeMap::new();
    for message in deliveries.bus.meshblu.messages() {
        *replies.entry(message["metadata"]["to"].as_u64().unwrap()).or_default() += 1;
    }
    let database = Connection::open(directory.join("endo.db")).unwrap();
    let ids = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let unknown: BTreeSet<_> =
        ids("SELECT id FROM dead_letters WHERE reason = 'reply_unknown'").into_iter().collect();
    let other = ids("SELECT id FROM dead_letters WHERE reason <> 'reply_unknown'");
    assert!(other.is_empty(), "{other:?}");
    assert!(ids("SELECT id FROM outcomes GROUP BY id HAVING count(*) > 1").is_empty());
    assert!(ids("SELECT id FROM deliveries").is_empty());
    for number in 0..deliveries.next.load(Ordering::Relaxed) {
        let sent = replies.get(&number).copied().unwrap_or_default();
        assert!(sent <= 1, "message {number} was answered {sent} times");
        let known = unknown.contains(&format!("delivery-{number}"));
        assert!(sent == 1 || known, "message {number} was never answered, and nobody can see that");
    }
}

/// The deliveries that wait on disk.
fn waiting(directory: &Path) -> Vec<String> {
    held(directory, "TRUE")
}

/// The names of those messages in hand for which this holds.
fn held(directory: &Path, condition: &str) -> Vec<String> {
    let database = Connection::open(directory.join("endo.db")).unwrap();
    let mut statement = database.prepare(&format!("SELECT id FROM deliveries WHERE {condition}")).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_long_is_on_disk_meanwhile_and_answered_after_a_kill_though_nobody_brings_it_again() {
    let bus = SigningBus::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let answer = Answer::new(200, &["content-type: application/json"], "[]").behind(&gate);
    let api = FakeApi::answering(answer).await;
    let directory = tempfile::tempdir().unwrap();
    write_settings(directory.path(), &bus, &api);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let authority = program.gateway.trim_start_matches("http://").to_owned();
    let message = json!({
        "metadata": {"jobType": "ListEventsByUser", "respondTo": 7},
        "data": {"username": "octocat"},
    });
    let request = bus.posting(&authority, Clock::system().now()).delivery("long", &message);
    let bringing = tokio::spawn(request.send());
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while waiting(directory.path()).is_empty() {
        ticks.tick().await;
    }
    program.kill();
    assert!(bringing.await.unwrap().is_err(), "nothing was acknowledged");
    gate.add_permits(10);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    while bus.meshblu.messages().is_empty() || !waiting(directory.path()).is_empty() {
        ticks.tick().await;
    }
    assert!(program.terminate().await.success());
    let messages = bus.meshblu.messages();
    assert_eq!((messages.len(), &messages[0]["metadata"]["to"]), (1, &json!(7)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_is_long_in_leaving_is_on_disk_by_then_and_after_a_kill_is_seen_but_not_sent_again() {
    let bus = SigningBus::start().await;
    let gate = Arc::new(Semaphore::new(0));
    bus.meshblu.answer("POST /messages", [Answer::new(204, &[], "").behind(&gate)]);
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let directory = tempfile::tempdir().unwrap();
    write_settings(directory.path(), &bus, &api);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let message = json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "octocat"}});
    // A credentials device that comes itself brings no name of what it brings.
    let request = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = request.post(format!("{}/v1/messages", program.gateway)).json(&message);
    let request = request.header("x-meshblu-route", route()).basic_auth(CREDENTIALS, Some(CREDENTIALS_TOKEN));
    let bringing = tokio::spawn(request.send());
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    // A slow machine writes the message down before there is a reply to it.
    while bus.meshblu.messages().is_empty() || held(directory.path(), "reply IS NOT NULL").is_empty() {
        ticks.tick().await;
    }
    program.kill();
    assert!(bringing.await.unwrap().is_err(), "nothing was acknowledged");
    gate.add_permits(10);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    while !waiting(directory.path()).is_empty() {
        ticks.tick().await;
    }
    assert!(program.terminate().await.success());
    assert_eq!(bus.meshblu.messages().len(), 1);
    let database = Connection::open(directory.path().join("endo.db")).unwrap();
    let sql = "SELECT reason, reply IS NOT NULL, done = 1 FROM dead_letters";
    let seen = database.query_row(sql, [], |row| Ok((row.get::<_, String>(0)?, [row.get(1)?, row.get(2)?])));
    assert_eq!(
        seen.unwrap(),
        ("reply_unknown".to_owned(), [true, true]),
        "with the reply, and that the job was done"
    );
}
