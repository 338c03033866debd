//! The pages of a gateway on a Meshblu: a job is sent from its form, and its reply comes back to the page.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::{Clock, Timestamp};
use endo::config::Source;
use endo::gateway::Gateway;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::firehose::until;
use super::owners::account;
use crate::support::browser::Browser;
use crate::support::bus::Answer;
use crate::support::fake_api::Answer as ApiAnswer;
use crate::support::meshblu::{
    CREDENTIALS, CREDENTIALS_TOKEN, FLOW, FakeMeshblu, RemoteGateway, SERVICE, USER_DEVICE, bound,
    json_answer, route, settings, vectors,
};

pub(super) const OWNER: &str = "owner-uuid";
const STATUS: &str = "status-uuid";
/// By when a page is given up that waits for what it is not told.
const GIVEN_UP: Duration = Duration::from_secs(20);

/// An owner's browser at a gateway on a Meshblu.
pub(super) struct Desk {
    pub(super) meshblu: FakeMeshblu,
    pub(super) gateway: RemoteGateway,
    pub(super) browser: Browser,
    directory: TempDir,
}

impl Desk {
    pub(super) async fn open() -> Self {
        Self::with(|_| ()).await
    }

    /// The same, whose jobs talk to this API, and whose pages wait for nothing.
    pub(super) async fn at(source: Source) -> Self {
        Self::made(source, |gateway| gateway.pages_wait = Duration::ZERO).await
    }

    async fn with(change: impl FnOnce(&mut Gateway)) -> Self {
        Self::made(Source::default(), change).await
    }

    async fn made(source: Source, change: impl FnOnce(&mut Gateway)) -> Self {
        let (meshblu, directory) = (FakeMeshblu::start().await, tempfile::tempdir().unwrap());
        meshblu.show(json!({"uuid": USER_DEVICE, "owner": OWNER, "statusDevice": STATUS}));
        let device = json_answer(201, &json!({"uuid": CREDENTIALS, "token": CREDENTIALS_TOKEN}));
        meshblu.answer("POST /devices", [device.clone()]);
        meshblu.answer(&format!("POST /devices/{CREDENTIALS}/tokens"), [device]);
        let heard = format!("POST /v2/devices/{SERVICE}/subscriptions/{CREDENTIALS}/message.received");
        meshblu.answer(&heard, [ApiAnswer::new(204, &[], "")]);
        let gateway = gateway_in(&directory, &meshblu, (Duration::ZERO, source, change)).await;
        let kept = gateway.gateway.credentials.keep(account(OWNER)).await.unwrap();
        assert_eq!(kept.as_str(), CREDENTIALS);
        let browser = signed_in(&gateway, &meshblu, OWNER).await;
        Self { meshblu, gateway, browser, directory }
    }

    /// The same after the gateway was started anew, with this done to its database between.
    async fn restarted(self, between: &str) -> Self {
        self.restarted_with(between, |_| ()).await
    }

    /// The same, changed before it starts.
    async fn restarted_with(self, between: &str, change: impl FnOnce(&mut Gateway)) -> Self {
        let Self { meshblu, gateway, browser, directory } = self;
        gateway.stop().await;
        let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
        database.execute_batch(between).unwrap();
        drop(database);
        // The gateway asks who it is itself before anybody signs in.
        meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": SERVICE}))]);
        let later = Duration::from_secs(60);
        let gateway = gateway_in(&directory, &meshblu, (later, Source::default(), change)).await;
        let anew = browser.moved_to(&format!("http://{}", gateway.running.gateway()));
        Self { meshblu, gateway, browser: anew, directory }
    }

    pub(super) fn home(&self) -> String {
        format!("/console/credentials/{CREDENTIALS}")
    }

    pub(super) fn form(&self) -> String {
        format!("{}/user-devices/{USER_DEVICE}/jobs/SayHello", self.home())
    }

