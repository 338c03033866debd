//! On a Meshblu the tombstone is first too; what the bus does not do at once is tried until it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::{Clock, Timestamp};
use endo::bus::Login;
use endo::credentials::{Cut, Fate, Matter, Receipt, Rekeyed, Revoker};
use endo::vault::Format;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::support::account::octocat;
use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, FakeMeshblu, RemoteGateway, USER_DEVICE, bound, json_answer, say_hello, settings, vectors,
};

const UNSUBSCRIBE: &str = "DELETE /v2/devices/cred-uuid-0001/subscriptions/user-uuid/message.received";

struct Scene {
    meshblu: FakeMeshblu,
    gateway: RemoteGateway,
    hand: Arc<AtomicI64>,
    _directory: TempDir,
}

impl Scene {
    async fn set() -> Self {
        Self::with_timeout(1).await
    }

    /// A scene where a call of the bus may take so many seconds.
    async fn with_timeout(seconds: u64) -> Self {
        let meshblu = FakeMeshblu::start().await;
        let directory = tempfile::tempdir().unwrap();
        let hand = Arc::new(AtomicI64::new(vectors()["nowMs"].as_i64().unwrap()));
        let told = Arc::clone(&hand);
        let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
        let mut settings = settings(directory.path(), &meshblu.url());
        settings.bus.timeout_seconds = seconds;
        let gateway = RemoteGateway::at(clock, settings).await.unwrap();
        meshblu.answer(UNSUBSCRIBE, [Answer::new(204, &[], "")]);
        let user_device = json!({"uuid": USER_DEVICE, "owner": "owner-uuid", "statusDevice": "status-uuid"});
        meshblu.answer("GET /v2/devices/user-uuid", [json_answer(200, &user_device)]);
        Self { meshblu, gateway, hand, _directory: directory }
    }

    async fn cut_off(&self, by: Revoker) -> Receipt {
        let credentials = &self.gateway.gateway.credentials;
        let owned = credentials.held(CREDENTIALS.into()).await.unwrap();
        credentials.cut_off(&owned, Cut::One(USER_DEVICE.into()), &by).await.unwrap().unwrap()
    }

    async fn forget(&self) -> Receipt {
        let credentials = &self.gateway.gateway.credentials;
        let owned = credentials.held(CREDENTIALS.into()).await.unwrap();
        credentials.forget(&owned, &Revoker::Operator).await.unwrap()
    }

    async fn receipt(&self) -> Receipt {
        self.gateway.gateway.credentials.receipts(None, None).await.unwrap().shown.remove(0)
    }

    /// The calls that change something, with who made them and what they said.
    fn changes(&self) -> Vec<(String, String, Value)> {
        let changes =
            self.meshblu.calls().into_iter().filter(|seen| ["PUT", "DELETE"].contains(&&*seen.method));
        changes
            .map(|seen| {
                let login = seen.header("authorization").concat();
                let login = STANDARD.decode(login.trim_start_matches("Basic ")).unwrap();
                let acting = seen.header("x-meshblu-as").concat();
                let body = serde_json::from_slice(&seen.body).unwrap_or_default();
                (seen.target.clone(), format!("{}/{acting}", String::from_utf8(login).unwrap()), body)
            })
            .collect()
    }
}

fn owner(uuid: &str) -> Revoker {
    Revoker::Owner(Login { uuid: uuid.into(), token: Zeroizing::new("owner-token".to_owned()) })
}

fn fate(receipt: &Receipt, what: Matter) -> Fate {
    receipt.parts.iter().find(|part| part.what == what).unwrap().fate
}

#[tokio::test]
async fn an_owner_takes_the_lists_of_his_device_back_himself() {
    let scene = Scene::set().await;
    let receipt = scene.cut_off(owner("owner-uuid")).await;
    assert_eq!(fate(&receipt, Matter::Subscription), Fate::Ended);
    assert_eq!(fate(&receipt, Matter::Whitelists), Fate::Ended);
    let changes = scene.changes();
    let (target, by, update) = changes.last().unwrap();
    assert_eq!((target.as_str(), by.as_str()), ("/v2/devices/user-uuid", "owner-uuid:owner-token/"));
    assert_eq!(update["$pull"]["meshblu.whitelists.message.as"], json!({"uuid": CREDENTIALS}));
    assert_eq!(scene.gateway.webhook(&say_hello()).await.status, 403);
}

