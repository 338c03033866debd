//! People send jobs from their forms, and see what comes of them.

use std::sync::Arc;
use std::time::Duration;

use endo::ambient::Clock;
use endo::bus::Login;
use endo::dispatch::{Came, Exchange, Sent};
use endo::gateway::Gateway;
use endo::message::DeviceUuid;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{House, must_sign_in};
use crate::support::browser::Browser;
use crate::support::bus::Answer;
use crate::support::desk::Workshop;
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::gateway::{Chain, TestGateway};
use crate::support::jobs;

const JSON: &[&str] = &["content-type: application/json"];
pub(super) const EVENTS: &str =
    r#"[{"id": "1", "type": "PushEvent", "actor": {"login": "octocat"}, "repo": {"name": "octo/<cat>"}}]"#;
pub(super) const USERNAME: &str = "/data/username";

/// An owner's browser, and a device of theirs whose jobs talk to this API.
pub(super) struct Desk {
    pub(super) house: House,
    pub(super) chain: Chain,
    pub(super) browser: Browser,
    job: &'static str,
}

impl Desk {
    async fn at(api: FakeApi) -> Self {
        Self::of(House::at(api, |_| ()).await).await
    }

    async fn of(house: House) -> Self {
        let chain = house.gateway.chain(42).await;
        let browser = house.signed_in().await;
        Self { house, chain, browser, job: "ListEventsByUser" }
    }

    pub(super) async fn answering(status: u16, body: &str) -> Self {
        Self::at(FakeApi::answering(ApiAnswer::new(status, JSON, body)).await).await
    }

    /// One whose job has these schemas and a handler that answers this.
    pub(super) async fn handled(answer: ApiAnswer, message: &str, response: &str) -> Self {
        let handler = FakeApi::answering(answer).await;
        let url = format!("handler: {{url: '{}'}}", handler.url("/"));
        let documents = [("message.json", message), ("response.json", response), ("job.yaml", &url)];
        let jobs = jobs::directory("say-hello", &documents);
        let directory = jobs.path().to_owned();
        let house = House::at(handler, |config| config.jobs.directories.push(directory)).await;
        Self { job: "SayHello", ..Self::of(house).await }
    }

    fn jobs(&self) -> String {
        format!("/console/credentials/{}/user-devices/{}/jobs", self.chain.credentials, self.chain.user.uuid)
    }

    pub(super) fn form(&self) -> String {
        format!("{}/{}", self.jobs(), self.job)
    }

    async fn ticks_until(&self, what: impl Fn(&Self) -> bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while !what(self) {
            ticks.tick().await;
        }
    }

    /// Fills the form in and sends it.
    async fn send(&mut self, username: &str) -> Answer {
        let form = self.form();
        let page = self.browser.get(&form).await;
        assert_eq!(page.status, 200, "{page:?}");
        self.browser.submit(&page, &form, &[(USERNAME, username)]).await
    }

    /// The page that tells what came of it.
    async fn sent(&mut self, username: &str) -> Answer {
        let sent = self.send(username).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        self.browser.get(sent.header("location").unwrap()).await
    }
}

#[tokio::test]
async fn a_job_is_found_from_the_page_of_its_credentials_and_its_form_sends_a_real_message() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let page = desk.browser.get(&format!("/console/credentials/{}", desk.chain.credentials)).await;
    assert!(page.text.contains(&format!("href=\"{}\"", desk.jobs())), "{page:?}");
    let list = desk.browser.get(&desk.jobs()).await;
    assert!(list.text.contains(&format!("href=\"{}\">List Events by User</a>", desk.form())), "{list:?}");
    let form = desk.browser.get(&desk.form()).await;
    assert!(form.text.contains("<label for=\"f2\">Username</label>"), "{form:?}");
    assert!(form.header("content-security-policy").unwrap().contains("default-src 'none'"));

    let shown = desk.sent("octocat").await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(shown.text.contains("The job answered with code 200."), "{shown:?}");
    assert!(shown.text.contains("&quot;repoName&quot;: &quot;octo/&lt;cat&gt;&quot;"), "{shown:?}");
    let seen = desk.house.api.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].target.starts_with("/users/octocat/events"), "{seen:?}");
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_nothing_is_sent() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let refused = desk.send("").await;
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.text.contains("id=\"f2-fault\">Fill this in: the job needs it."), "{refused:?}");
    assert!(
        refused.text.contains("aria-describedby=\"f2-hint f2-fault\" aria-invalid=\"true\""),
        "{refused:?}"
    );
    assert!(desk.house.api.seen().is_empty());
}