    /// Sends the form; answers the page that tells what comes of it, and the message that the Meshblu got.
    pub(super) async fn send(&mut self) -> (String, Value) {
        let form = self.form();
        let page = self.browser.get(&form).await;
        let sent = self.browser.submit(&page, &form, &[]).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        let mut message = self.meshblu.messages().pop().unwrap();
        assert_eq!(message["devices"], json!([USER_DEVICE]));
        message.as_object_mut().unwrap().remove("devices");
        (sent.header("location").unwrap().to_owned(), message)
    }

    /// The Meshblu brings a message that `sender` sent to the user device.
    pub(super) async fn bring(&self, sender: &str, message: &Value) -> Answer {
        self.gateway.webhook_by(&route().replace(FLOW, sender), message).await
    }

    pub(super) async fn shows(&mut self, address: &str, text: &str) {
        let page = self.browser.get(address).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.text.contains(text), "{page:?}");
    }
}

/// A gateway on this Meshblu, so long after the time of the vectors.
async fn gateway_in(
    directory: &TempDir,
    meshblu: &FakeMeshblu,
    (later, source, change): (Duration, Source, impl FnOnce(&mut Gateway)),
) -> RemoteGateway {
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.source = source;
    settings.bus.oauth_url = Some(meshblu.url());
    let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap()).plus(later);
    RemoteGateway::changed(Clock::from_fn(move || now), settings, change).await.unwrap()
}

/// A browser whose user signed in with the Meshblu as this device.
pub(super) async fn signed_in(gateway: &RemoteGateway, meshblu: &FakeMeshblu, device: &str) -> Browser {
    let mut browser = Browser::at(&format!("http://{}", gateway.running.gateway()));
    let start = browser.get("/auth/octoblu?next=/console").await;
    let state = start.header("location").unwrap().split("state=").nth(1).unwrap().to_owned();
    let token = STANDARD.encode(format!("{device}:token-of-{device}"));
    meshblu.answer("POST /access_token", [json_answer(200, &json!({"access_token": token}))]);
    meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": device}))]);
    let back = browser.get(&format!("/auth/octoblu/callback?code=c&state={state}")).await;
    assert_eq!(back.header("location"), Some("/console"), "{back:?}");
    browser
}

#[tokio::test]
async fn the_reply_to_a_job_that_was_sent_from_its_form_is_shown() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    assert_eq!(message["metadata"]["jobType"], "SayHello");
    desk.bring(OWNER, &message).await.is(201, "Created");
    let reply = desk.meshblu.messages().pop().unwrap();
    assert_eq!(reply["devices"], json!([OWNER]), "the owner's device gets it as well");
    desk.shows(&address, "The job answered with code 200.").await;
    desk.shows(&address, "&quot;hello&quot;").await;
}

#[tokio::test]
async fn whoever_waits_for_a_reply_sees_it_when_it_comes() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    let mut browser = desk.browser.clone();
    let (page, brought) = tokio::join!(browser.get(&address), desk.bring(OWNER, &message));
    brought.is(201, "Created");
    assert!(page.text.contains("The job answered with code 200."), "{page:?}");
}

#[tokio::test]
async fn a_reply_that_does_not_come_in_time_is_looked_for_again() {
    let mut desk = Desk::with(|gateway| gateway.pages_wait = Duration::ZERO).await;
    let (address, message) = desk.send().await;
    let page = desk.browser.get(&address).await;
    assert!(page.text.contains("The bus took the message, and no reply is known here yet"), "{page:?}");
    assert!(page.text.contains(&format!("href=\"{address}\">Look again</a>")), "{page:?}");
    desk.bring(OWNER, &message).await.is(201, "Created");
    desk.shows(&address, "The job answered with code 200.").await;
}