#[tokio::test]
async fn a_message_that_waits_for_the_bus_opens_nothing_once_its_device_is_cut_off_or_the_secret_forgotten() {
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    let search = "POST /search/devices".to_owned();
    let shown = json!([vectors()["credentialsDevice"]]);
    for (call, answer) in [(subscriptions, json!([bound()])), (search, shown)] {
        for is_forgotten in [false, true] {
            let scene = Scene::with_timeout(10).await;
            let gate = Arc::new(Semaphore::new(0));
            let answer = json_answer(200, &answer);
            scene.meshblu.answer(&call, [answer.clone().behind(&gate), answer]);
            let end = async {
                let mut ticks = tokio::time::interval(Duration::from_millis(1));
                while !scene.meshblu.called().contains(&call) {
                    ticks.tick().await;
                }
                if is_forgotten {
                    scene.forget().await
                } else {
                    scene.cut_off(Revoker::Operator).await
                };
                gate.add_permits(1);
            };
            let message = say_hello();
            let (told, ()) = tokio::join!(scene.gateway.webhook(&message), end);
            assert_eq!(told.status, 403, "{call} {is_forgotten}");
            assert!(scene.meshblu.messages().is_empty());
        }
    }
}

#[tokio::test]
async fn whoever_cuts_off_does_not_wait_for_a_bus_that_says_nothing() {
    let scene = Scene::with_timeout(10).await;
    scene.meshblu.answer(UNSUBSCRIBE, [Answer::Stall(Vec::new())]);
    let receipt = scene.cut_off(Revoker::Operator).await;
    assert_eq!(fate(&receipt, Matter::Right), Fate::Ended);
    assert_eq!(fate(&receipt, Matter::Subscription), Fate::Pending);
    assert_eq!(fate(&receipt, Matter::Whitelists), Fate::Pending, "what would come next was waited for");
}

#[tokio::test]
async fn the_lists_of_somebody_else_s_device_stay() {
    let scene = Scene::set().await;
    let receipt = scene.cut_off(owner("another-uuid")).await;
    assert_eq!(fate(&receipt, Matter::Right), Fate::Ended);
    assert_eq!(fate(&receipt, Matter::Whitelists), Fate::Stayed);
    assert_eq!(scene.changes().len(), 1, "the subscription alone");
}

#[tokio::test]
async fn the_lists_of_a_device_stay_where_its_owner_is_not_there() {
    for is_forgotten in [false, true] {
        let scene = Scene::set().await;
        scene.gateway.webhook(&say_hello()).await.is(201, "Created");
        let receipt =
            if is_forgotten { scene.forget().await } else { scene.cut_off(Revoker::Operator).await };
        let lists = receipt.parts.iter().find(|part| part.what == Matter::Whitelists).unwrap();
        assert_eq!(lists.fate, Fate::Stayed);
        let why = "only the owner of the device can change them, who was not here for that";
        assert_eq!(lists.why.as_deref(), Some(why));
        assert!(scene.changes().iter().all(|(target, ..)| target != "/v2/devices/user-uuid"));
        assert_eq!(scene.gateway.webhook(&say_hello()).await.status, 403);
    }
}

#[tokio::test]
async fn what_the_bus_does_not_do_is_tried_again_until_it_is_done() {
    let scene = Scene::set().await;
    scene.meshblu.answer(
        UNSUBSCRIBE,
        [
            Answer::Bytes(Vec::new()),
            Answer::Bytes(Vec::new()),
            Answer::new(503, &[], ""),
            Answer::new(204, &[], ""),
        ],
    );
    scene.meshblu.answer("GET /v2/devices/user-uuid", [Answer::new(502, &[], "")]);
    let receipt = scene.cut_off(owner("owner-uuid")).await;
    assert_eq!(fate(&receipt, Matter::Right), Fate::Ended);
    assert_eq!(fate(&receipt, Matter::Subscription), Fate::Pending);
    assert_eq!(fate(&receipt, Matter::Whitelists), Fate::Pending);
    assert_eq!(scene.gateway.webhook(&say_hello()).await.status, 403, "the tombstone decides");
    let user_device = json!({"uuid": USER_DEVICE, "owner": "owner-uuid"});
    scene.meshblu.answer("GET /v2/devices/user-uuid", [json_answer(200, &user_device)]);
    // The running gateway may be at it by itself.
    while scene.receipt().await.parts.iter().any(|part| part.fate == Fate::Pending) {
        scene.hand.fetch_add(3_600_000, Ordering::SeqCst);
        scene.gateway.gateway.credentials.attend_once().await.unwrap();
    }
    let receipt = scene.receipt().await;
    assert_eq!(fate(&receipt, Matter::Subscription), Fate::Ended);
    assert_eq!(fate(&receipt, Matter::Whitelists), Fate::Ended);
    let (_, by, _) =
        scene.changes().into_iter().find(|(target, ..)| target == "/v2/devices/user-uuid").unwrap();
    assert_eq!(by, "owner-uuid:owner-token/", "as the owner who was there when it began");
}

