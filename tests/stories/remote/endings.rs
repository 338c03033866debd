//! Owners end things on the pages of a gateway on a Meshblu, while a job of theirs is at work.

use std::sync::Arc;
use std::time::Duration;

use endo::config::Source;
use endo::message::DeviceUuid;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::owners::account;
use super::pages::{Desk, OWNER};
use crate::support::bus::Answer;
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::meshblu::{CREDENTIALS, USER_DEVICE, bound, json_answer};

const UNSUBSCRIBE: &str = "DELETE /v2/devices/cred-uuid-0001/subscriptions/user-uuid/message.received";
const SUBSCRIPTIONS: &str = "GET /v2/devices/cred-uuid-0001/subscriptions";
const OTHER: &str = "another-owner";

/// A page whose job waits for the API, until the gate opens.
struct AtWork {
    desk: Desk,
    api: FakeApi,
    gate: Arc<Semaphore>,
    /// Where it is seen what comes of the job.
    address: String,
    message: Value,
}

impl AtWork {
    async fn begin() -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let api = FakeApi::answering(json_answer(200, &json!([])).behind(&gate)).await;
        let source = Source { base_url: Some(api.url("")), ..Source::default() };
        let mut desk = Desk::at(source).await;
        let credentials = &desk.gateway.gateway.credentials;
        credentials.keep(account(OTHER)).await.unwrap();
        let now = desk.gateway.gateway.ambient.clock.now();
        credentials.note_proof(OWNER.into(), CREDENTIALS.into(), now).await.unwrap();
        let (address, mut message) = desk.send().await;
        message["data"] = json!({"do": "ask", "requests": ["GET /users/octocat/events"]});
        Self { desk, api, gate, address, message }
    }

    /// The Meshblu brings the message; while its job is at work, this is ended on the page. Answers what the Meshblu is
    /// answered.
    async fn while_it_works(&mut self, end: &str) -> Answer {
        let Self { desk, api, gate, address, message } = self;
        let mut browser = desk.browser.clone();
        let from = format!("{}{end}", desk.home());
        let ending = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(1));
            // From then on anybody can be told of it.
            while api.seen().is_empty() || desk.gateway.waiting().await == 0 {
                ticks.tick().await;
            }
            let page = browser.get(&from).await;
            let ended = browser.submit(&page, &from, &[]).await;
            assert_eq!(ended.status, 303, "{ended:?}");
            let asked = browser.get(address).await;
            gate.add_permits(100);
            asked
        };
        let (brought, asked) = tokio::join!(desk.bring(OWNER, message), ending);
        assert!(
            asked.text.contains("the job is still at work."),
            "whoever sent it is told meanwhile: {asked:?}"
        );
        brought
    }
}

#[tokio::test]
async fn a_device_that_is_cut_off_while_its_job_works_gets_its_answer_and_no_other() {
    for is_told in [true, false] {
        let mut work = AtWork::begin().await;
        // A bus that is out of order lists the device all the while.
        let end = if is_told { ApiAnswer::new(204, &[], "") } else { ApiAnswer::new(503, &[], "") };
        work.desk.meshblu.answer(UNSUBSCRIBE, [end]);
        let brought = work.while_it_works(&format!("/user-devices/{USER_DEVICE}/cut-off")).await;
        brought.is(201, "Created");
        assert!(work.desk.meshblu.called().contains(&UNSUBSCRIBE.to_owned()));
        work.desk.shows(&work.address, "The job answered with code 200.").await;
        let page = work.desk.browser.get(&work.address).await;
        assert!(page.text.contains("does not use the credentials any more"), "{page:?}");
        assert!(!page.text.contains("Send another"), "{page:?}");
        let home = work.desk.home();
        let page = work.desk.browser.get(&home).await;
        assert!(page.text.contains("No device uses these credentials."), "{page:?}");

        let next = work.desk.bring(OWNER, &work.message).await;
        assert_eq!((next.status.as_u16(), work.api.seen().len()), (403, 1), "{next:?}");
    }
}

#[tokio::test]
async fn an_owner_who_leaves_while_a_job_works_sees_what_comes_of_it_and_nothing_else() {
    let mut work = AtWork::begin().await;
    work.while_it_works("/leave").await.is(201, "Created");
    work.desk.shows(&work.address, "The job answered with code 200.").await;
    let (home, form) = (work.desk.home(), work.desk.form());
    for path in [&home, &form] {
        assert_eq!(work.desk.browser.get(path).await.status, 404, "{path}");
    }
    work.desk.shows(&format!("/console?left={CREDENTIALS}"), "You have no credentials here yet.").await;

    // The device is still his, and goes on working.
    work.desk.bring(OWNER, &work.message).await.is(201, "Created");
    let credentials = &work.desk.gateway.gateway.credentials;
    credentials.catch_up().await.unwrap();
    let stays = credentials.owned_by(&OTHER.into(), CREDENTIALS.into()).await.unwrap();
    assert_eq!(stays.owners(), [DeviceUuid::from(OTHER)]);
    let shown = work.desk.meshblu.calls().into_iter().rfind(|seen| seen.method == "PUT").unwrap();
    let shown: Value = serde_json::from_slice(&shown.body).unwrap();
    let key = &super::owners::vault().authorized_keys(&OTHER.into())[0];
    assert_eq!(shown["$set"]["endo"]["authorizedKey"], json!(key), "the bus's copy names whoever stays");
}

#[tokio::test]
async fn a_page_that_a_meshblu_fails_says_no_device_is_cut_off() {
    let mut desk = Desk::open().await;
    let (address, message) = desk.send().await;
    desk.bring(OWNER, &message).await.is(201, "Created");
    for (call, fails) in [
        (SUBSCRIPTIONS, ApiAnswer::new(503, &[], "")),
        (SUBSCRIPTIONS, ApiAnswer::Bytes(Vec::new())),
        ("POST /search/devices", ApiAnswer::new(500, &[], "")),
    ] {
        desk.meshblu.answer(call, [fails]);
        let page = desk.browser.get(&address).await;
        assert!([500, 502, 503].contains(&page.status.as_u16()), "{call}: {page:?}");
        assert!(!page.text.contains("any more"), "{call}: {page:?}");
        desk.meshblu.answer(SUBSCRIPTIONS, [json_answer(200, &json!([bound()]))]);
        let mine = json!([{"uuid": USER_DEVICE, "owner": OWNER}]);
        desk.meshblu.answer("POST /search/devices", [json_answer(200, &mine)]);
        desk.shows(&address, "The job answered with code 200.").await;
        desk.shows(&address, "Send another").await;
    }
}