#[tokio::test]
async fn a_message_that_came_back_is_still_at_work_until_it_ends() {
    let mut desk = Desk::with(|gateway| gateway.pages_wait = Duration::ZERO).await;
    let (address, message) = desk.send().await;
    let gate = Arc::new(Semaphore::new(0));
    desk.meshblu.answer("POST /messages", [ApiAnswer::new(204, &[], "").behind(&gate)]);
    let before = desk.meshblu.messages().len();
    let mut browser = desk.browser.clone();
    let look = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while desk.meshblu.messages().len() == before {
            ticks.tick().await;
        }
        let page = browser.get(&address).await;
        gate.add_permits(1);
        page
    };
    let (page, brought) = tokio::join!(look, desk.bring(OWNER, &message));
    assert!(page.text.contains("There is no reply yet: the job is still at work."), "{page:?}");
    brought.is(201, "Created");
    desk.shows(&address, "The job answered with code 200.").await;
}

#[tokio::test]
async fn a_reply_is_shown_after_a_restart_too() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    desk.bring(OWNER, &message).await.is(201, "Created");
    let mut desk = desk.restarted("").await;
    desk.shows(&address, "The job answered with code 200.").await;
}

#[tokio::test]
async fn a_message_that_did_not_come_back_before_a_restart_is_told_as_perhaps_lost_and_found_when_it_comes() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    let mut desk = desk.restarted("").await;
    desk.shows(&address, "The gateway was started anew since you sent the message").await;
    desk.shows(&address, "Look at GitHub before you send another.").await;
    desk.shows(&address, ">Look again</a>").await;
    desk.bring(OWNER, &message).await.is(201, "Created");
    desk.shows(&address, "The job answered with code 200.").await;
}

/// What a kill leaves that comes after the job's first call, and before its end.
const KILLED_IN_THE_JOB: &str = "
    INSERT INTO deliveries (id, work, device, event, route, body, accepted_at, due_at, call_started)
    SELECT delivery, 0, 'service-uuid-0001', 'message.received',
        '[{\"from\":\"owner-uuid\",\"to\":\"user-uuid\",\"type\":\"message.received\"},
          {\"from\":\"user-uuid\",\"to\":\"cred-uuid-0001\",\"type\":\"message.received\"}]',
        json_object('metadata', json_object('jobType', 'SayHello', 'respondTo', mark), 'data', json('{}')), 0, 0, 1
    FROM sent_messages;
    DELETE FROM outcomes;";

#[tokio::test]
async fn a_job_that_was_killed_while_it_ran_is_one_of_which_nobody_knows_whether_it_was_done() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    desk.bring(OWNER, &message).await.is(201, "Created");
    let mut desk = desk.restarted(KILLED_IN_THE_JOB).await;
    desk.shows(&address, "Nobody knows whether the job was done: look at GitHub before you send it again.")
        .await;
}

/// A reply that was given up, and that somebody wants to be sent after all.
const TO_BE_SENT: &str = "
    INSERT INTO deliveries (id, work, device, event, route, body, accepted_at, due_at, resend, reply, done)
    SELECT delivery, 0, 'service-uuid-0001', 'message.received',
        '[{\"from\":\"owner-uuid\",\"to\":\"user-uuid\",\"type\":\"message.received\"},
          {\"from\":\"user-uuid\",\"to\":\"cred-uuid-0001\",\"type\":\"message.received\"}]',
        json_object('metadata', json_object('jobType', 'SayHello', 'respondTo', mark), 'data', json('{}')),
        0, 0, 1, reply, done
    FROM sent_messages JOIN outcomes ON outcomes.id = delivery;
    DELETE FROM outcomes;";

#[tokio::test]
async fn whoever_waits_is_told_at_once_when_a_reply_that_was_given_up_is_sent_after_all() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    desk.bring(OWNER, &message).await.is(201, "Created");
    let (gate, before) = (Arc::new(Semaphore::new(0)), desk.meshblu.messages().len());
    desk.meshblu.answer("POST /messages", [ApiAnswer::new(204, &[], "").behind(&gate)]);
    let for_ever = |gateway: &mut Gateway| gateway.pages_wait = Duration::from_secs(24 * 60 * 60);
    let mut desk = desk.restarted_with(TO_BE_SENT, for_ever).await;
    until(async || desk.meshblu.messages().len() > before).await;
    // The last that the page asks the bus for before it waits.
    let looks =
        |desk: &FakeMeshblu| desk.called().iter().filter(|call| *call == "POST /search/devices").count();
    let looked = looks(&desk.meshblu);
    let answered = tokio::time::timeout(GIVEN_UP, desk.browser.get(&address));
    let (page, ()) = tokio::join!(answered, async {
        until(async || looks(&desk.meshblu) > looked).await;
        gate.add_permits(1);
    });
    let page = page.expect("the page is told");
    assert!(page.text.contains("The job answered with code 200."), "{page:?}");
}

