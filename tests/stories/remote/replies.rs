//! A reply leaves once: what happens when nobody knows whether it arrived.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::ambient::Timestamp;
use endo::store::{StoreError, Transaction};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::fake_api::Answer;
use crate::support::meshblu::{
    CREDENTIALS, CREDENTIALS_TOKEN, FakeMeshblu, RemoteGateway, json_answer, route, say_hello, settings,
    vectors,
};
use crate::support::quoted::forms;
use crate::support::{log, store};

const SEARCH: &str = "POST /search/devices";

#[tokio::test]
async fn a_reply_that_the_bus_never_confirms_is_not_sent_again() {
    for cut in [Answer::Bytes(Vec::new()), Answer::Bytes(b"HTTP/1.1 204".to_vec()), Answer::Stall(Vec::new())]
    {
        let meshblu = FakeMeshblu::start().await;
        meshblu.answer("POST /messages", [cut]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let answer = gateway.webhook(&say_hello()).await;
        assert!([502, 504].contains(&answer.status.as_u16()), "{answer:?}");
        assert_eq!(meshblu.messages().len(), 1);
        let letters = gateway.dead_letters().await;
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].reason, "reply_unknown");
        let reply: Value = serde_json::from_str(letters[0].reply.as_deref().unwrap()).unwrap();
        assert_eq!(reply["data"], json!({"hello": "Ada"}));
    }
}

#[tokio::test]
async fn a_reply_that_was_leaving_when_the_process_died_is_not_sent_again() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /messages", [Answer::Bytes(Vec::new())]);
    let (gateway, directory) = RemoteGateway::open(&meshblu).await;
    gateway.webhook(&say_hello()).await;
    gateway.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    let back =
        "INSERT INTO deliveries (id, work, device, event, route, target, body, accepted_at, due_at, reply)
                SELECT id, work, device, event, route, target, body, accepted_at, 0, reply FROM dead_letters;
                DELETE FROM dead_letters;";
    database.execute_batch(back).unwrap();
    drop(database);
    let again = FakeMeshblu::start().await;
    let gateway = RemoteGateway::with(settings(directory.path(), &again.url())).await.unwrap();
    gateway.until_nothing_waits().await;
    assert_eq!(gateway.dead_letters().await[0].reason, "reply_unknown");
    assert!(again.called().is_empty(), "nothing was asked and nothing was sent");
}

#[tokio::test]
async fn a_reply_that_the_bus_refuses_becomes_an_error_reply() {
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /messages", [json_answer(422, &Value::Null), Answer::new(204, &[], "")]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let answer = gateway.webhook(&say_hello()).await;
    assert_eq!(answer.status, 422);
    let sent = meshblu.messages();
    assert_eq!(sent[1]["metadata"]["code"], 422);
    assert_eq!(sent[1]["metadata"]["error"]["message"], "Invalid Response Code 422");
}