#[tokio::test]
async fn a_record_that_is_forgotten_leaves_the_bus_and_opens_for_nobody() {
    let scene = Scene::set().await;
    scene.gateway.webhook(&say_hello()).await.is(201, "Created");
    let credentials = &scene.gateway.gateway.credentials;
    let owned = credentials.held(CREDENTIALS.into()).await.unwrap();
    let receipt = credentials.forget(&owned, &owner("owner-uuid")).await.unwrap();
    assert_eq!(fate(&receipt, Matter::Record), Fate::Ended);
    assert_eq!(fate(&receipt, Matter::BusCopy), Fate::Ended);
    let unset = json!({"$unset": {"endo": true, "endoSignature": true}});
    let is_unset =
        |change: &(String, String, Value)| change.0 == "/v2/devices/cred-uuid-0001" && change.2 == unset;
    assert!(scene.changes().iter().any(is_unset));
    let asked = scene.meshblu.called().len();
    assert_eq!(
        scene.gateway.webhook(&say_hello()).await.status,
        403,
        "though the bus still shows the record"
    );
    assert_eq!(scene.meshblu.called().len(), asked, "the bus is not asked");
}

#[tokio::test]
async fn a_record_on_a_meshblu_moves_to_format_2_and_the_bus_s_copy_follows_until_it_is_there() {
    let scene = Scene::set().await;
    let made = json!({"uuid": "new-cred", "token": "new-token"});
    let user_device = json!([{"uuid": USER_DEVICE, "owner": "owner-uuid"}]);
    let bound =
        json!([{"subscriberUuid": "new-cred", "emitterUuid": USER_DEVICE, "type": "message.received"}]);
    let done = || Answer::new(204, &[], "");
    for (call, answers) in [
        ("POST /search/devices", vec![json_answer(200, &json!([])), json_answer(200, &user_device)]),
        ("POST /devices", vec![json_answer(201, &made)]),
        ("POST /devices/new-cred/tokens", vec![json_answer(201, &made)]),
        ("POST /v2/devices/service-uuid-0001/subscriptions/new-cred/message.received", vec![done()]),
        ("GET /v2/devices/new-cred/subscriptions", vec![json_answer(200, &bound)]),
        (
            "PUT /v2/devices/new-cred",
            vec![done(), Answer::Bytes(Vec::new()), Answer::new(502, &[], ""), done()],
        ),
    ] {
        scene.meshblu.answer(call, answers);
    }
    let account = octocat(583_231, "canary-of-a-secret", "owner-uuid");
    let gateway = &scene.gateway.gateway;
    let device = gateway.credentials.keep(account).await.unwrap();
    let need = async || gateway.credentials.need(&device).await.unwrap().unwrap().format;
    assert_eq!(need().await, Format::One);
    gateway.begin_migration().await.unwrap();
    assert_eq!(gateway.credentials.rekey(&device).await.unwrap(), Rekeyed::Done);
    assert_eq!(need().await, Format::Two);
    for _ in 0..4 {
        scene.hand.fetch_add(3_600_000, Ordering::SeqCst);
        gateway.credentials.catch_up().await.unwrap();
    }
    let changes = scene.changes();
    let (target, _, update) = changes.last().unwrap();
    assert_eq!(target, "/v2/devices/new-cred");
    assert_eq!(update["$set"]["endo"]["version"], "2.0.0");
    assert_eq!(update["$set"]["endo"]["authorizedKey"].as_array().unwrap().len(), 1);
}