#[tokio::test]
async fn an_error_that_the_sender_was_told_is_shown() {
    let mut desk = Desk::open().await;
    let (address, mut message) = desk.send().await;
    message["data"] = json!({"do": "fail"});
    assert_eq!(desk.bring(OWNER, &message).await.status, 418);
    desk.shows(&address, "The job was not done: <bdi>I am a teapot</bdi>. The code is 418.").await;
}

#[tokio::test]
async fn an_error_that_the_bus_could_not_carry_is_shown_too() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    desk.meshblu.answer(&subscriptions, [json_answer(200, &json!([])), json_answer(200, &json!([bound()]))]);
    assert_eq!(desk.bring(OWNER, &message).await.status, 403);
    desk.shows(&address, "The job was not done: <bdi>this device may not use these credentials</bdi>.").await;
}

/// What the page says where the Meshblu answers the reply so, and how often it was asked to take something.
async fn shown_where_the_reply_is_answered_with(answers: Vec<ApiAnswer>) -> (String, Vec<Value>) {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    let before = desk.meshblu.messages().len();
    desk.meshblu.answer("POST /messages", answers);
    assert!(!desk.bring(OWNER, &message).await.status.is_success(), "whoever brings it is told as well");
    (desk.browser.get(&address).await.text, desk.meshblu.messages().split_off(before))
}

#[tokio::test]
async fn a_job_that_was_done_is_told_as_done_though_the_bus_refuses_its_reply() {
    let no = json_answer(403, &json!({"error": "no\u{202e} <way>."}));
    for answers in [vec![no.clone(), ApiAnswer::new(204, &[], "")], vec![no]] {
        let (page, sent) = shown_where_the_reply_is_answered_with(answers).await;
        assert!(page.contains("The job was done and answered with code 200."), "{page}");
        let why = "so it did not reach you there; the bus says: <bdi>no &lt;way&gt;</bdi>.";
        assert!(page.contains(why) && page.contains("Sending it again would do the job again."), "{page}");
        assert!(page.contains("&quot;hello&quot;") && !page.contains("was not done"), "{page}");
        // The sender is told what the contract says, and nothing more.
        let told = sent[1]["metadata"].as_object().unwrap();
        assert_eq!(told.keys().collect::<Vec<_>>(), ["code", "to", "error"]);
        assert_eq!((sent.len(), &told["code"]), (2, &json!(403)));
    }
}

#[tokio::test]
async fn a_job_that_was_done_is_told_as_done_though_nobody_knows_whether_its_reply_arrived() {
    for lost in [ApiAnswer::Bytes(Vec::new()), ApiAnswer::Stall(Vec::new())] {
        let (page, sent) = shown_where_the_reply_is_answered_with(vec![lost]).await;
        assert!(page.contains("The job was done and answered with code 200."), "{page}");
        assert!(page.contains("Nobody knows whether the bus took the reply"), "{page}");
        assert!(page.contains("&quot;hello&quot;") && !page.contains("was not done"), "{page}");
        assert_eq!(sent.len(), 1);
    }
}