#[tokio::test]
async fn a_bus_that_repeats_the_token_it_was_called_with_does_not_have_it_told() {
    let basic = STANDARD.encode(format!("{CREDENTIALS}:{CREDENTIALS_TOKEN}"));
    for quoted in [CREDENTIALS_TOKEN, &basic] {
        let meshblu = FakeMeshblu::start().await;
        let refusal = json!({"error": format!("canary of {quoted}")});
        meshblu.answer("POST /messages", [json_answer(422, &refusal), Answer::new(204, &[], "")]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let answer = gateway.webhook(&say_hello()).await;
        let sent = meshblu.calls().into_iter().find(|call| call.target == "/messages").unwrap();
        assert_eq!(sent.header("authorization"), [format!("Basic {basic}")]);
        let told = &meshblu.messages()[1]["metadata"]["error"]["message"];
        let noted = meshblu.calls().into_iter().map(|call| String::from_utf8_lossy(&call.body).into_owned());
        for told in noted.chain([answer.text, told.to_string()]) {
            assert!(!told.contains(quoted), "{told}");
        }
        assert!(told.as_str().unwrap().starts_with("canary of ") && told.to_string().contains("[redacted]"));
    }
}

#[tokio::test]
async fn a_bus_that_repeats_the_token_in_any_form_does_not_have_it_logged() {
    log::capture();
    let listed = ["unknown-tenant-access", "of the subdomain"].map(str::to_owned);
    for form in forms(CREDENTIALS_TOKEN).into_iter().chain(listed) {
        let meshblu = FakeMeshblu::start().await;
        let refusal = json_answer(422, &json!({"error": format!("The subtype {form} is refused")}));
        meshblu.answer("POST /messages", [refusal.clone(), refusal]);
        let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
        let before = log::lines_with("the bus refuses with status 422").len();
        gateway.webhook(&say_hello()).await;
        assert!(log::lines_with("the bus refuses with status 422").len() > before);
        assert!(log::lines_with(&form).is_empty(), "{form}");
    }
    assert!(log::lines_with("subtype").is_empty());
}

#[tokio::test]
async fn an_error_reply_that_the_bus_refuses_is_a_dead_letter_that_the_log_tells_of() {
    log::capture();
    let meshblu = FakeMeshblu::start().await;
    meshblu.answer("POST /messages", [json_answer(403, &Value::Null)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    assert_eq!(gateway.webhook(&say_hello()).await.status, 403);
    assert_eq!(meshblu.messages().len(), 2);
    let letter = gateway.dead_letters().await.remove(0);
    assert_eq!(letter.reason, "reply_not_taken");
    let why = log::lines_with("the bus refuses with status 403");
    assert!(why.iter().any(|line| line.contains(&letter.delivery.id.fingerprint())), "{why:?}");
    assert!(!meshblu.called().iter().any(|call| call.starts_with("PUT")), "nothing is noted then");
}

#[tokio::test]
async fn work_that_a_process_left_behind_is_done_by_the_next() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, directory) = RemoteGateway::open(&meshblu).await;
    gateway.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    database
        .execute_batch(
            "INSERT INTO deliveries (id, work, device, event, route, body, accepted_at, due_at)
         VALUES ('left-behind', 0, 'service-uuid-0001', 'message.received',
         '[{\"from\":\"flow-uuid\",\"to\":\"user-uuid\",\"type\":\"message.received\"},
           {\"from\":\"user-uuid\",\"to\":\"cred-uuid-0001\",\"type\":\"message.received\"},
           {\"from\":\"cred-uuid-0001\",\"to\":\"service-uuid-0001\",\"type\":\"message.received\"}]',
         '{\"metadata\":{\"jobType\":\"SayHello\"},\"data\":{\"name\":\"Ada\"}}', 0, 0);",
        )
        .unwrap();
    drop(database);
    let again = FakeMeshblu::start().await;
    let gateway = RemoteGateway::with(settings(directory.path(), &again.url())).await.unwrap();
    gateway.until_nothing_waits().await;
    assert_eq!(again.messages()[0]["data"], json!({"hello": "Ada"}));
}

#[tokio::test]
async fn a_bus_that_hangs_up_before_the_end_has_its_message_answered_all_the_same() {
    let meshblu = FakeMeshblu::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let found = json_answer(200, &json!([vectors()["credentialsDevice"]]));
    meshblu.answer(SEARCH, [found.behind(&gate)]);
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let mut connection = TcpStream::connect(gateway.running.gateway()).await.unwrap();
    connection.write_all(signed_as_of_old(&say_hello()).as_bytes()).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while !meshblu.called().iter().any(|call| call == SEARCH) {
        ticks.tick().await;
    }
    connection.set_zero_linger().unwrap();
    drop(connection);
    // The gateway has seen by then that the connection is gone.
    for _ in 0..10 {
        gateway.post("/v2/messages").body("{}").send().await.unwrap();
    }
    gate.add_permits(1);
    while meshblu.messages().is_empty() {
        ticks.tick().await;
    }
    assert_eq!(meshblu.messages()[0]["data"], json!({"hello": "Ada"}));
}

/// What a bus of old posts, letter by letter.
fn signed_as_of_old(message: &Value) -> String {
    let recorded = &vectors()["vectors"][0]["request"]["headers"];
    let field = |name: &str| format!("{name}: {}\r\n", recorded[name].as_str().unwrap());
    let signed = ["Date", "X-MESHBLU-UUID", "Authorization"].map(field).concat();
    let (route, body) = (route(), message.to_string());
    format!(
        "POST /v2/messages HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
         x-meshblu-route: {route}\r\ncontent-length: {}\r\n{signed}\r\n{body}",
        body.len()
    )
}

/// The reply in the dead letter of a gateway whose Meshblu hung up on it, and that gateway's directory.
async fn unconfirmed(meshblu: &FakeMeshblu) -> (Option<String>, TempDir) {
    meshblu.answer("POST /messages", [Answer::Bytes(Vec::new())]);
    let (gateway, directory) = RemoteGateway::open(meshblu).await;
    gateway.webhook(&say_hello()).await;
    let kept = gateway.dead_letters().await.remove(0).reply;
    gateway.stop().await;
    (kept, directory)
}

/// Puts the one dead letter of a gateway that is not running back into the queue. The job would fail if it ran again.
async fn replay(directory: &Path) {
    let database = rusqlite::Connection::open(directory.join("endo.db")).unwrap();
    let failing = json!({"metadata": {"jobType": "SayHello"}, "data": {"do": "fail"}}).to_string();
    assert_eq!(database.execute("UPDATE dead_letters SET body = ?1", [failing]).unwrap(), 1);
    drop(database);
    let store = store::open(directory);
    let change = |transaction: &Transaction<'_>| {
        let id = transaction.dead_letters(None, 1)?.remove(0).id;
        transaction.replay(&id, Timestamp::from_millis(0))
    };
    assert!(store.write::<_, StoreError, _>(change).await.unwrap().is_some());
}

/// What a gateway sends after a dead letter with the reply to [`say_hello`] was replayed, and the gateway.
async fn sent_again(meshblu: &FakeMeshblu, directory: &TempDir) -> (Vec<Value>, RemoteGateway) {
    replay(directory.path()).await;
    let gateway = RemoteGateway::with(settings(directory.path(), &meshblu.url())).await.unwrap();
    gateway.until_nothing_waits().await;
    (meshblu.messages(), gateway)
}

#[tokio::test]
async fn a_reply_that_nobody_knows_of_is_sent_again_on_demand_and_its_job_does_not_run() {
    let (kept, directory) = unconfirmed(&FakeMeshblu::start().await).await;
    let (sent, gateway) = sent_again(&FakeMeshblu::start().await, &directory).await;
    assert_eq!(sent, [serde_json::from_str::<Value>(&kept.unwrap()).unwrap()]);
    assert!(gateway.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_reply_that_breaks_off_again_is_a_dead_letter_again() {
    let meshblu = FakeMeshblu::start().await;
    let (kept, directory) = unconfirmed(&meshblu).await;
    let (sent, gateway) = sent_again(&meshblu, &directory).await;
    assert_eq!(sent.len(), 2, "once each time");
    let letter = gateway.dead_letters().await.remove(0);
    assert_eq!((letter.reason.as_str(), letter.reply), ("reply_unknown", kept));
}

#[tokio::test]
async fn a_reply_is_not_sent_again_for_a_device_that_was_cut_off_meanwhile() {
    let (kept, directory) = unconfirmed(&FakeMeshblu::start().await).await;
    let again = FakeMeshblu::start().await;
    again.answer(&format!("GET /v2/devices/{CREDENTIALS}/subscriptions"), [json_answer(200, &json!([]))]);
    let (sent, gateway) = sent_again(&again, &directory).await;
    assert!(sent.is_empty());
    let letter = gateway.dead_letters().await.remove(0);
    assert_eq!((letter.reason.as_str(), letter.reply), ("reply_not_taken", kept));
    assert_eq!(letter.fate.refusal.as_deref(), Some("this device may not use these credentials"));
}