#[tokio::test]
async fn an_error_reply_is_told_in_a_sentence() {
    let mut desk = Desk::answering(404, r#"{"message": "Not Found"}"#).await;
    let shown = desk.sent("nobody").await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(
        shown.text.contains("The job was not done: ") && shown.text.contains("The code is 404."),
        "{shown:?}"
    );
    assert!(shown.text.contains("Send another"), "{shown:?}");
}

/// The page after a job whose handler answers this.
async fn shown_after(answer: ApiAnswer) -> Answer {
    let message =
        r#"{"properties": {"data": {"type": "object", "properties": {"username": {"type": "string"}}}}}"#;
    let response =
        r#"{"required": ["metadata"], "properties": {"metadata": {"required": ["status"]}, "data": {}}}"#;
    Desk::handled(answer, message, response).await.sent("octocat").await
}

#[tokio::test]
async fn all_that_is_wrong_with_a_form_is_told_at_once() {
    let members = json!({
        "day": {"type": "string", "format": "date"},
        "short": {"type": "string", "maxLength": 3},
        "count": {"type": "integer"},
        "name": {"type": "string"},
    });
    let data = json!({"type": "object", "properties": members, "required": ["name"]});
    let message = json!({"properties": {"data": data}}).to_string();
    let mut desk = Desk::handled(ApiAnswer::new(200, JSON, "{}"), &message, "{}").await;
    let form = desk.form();
    let page = desk.browser.get(&form).await;
    let wrong = [("/data/day", "soon"), ("/data/short", "long"), ("/data/count", "few")];
    let refused = desk.browser.submit(&page, &form, &wrong).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    for says in ["Write a date, like", "This is too long.", "Write a whole number", "Fill this in"] {
        assert_eq!(
            refused.text.matches(says).count(),
            2,
            "in the list and beside its field: {says}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_reply_that_leaves_open_whether_the_job_was_done_is_not_told_as_a_refusal() {
    let without_status = ApiAnswer::new(200, JSON, r#"{"data": {}}"#);
    let late = ApiAnswer::new(504, JSON, r#"{"error": {"code": 504, "message": "too late."}}"#);
    let in_the_reply = r#"{"metadata": {"code": 504, "status": "Gateway Timeout"}}"#;
    for (answer, says) in [
        (ApiAnswer::Bytes(Vec::new()), " The job was begun, and nobody saw its end. The code is 503."),
        (
            without_status,
            " The job answered something else than it is to answer, so its answer was kept back. The code is 502.",
        ),
        (late, " The reply says: <bdi>too late</bdi>. The code is 504."),
        (ApiAnswer::new(200, JSON, in_the_reply), " The code is 504."),
    ] {
        let shown = shown_after(answer).await;
        let sentence = "Nobody knows whether the job was done: look at GitHub before you send it again.";
        assert!(shown.text.contains(&format!("{sentence}{says}</p>")), "{shown:?}");
        assert!(!shown.text.contains("was not done"), "{shown:?}");
    }
    let refused = ApiAnswer::new(403, JSON, r#"{"error": {"code": 403, "message": "not you"}}"#);
    let shown = shown_after(refused).await;
    assert!(
        shown.text.contains("The job was not done: <bdi>not you</bdi>. The code is 403.</p>"),
        "{shown:?}"
    );
    assert!(
        shown.text.contains("Send it again with other values, or later; if that does not help"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn the_text_of_an_error_is_one_short_line_that_turns_no_words_around() {
    let text = format!("\u{202e}done\u{2066} was not\n{}", "x".repeat(1000));
    let body = json!({"error": {"code": "\u{202e}E", "message": text}}).to_string();
    let shown = shown_after(ApiAnswer::new(500, JSON, body)).await;
    let sentence = "The job was not done: <bdi>done was not xxx";
    assert!(shown.text.contains(sentence) && shown.text.contains("…</bdi>."), "{shown:?}");
    assert!(
        shown.text.contains("The code is <bdi>E</bdi>.") && !shown.text.contains("xxxx".repeat(90).as_str())
    );
    assert!(!shown.text.contains(['\u{202e}', '\u{2066}']), "{shown:?}");
}

#[tokio::test]
async fn the_text_of_an_error_keeps_what_joins_its_letters_and_pictures() {
    let body =
        json!({"error": {"code": 403, "message": "نمی\u{200c}شود 🤷\u{200d}♂\u{fe0f}\u{200b} no\u{200c}"}});
    let shown = shown_after(ApiAnswer::new(403, JSON, body.to_string())).await;
    let sentence = "The job was not done: <bdi>نمی\u{200c}شود 🤷\u{200d}♂\u{fe0f} no</bdi>.";
    assert!(shown.text.contains(sentence), "{shown:?}");
}

#[tokio::test]
async fn a_reply_that_takes_its_time_is_waited_for() {
    let gate = Arc::new(Semaphore::new(0));
    let api = FakeApi::answering(ApiAnswer::new(200, JSON, EVENTS).behind(&gate)).await;
    let mut desk = Desk::at(api).await;
    let sent = desk.send("octocat").await;
    let address = sent.header("location").unwrap().to_owned();
    let mut second = desk.browser.clone();
    let (first, second, ()) = tokio::join!(desk.browser.get(&address), second.get(&address), async {
        gate.add_permits(1);
    });
    for shown in [first, second] {
        assert!(shown.text.contains("octo/&lt;cat&gt;"), "{shown:?}");
    }
}

#[tokio::test]
async fn a_job_that_takes_longer_is_still_at_work_and_is_looked_for_again() {
    let gate = Arc::new(Semaphore::new(0));
    let api = FakeApi::answering(ApiAnswer::new(200, JSON, EVENTS).behind(&gate)).await;
    let impatient = |gateway: &mut Gateway| gateway.pages_wait = Duration::ZERO;
    let gateway = TestGateway::changed(Clock::system(), &api.url(""), |_| (), impatient).await;
    let mut desk = Desk::of(House { gateway, now: Arc::default(), api }).await;
    let page = desk.sent("octocat").await;
    assert!(page.text.contains("There is no reply yet: the job is still at work."), "{page:?}");
    let again = page.text.split("href=\"").find(|text| text.contains(">Look again</a>")).unwrap();
    let again = again.split('"').next().unwrap().to_owned();
    gate.add_permits(1);
    desk.house.gateway.until_nothing_waits().await;
    let page = desk.browser.get(&again).await;
    assert!(page.text.contains("octo/&lt;cat&gt;"), "{page:?}");
}

/// A browser whose job is at work: at an API that answers once the gate opens.
async fn at_work(gate: &Arc<Semaphore>) -> (Desk, String) {
    let api = FakeApi::answering(ApiAnswer::new(200, JSON, EVENTS).behind(gate)).await;
    let impatient = |gateway: &mut Gateway| gateway.pages_wait = Duration::ZERO;
    let gateway = TestGateway::changed(Clock::system(), &api.url(""), |_| (), impatient).await;
    let mut desk = Desk::of(House { gateway, now: Arc::default(), api }).await;
    let address = desk.send("octocat").await.header("location").unwrap().to_owned();
    desk.ticks_until(|desk| desk.house.api.seen().len() == 1).await;
    (desk, address)
}

#[tokio::test]
async fn whoever_ends_what_a_job_of_theirs_uses_sees_what_comes_of_it_all_the_same() {
    for end in ["cut-off", "forget", "leave"] {
        let gate = Arc::new(Semaphore::new(0));
        let (mut desk, address) = at_work(&gate).await;
        let (gateway, owner) = (&desk.house.gateway, desk.house.gateway.owner());
        let other = gateway.flow(&"nobody".into()).await.device;
        let account = gateway.account(42, &DeviceUuid::from(&*other.uuid));
        gateway.gateway.credentials.keep(account).await.unwrap();
        gateway.prove(&owner, &desk.chain.credentials).await;
        let home = format!("/console/credentials/{}", desk.chain.credentials);
        let from = match end {
            "cut-off" => format!("{home}/user-devices/{}/{end}", desk.chain.user.uuid),
            _ => format!("{home}/{end}"),
        };
        let page = desk.browser.get(&from).await;
        let ended = desk.browser.submit(&page, &from, &[]).await;
        assert_eq!(ended.status, 303, "{end}: {ended:?}");

        let page = desk.browser.get(&address).await;
        assert!(page.text.contains("the job is still at work."), "{end}: {page:?}");
        gate.add_permits(1);
        desk.house.gateway.until_nothing_waits().await;
        let page = desk.browser.get(&address).await;
        assert_eq!(page.status, 200, "{end}: {page:?}");
        assert!(page.text.contains("octo/&lt;cat&gt;"), "{end}: {page:?}");
        assert!(!page.text.contains("Send another"), "{end}: {page:?}");
        let unknown = format!("{}?sent=no-such-message", desk.form());
        assert_eq!(desk.browser.get(&unknown).await.status, 404, "{end}");
    }
}

#[tokio::test]
async fn nobody_but_whoever_sent_a_message_is_told_that_it_is_under_way() {
    let gate = Arc::new(Semaphore::new(0));
    let (desk, address) = at_work(&gate).await;
    let other = desk.house.stranger().await;
    let account = desk.house.gateway.account(42, &DeviceUuid::from(&*other.uuid));
    desk.house.gateway.gateway.credentials.keep(account).await.unwrap();
    let mut browser = desk.house.signed_in_with_bus(&other).await;
    let foreign = browser.get(&address).await;
    assert_eq!(foreign.status, 403, "not their device: {foreign:?}");
    assert!(!foreign.text.contains("at work"), "{foreign:?}");
    gate.add_permits(1);
}

#[tokio::test]
async fn a_form_without_its_proof_sends_nothing() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let request = desk.browser.form(&desk.form(), &[(USERNAME, "octocat")]);
    assert_eq!(desk.browser.send(request).await.status, 403);
    assert_eq!(desk.house.gateway.waiting().await, 0);
    assert!(desk.house.api.seen().is_empty());
}

#[tokio::test]
async fn a_device_that_lets_nobody_hear_what_it_receives_is_not_made_to() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let (gateway, device) = (&desk.house.gateway, desk.chain.user.uuid.as_str());
    let heard_by_nobody = json!({"$set": {"meshblu.whitelists.message.received": []}});
    gateway.update(&gateway.owner(), device, heard_by_nobody).await;
    let refused = desk.send("octo&cat").await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("The device did not take the message"), "{refused:?}");
    assert!(refused.text.contains("value=\"octo&amp;cat\""), "what was typed stays: {refused:?}");
    assert!(desk.house.api.seen().is_empty());
}

#[tokio::test]
async fn a_reply_is_shown_to_nobody_but_whoever_sent_the_message() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let sent = desk.send("octocat").await;
    let address = sent.header("location").unwrap().to_owned();
    assert!(desk.browser.get(&address).await.text.contains("octo/&lt;cat&gt;"));

    // Somebody else proves control of the same account, and has a device of their own.
    let other = desk.house.stranger().await;
    let account = desk.house.gateway.account(42, &DeviceUuid::from(&*other.uuid));
    let credentials = desk.house.gateway.gateway.credentials.keep(account).await.unwrap();
    assert_eq!(credentials, desk.chain.credentials);
    let mut browser = desk.house.signed_in_with_bus(&other).await;
    let foreign = browser.get(&address).await;
    assert_eq!(foreign.status, 403, "not their device: {foreign:?}");
    let home = format!("/console/credentials/{credentials}");
    let page = browser.get(&home).await;
    assert!(!page.text.contains(&desk.jobs()), "{page:?}");
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let page = browser.get(&home).await;
    let jobs = page.text.split('"').find(|text| text.ends_with("/jobs")).unwrap().to_owned();
    let query = address.split_once('?').unwrap().1;
    let shown = browser.get(&format!("{jobs}/ListEventsByUser?{query}")).await;
    assert!(shown.text.contains("Nothing is known here of that message"), "{shown:?}");
    assert_eq!(browser.get(&format!("{jobs}/NoSuchJob")).await.status, 404);
}

#[tokio::test]
async fn a_message_that_is_still_worked_on_has_no_reply_yet() {
    let workshop = Workshop::open("http://127.0.0.1:9").await;
    let chain = workshop.chain().await;
    let exchange = Exchange::at(&workshop.desk(Arc::clone(&workshop.gateway.registry)));
    let flow = Login { uuid: chain.flow.uuid.clone(), token: chain.flow.token.clone() };
    let message = json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "octocat"}});
    let sent = exchange.send(&flow, &chain.device.uuid, serde_json::from_value(message).unwrap()).await;
    let Sent::Accepted(id) = sent.unwrap() else {
        panic!("the device takes it, and the gateway works on it")
    };
    let came = exchange.came_of(&id, &flow.uuid, Duration::ZERO).await;
    assert_eq!(came.unwrap(), Came::Nothing);
    let unknown = exchange.came_of(&"no-such-message".into(), &flow.uuid, Duration::MAX).await;
    assert_eq!(unknown.unwrap(), Came::Unknown, "nobody waits for what will not come");
}

#[tokio::test]
async fn what_is_typed_into_a_form_is_not_lost_where_the_sign_in_is_over() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let form = desk.form();
    let page = desk.browser.get(&form).await;
    desk.house.wait(Duration::from_secs(2 * 60 * 60));
    let typed = [(USERNAME, "octo\"cat")];
    let over = desk.browser.submit_telling(&page, &form, &typed).await;
    assert_eq!(over.status, 401, "{over:?}");
    assert!(over.text.contains("Your sign-in was over, so nothing was sent."), "{over:?}");
    assert!(over.text.contains("value=\"octo&quot;cat\""), "{over:?}");
    assert!(over.text.contains("href=\"/sign-in?next=%2Fconsole%2Fcredentials%2F"), "{over:?}");

    let mut signed_in = desk.house.signed_in().await;
    let since = signed_in.submit_telling(&over, &form, &typed).await;
    assert_eq!(since.status, 403, "{since:?}");
    assert!(
        since.text.contains("You signed in since this form was made, so nothing was sent now."),
        "{since:?}"
    );
    assert!(since.text.contains("value=\"octo&quot;cat\""), "{since:?}");
    assert!(desk.house.api.seen().is_empty());
    assert_eq!(signed_in.submit_telling(&since, &form, &[(USERNAME, "octocat")]).await.status, 303);
}

#[tokio::test]
async fn nobody_elsewhere_fills_in_a_form_for_somebody_who_signs_in_then() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let form = desk.form();
    for site in [Some("cross-site"), Some("same-site"), None] {
        let foreign = |browser: &Browser| {
            let request = browser.form(&form, &[(USERNAME, "canary")]);
            site.into_iter().fold(request, |request, site| request.header("sec-fetch-site", site))
        };
        let mut stranger = desk.house.browser();
        let request = foreign(&stranger);
        must_sign_in(&stranger.send(request).await);
        let request = foreign(&desk.browser);
        let refused = desk.browser.send(request).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(!refused.text.contains("canary"), "{refused:?}");
    }
}