#[tokio::test]
async fn an_error_that_the_bus_refuses_to_carry_is_no_job_that_was_done() {
    let mut desk = Desk::open().await;
    let (address, mut message) = desk.send().await;
    message["data"] = json!({"do": "fail"});
    desk.meshblu.answer("POST /messages", [json_answer(403, &json!({"error": "no"}))]);
    assert_eq!(desk.bring(OWNER, &message).await.status, 403);
    desk.shows(&address, "The job was not done: <bdi>I am a teapot</bdi>. The code is 418.").await;
    desk.shows(&address, "so it did not reach you there; the bus says: <bdi>no</bdi>.").await;
}

#[tokio::test]
async fn a_bus_that_is_late_before_anything_was_done_leaves_nothing_open() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    desk.meshblu.answer(&subscriptions, [ApiAnswer::Stall(Vec::new())]);
    assert_eq!(desk.bring(OWNER, &message).await.status, 504);
    desk.meshblu.answer(&subscriptions, [json_answer(200, &json!([bound()]))]);
    desk.shows(&address, "The job was not done: <bdi>the bus does not answer</bdi>. The code is 504.").await;
}

#[tokio::test]
async fn a_reply_is_shown_to_its_sender_alone_and_a_mark_that_somebody_read_is_of_no_use() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    let mut forged = message.clone();
    forged["data"] = json!({"name": "forged"});
    desk.bring("another-device", &forged).await.is(201, "Created");
    desk.bring(OWNER, &message).await.is(201, "Created");
    let page = desk.browser.get(&address).await;
    assert!(page.text.contains("The job answered") && !page.text.contains("forged"), "{page:?}");
    let unknown = format!("{}?sent=00000000-0000-4000-8000-000000000000", desk.form());
    desk.shows(&unknown, "Nothing is known here of that message").await;
}

#[tokio::test]
async fn errors_on_a_status_device_are_shown_to_an_owner_who_may_see_them_there() {
    let mut desk = Desk::open().await;
    let home = desk.home();
    let call = format!("GET /v2/devices/{STATUS}");
    let errors = json!([
        {"date": "2026-11-01T10:00:00Z", "code": 404, "message": "No <such> thing"},
        {"date": "2026-11-02T10:00:00Z", "code": 502, "message": "response_invalid"},
        // What says nothing is not counted and takes nobody's place.
        null,
        {"date": "2026-11-03T10:00:00Z", "message": {}},
    ]);
    let status = |owner: &str| json!({"uuid": STATUS, "owner": owner, "status": {"errors": errors}});
    desk.meshblu.answer(&call, [json_answer(200, &status(USER_DEVICE))]);
    let page = desk.browser.get(&home).await;
    for text in [
        "2 errors noted",
        "2026-11-02 10:00 UTC",
        "<bdi>No &lt;such&gt; thing</bdi>",
        "its answer was kept back",
    ] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
    let asked = desk.meshblu.calls().into_iter().find(|seen| seen.target.ends_with(STATUS)).unwrap();
    let owners = format!("Basic {}", STANDARD.encode(format!("{OWNER}:token-of-{OWNER}")));
    assert_eq!(asked.header("authorization"), [owners], "as the owner, who alone may see it");

    // Somebody else's status tells nothing of this device, and one that may not be seen nothing at all.
    let hidden = json_answer(404, &json!({"code": 404, "message": "Devices not found"}));
    for answer in [json_answer(200, &status("another-device")), json_answer(200, &json!([])), hidden] {
        desk.meshblu.answer(&call, [answer]);
        let page = desk.browser.get(&home).await;
        assert!(page.status == 200 && page.text.contains(USER_DEVICE), "{page:?}");
        assert!(!page.text.contains("noted") && !page.text.contains("cannot be shown now"), "{page:?}");
    }
}

