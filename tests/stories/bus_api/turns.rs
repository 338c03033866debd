//! Nobody waits for what another device has waiting.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use endo::ambient::Stopwatch;
use endo::store::{Account, StoreError, Transaction, View};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use futures_util::poll;
use reqwest::Method;
use serde_json::json;
use tokio::task::unconstrained;

use crate::support::bus::{Device, TestBus, WithJson, send};

/// As many searches of one device wait.
const SEARCHES: usize = 4096;
const STRANGERS: usize = 100;
/// Changes of those who do not log in that wait before a registration comes.
const CHANGES: usize = 300;
const FORMS: [&str; 3] = ["GET /v2/devices", "GET /devices", "GET /mydevices"];

#[tokio::test]
async fn a_device_has_so_many_searches_waiting_and_nobody_else_fills_its_places() {
    let bus = TestBus::open().await;
    let (greedy, other) = (bus.device(json!({})).await, bus.device(json!({})).await);
    let (go, wait) = mpsc::channel::<()>();
    let (reached, is_reached) = tokio::sync::oneshot::channel();
    let hold = move |_: &View<'_>| {
        let _ = reached.send(());
        wait.recv().map_err(|_| StoreError::Closed)
    };
    let store = bus.bus.store().clone();
    let held = tokio::spawn(async move { store.search(hold).await });
    is_reached.await.unwrap();
    let search = |device: &Device| bus.by(device, "POST /search/devices").json(&json!({"type": "none"}));
    let strangers = (0..STRANGERS).map(|_| {
        let forged = Device { token: "wrong".to_owned(), ..greedy.clone() };
        send(search(&forged))
    });
    for refused in join_all(strangers).await {
        refused.is(403, "null");
    }
    for call in FORMS {
        assert_eq!(send(bus.anonymous(call)).await.status, 403);
    }
    let account = || Account::Of(greedy.uuid.as_str().into());
    let nothing = |_: &View<'_>| Ok::<_, StoreError>(());
    let mut waiting: Vec<_> =
        (0..SEARCHES).map(|_| bus.bus.store().search_for(account(), nothing).boxed()).collect();
    for search in &mut waiting {
        assert!(poll!(search).is_pending());
    }
    let refused = send(search(&greedy)).await;
    let detail =
        "4096 searches of one device wait at most, and 4096 changes in all; come again when some are done";
    let told = json!({"error": "Maximum Capacity Exceeded", "detail": detail});
    refused.is(503, &told.to_string());
    assert_eq!(refused.header("retry-after"), Some("5"));
    let too_many = send(bus.by(&greedy, "POST /search/tokens")).await;
    assert_eq!(too_many.status, 503);
    let last = async {
        go.send(()).unwrap();
        join_all(waiting).await
    };
    let (of_other, of_greedy) = tokio::join!(send(search(&other)), last);
    of_other.is(200, "[]");
    assert!(of_greedy.iter().all(Result::is_ok));
    held.await.unwrap().unwrap();
}

/// What the registration made, and whether it was made after all that strangers had waiting.
async fn registered_among_strangers(bus: &TestBus, login: &Device) -> (u16, bool) {
    let (tick, ticks) = mpsc::channel::<()>();
    let (ran, mut has_run) = tokio::sync::mpsc::unbounded_channel();
    let ticks = Arc::new(Mutex::new(ticks));
    let kind = format!("of-{}", login.token);
    let mut strangers: Vec<_> = (0..CHANGES)
        .map(|n| {
            let (uuid, ticks, ran) = (format!("{kind}-{n}"), ticks.clone(), ran.clone());
            let document = json!({"uuid": uuid, "type": kind, "discoverWhitelist": ["*"]});
            let add = move |transaction: &Transaction<'_>| {
                let _ = ticks.lock().unwrap().recv();
                let _ = ran.send(());
                transaction.add_device(&uuid.as_str().into(), &document)
            };
            // Else Tokio lets only so many into the queue at once.
            unconstrained(bus.bus.store().write_for::<_, StoreError, _>(Account::Nobody, add)).boxed()
        })
        .collect();
    for change in &mut strangers {
        assert!(poll!(change).is_pending());
    }
    let registration = send(bus.by(login, "POST /devices").json(&json!({"type": kind})));
    let go_on = async {
        for _ in 0..CHANGES {
            // Behind the registration the bus answers this too.
            assert_eq!(send(bus.anonymous("GET /healthcheck")).await.status, 200);
            tick.send(()).unwrap();
            has_run.recv().await.unwrap();
        }
        join_all(strangers).await
    };
    let (registered, added) = tokio::join!(registration, go_on);
    assert!(added.iter().all(Result::is_ok));
    let search = bus.by(login, "POST /search/devices").json(&json!({"type": kind}));
    let newest = send(search).await.json()[0]["uuid"].clone();
    (registered.status.as_u16(), newest == registered.json()["uuid"])
}

