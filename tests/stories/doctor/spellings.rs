//! Addresses that lead to the gateway in another spelling than its own.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use endo::cli::Exit;
use endo::http::before_messages;
use serde_json::{Value, json};

use super::ward::{LIST, WEBHOOK, Ward, checks, webhook};
use crate::support::bus::send;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway};
use crate::support::shell::{ended, stdout};

const URL: &str = "ENDO_LISTEN_PUBLIC_URL";

/// Entries that call the gateway at `https://endo.example`.
fn spelled() -> Vec<Value> {
    let urls = [
        "https://endo.example/v2/messages/",
        "https://endo.example/V2/Messages",
        "https://endo.example/v2/%6dessages",
        "https://endo.example/v2/messages?canary",
        "https://endo.example/v2/messages#canary",
        "https://endo.example:443/v2/messages",
        "https://ENDO.example./v2/messages",
        "https://u:canary@endo.example/v2/messages",
    ];
    let mut parts = webhook("/v2/messages");
    parts["baseUrl"] = json!("https://endo.example");
    let mut lower = webhook(WEBHOOK);
    lower["method"] = json!("post");
    urls.into_iter().map(webhook).chain([parts, lower]).collect()
}

#[tokio::test]
async fn a_webhook_in_another_spelling_is_one_and_no_second_is_added() {
    let ward = Ward::open().await;
    for entry in spelled() {
        ward.change(json!({"$set": {LIST: [entry]}})).await;
        assert_eq!(ward.patient.ails().await, [""; 0], "{entry}");
        assert!(ended(&ward.patient.doctor(&["--fix", "--yes"]).await, Exit::Ok));
        assert_eq!(ward.received().await, json!([entry]));
    }
}

#[tokio::test]
async fn a_webhook_beside_one_in_another_spelling_is_named_and_one_of_them_goes() {
    let ward = Ward::open().await;
    for entry in spelled() {
        ward.change(json!({"$set": {LIST: [entry, webhook(WEBHOOK)]}})).await;
        assert_eq!(ward.patient.ails().await, ["webhook entries"], "{entry}");
        ward.patient.is_cured().await;
        assert_eq!(ward.received().await, json!([entry]));
    }
    let both = json!([webhook("https://u:canary@endo.example/V2/messages/?canary"), webhook(WEBHOOK)]);
    ward.change(json!({"$set": {LIST: both}})).await;
    let report = stdout(&ward.patient.doctor(&[]).await).to_owned();
    let wrong = report.lines().find(|line| line.contains("more than once")).unwrap();
    assert!(
        wrong.ends_with("https://endo.example/V2/messages/, https://endo.example/v2/messages"),
        "{wrong}"
    );
    assert!(!wrong.contains("canary"));
}

#[tokio::test]
async fn a_gateway_that_reads_for_itself_has_a_webhook_in_any_spelling_taken_away() {
    let ward = Ward::open().await;
    let patient = ward.patient.clone().set("ENDO_BUS_INTAKE", "firehose");
    ward.change(json!({"$set": {LIST: spelled()}})).await;
    assert_eq!(patient.ails().await, ["webhook"]);
    patient.is_cured().await;
    assert_eq!(ward.received().await, json!([]));
}

#[tokio::test]
async fn the_names_of_this_machine_are_one() {
    let ward = Ward::open().await;
    let patient = ward.patient.clone().set(URL, "http://127.0.0.1:8123/endo");
    let callback = "http://127.0.0.1:8123/endo/auth/octoblu/callback";
    ward.change(json!({"$set": {"options.callbackUrl": callback}})).await;
    for host in
        ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.2", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
    {
        let ours = webhook(&format!("http://{host}:8123/endo/v2/messages"));
        ward.change(json!({"$set": {LIST: [ours]}})).await;
        assert_eq!(patient.ails().await, [""; 0], "{host}");
        ward.change(json!({"$push": {LIST: webhook("http://127.0.0.1:8123/endo/v2/messages")}})).await;
        assert_eq!(patient.ails().await, ["webhook entries"], "{host}");
        patient.is_cured().await;
    }
    for other in ["http://127.0.0.1:8124/endo/v2/messages", "http://127.0.0.1:8123/other/v2/messages"] {
        ward.change(json!({"$push": {LIST: webhook(other)}})).await;
        assert_eq!(patient.ails().await, ["one gateway"], "{other}");
        ward.change(json!({"$pull": {LIST: {"url": other}}})).await;
    }
}

#[tokio::test]
async fn what_passes_by_the_proxy_in_front_of_the_gateway_leads_there_too() {
    let ward = Ward::open().await;
    let listener = webhook("http://localhost:8080/v2/messages");
    ward.change(json!({"$push": {LIST: listener}})).await;
    assert_eq!(ward.patient.ails().await, ["webhook entries"]);
    ward.patient.is_cured().await;
    assert_eq!(ward.received().await, json!([webhook(WEBHOOK)]));
}

#[tokio::test]
async fn what_is_wrong_with_the_one_entry_that_leads_here_is_said_as_it_is() {
    let ward = Ward::open().await;
    let beside = webhook("http://localhost:8080/v2/messages");
    let (mut unsigned, mut put) = (webhook(WEBHOOK), beside.clone());
    unsigned["signRequest"] = json!(false);
    put["method"] = json!("PUT");
    let scheme = "has another scheme than listen.public_url, which signatures cover";
    for (entry, flaws) in [
        (beside, scheme.to_owned()),
        (unsigned, "is not signed".to_owned()),
        (put, format!("is not by POST, and {scheme}")),
    ] {
        ward.change(json!({"$set": {LIST: [entry]}})).await;
        let found = checks(&ward.patient.doctor(&["--json"]).await);
        let entries = found.iter().find(|check| check["name"] == "webhook entries").unwrap();
        let (told, end) = (entries.to_string(), format!("v2/messages, {flaws}\""));
        assert!(told.contains(&end), "{told}");
    }
}

#[tokio::test]
async fn an_address_of_this_machine_leads_to_a_gateway_that_listens_at_all_of_them() {
    let ward = Ward::open().await;
    let patient = ward.patient.clone().set("ENDO_LISTEN_GATEWAY", "0.0.0.0:8080");
    let own = webhook(&format!("http://{}:8080/v2/messages", own_address()));
    ward.change(json!({"$push": {LIST: own}})).await;
    assert_eq!(patient.ails().await, ["webhook entries"]);
    patient.is_cured().await;
    assert_eq!(ward.received().await, json!([webhook(WEBHOOK)]));
}

/// By which others would see this machine; without a network, that of its own alone. Nothing is sent.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let seen = socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr());
    seen.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

#[tokio::test]
async fn a_path_leads_to_the_messages_if_the_gateway_takes_them_there() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    for path in [
        "/v2/messages",
        "/v2/messages/",
        "/V2/MESSAGES",
        "/v2/%6dessages",
        "/%76%32/messages/",
        "//v2/messages",
        "/v2//messages",
        "/v2/messages//",
        "/v2%2Fmessages",
        "/v2/messages%2F",
        "/v2/message",
        "/v2/messages/x",
        "/v1/messages",
        "/messages",
        "/",
    ] {
        // It is not signed. What brings a message of its own is refused so too, at another path.
        let takes = send(gateway.post(path)).await.status == 401 && path != "/v1/messages";
        assert_eq!(before_messages(path) == Some(""), takes, "{path}");
        assert_eq!(before_messages(&format!("/endo{path}")) == Some("/endo"), takes, "{path}");
    }
}