#[tokio::test]
async fn a_meshblu_that_does_not_tell_of_devices_is_named_as_the_reason_and_they_can_be_cut_off() {
    let client = |text: &str| Some(text.to_owned());
    let source = Source {
        client_id: client("id"),
        client_secret: client("secret").map(Into::into),
        ..Source::default()
    };
    let mut desk = Desk::at(source).await;
    let (home, form) = (desk.home(), desk.form());
    let cut_off = format!("{home}/user-devices/{USER_DEVICE}/cut-off");
    let why = "The bus could not be asked for these devices just now";
    for answer in [
        ApiAnswer::new(500, &[], "oops"),
        ApiAnswer::new(200, &[], "<p>"),
        ApiAnswer::Bytes(Vec::new()),
        ApiAnswer::Stall(Vec::new()),
    ] {
        desk.meshblu.answer("POST /search/devices", [answer]);
        let page = desk.browser.get(&home).await;
        assert!(page.status == 200 && page.text.contains(why), "{page:?}");
        assert!(page.text.contains(&format!("href=\"{cut_off}\"")), "{page:?}");
        let job = desk.browser.get(&form).await;
        assert!(
            job.status == 503 && job.text.contains("whose device this is; load the page again"),
            "{job:?}"
        );
        let asks = desk.browser.get(&cut_off).await;
        assert!(asks.text.contains(USER_DEVICE), "{asks:?}");
    }
    let told = json!([{"uuid": USER_DEVICE, "owner": OWNER, "name": "My <device>"}]);
    desk.meshblu.answer("POST /search/devices", [json_answer(200, &told)]);
    let page = desk.browser.get(&home).await;
    assert!(page.text.contains("My &lt;device&gt;") && !page.text.contains(why), "{page:?}");
}

#[tokio::test]
async fn a_meshblu_that_does_not_tell_of_errors_fails_no_page() {
    let mut desk = Desk::open().await;
    let home = desk.home();
    let more = (0..100).map(|number| json!({"type": "message.received", "subscriberUuid": CREDENTIALS, "emitterUuid": format!("more-{number}")}));
    for answer in
        [ApiAnswer::new(500, &[], "oops"), ApiAnswer::Bytes(Vec::new()), ApiAnswer::new(200, &[], "<p>")]
    {
        desk.meshblu.answer(&format!("GET /v2/devices/{STATUS}"), [answer]);
        let page = desk.browser.get(&home).await;
        assert!(page.status == 200 && page.text.contains(USER_DEVICE), "{page:?}");
        assert!(page.text.contains("Some errors of these devices cannot be shown now."), "{page:?}");
    }

    // However many devices there are, so many are asked for.
    let subscriptions: Vec<_> = more.collect();
    for subscription in &subscriptions {
        let uuid = &subscription["emitterUuid"];
        desk.meshblu.show(json!({"uuid": uuid, "owner": OWNER, "statusDevice": format!("status-of-{}", uuid.as_str().unwrap())}));
    }
    let call = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    desk.meshblu.answer(&call, [json_answer(200, &json!(subscriptions))]);
    let page = desk.browser.get(&home).await;
    assert!(page.text.contains("Some errors of these devices cannot be shown now."), "{page:?}");
    let asked = desk.meshblu.called().into_iter().filter(|call| call.contains("/status-of-"));
    assert_eq!(asked.count(), 64);
}

#[tokio::test]
async fn a_page_for_which_a_meshblu_answers_nonsense_does_not_speak_of_a_message() {
    let mut desk = Desk::open().await;
    let nonsense = json_answer(200, &json!("nonsense"));
    desk.meshblu.answer("POST /search/devices", [nonsense.clone(), nonsense.clone(), nonsense]);
    let page = desk.browser.get("/console").await;
    assert_eq!(page.status, 502, "{page:?}");
    assert!(page.text.contains("<h1>The bus failed</h1>"), "{page:?}");
    assert!(page.text.contains("Load the page again in a moment"), "{page:?}");
}