#[tokio::test]
async fn a_registration_with_a_login_does_not_wait_for_what_strangers_have_waiting() {
    let passed = AtomicU64::new(0);
    // Each change takes some time, by this.
    let stopwatch = Stopwatch::from_fn(move || Duration::from_millis(passed.fetch_add(1, Ordering::SeqCst)));
    let bus = TestBus::timed_by(stopwatch).await;
    let device = bus.device(json!({})).await;
    assert_eq!(registered_among_strangers(&bus, &device).await, (201, false));
}

#[tokio::test]
async fn a_wrong_login_registers_as_none_does() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let wrong = Device { token: "wrong".to_owned(), ..device };
    assert_eq!(send(bus.by(&wrong, "POST /devices").json(&json!({}))).await.status, 201);
}

/// A read of this account that ends when it is told so.
fn held(bus: &TestBus, account: Account) -> (mpsc::Sender<()>, BoxFuture<'static, Result<(), StoreError>>) {
    let (go, told) = mpsc::channel::<()>();
    let wait = move |_: &View<'_>| told.recv().map_err(|_| StoreError::Closed);
    let store = bus.bus.store().clone();
    (go, async move { store.read_for(account, wait).await }.boxed())
}

#[tokio::test]
async fn who_asks_whether_the_bus_is_well_waits_for_nobody_who_does_not_say_who_they_are() {
    const READS: usize = 20;
    let bus = TestBus::open().await;
    let (tell, mut reads): (Vec<_>, Vec<_>) = (0..READS).map(|_| held(&bus, Account::Nobody)).unzip();
    for read in &mut reads {
        assert!(poll!(read).is_pending());
    }
    let mut reads: VecDeque<_> = reads.into_iter().map(tokio::spawn).collect();
    let proof = tokio::spawn(send(bus.anonymous("GET /proofoflife")));
    for go in &tell {
        for _ in 0..10 {
            send(bus.anonymous("GET /ping")).await.is(200, r#"{"online":true}"#);
        }
        if proof.is_finished() {
            break;
        }
        go.send(()).unwrap();
        reads.pop_front().unwrap().await.unwrap().unwrap();
    }
    assert!(reads.len() > READS / 2, "it waited for {} of them", READS - reads.len());
    proof.await.unwrap().is(200, r#"{"online":true}"#);
    drop(tell);
    join_all(reads).await;
}

/// What is nested deeper than any document that is ever parsed shows that it is not.
#[tokio::test]
async fn what_stands_beside_a_public_key_is_not_parsed_for_it() {
    let bus = TestBus::open().await;
    let deep = (0..200).fold(json!(0), |inner, _| json!([inner]));
    let document = json!({"uuid": "deep", "publicKey": {"kty": "OKP"}, "beside": deep});
    let add = move |transaction: &Transaction<'_>| transaction.add_device(&"deep".into(), &document);
    bus.bus.store().write::<_, StoreError, _>(add).await.unwrap();
    let answer = send(bus.request(Method::GET, "/devices/deep/publickey")).await;
    answer.is(200, r#"{"uuid":"deep","publicKey":{"kty":"OKP"}}"#);
}
