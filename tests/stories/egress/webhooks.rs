//! Webhooks: where devices may send the gateway, and where not.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use endo::egress::{Egress, EgressError, EgressSettings, Lookup, WebhookAddress, WebhookRequest};
use http::{HeaderMap, Method, StatusCode};

use super::{egress, settings};
use crate::support::fake_api::{Answer, FakeApi};

fn webhook(url: &str) -> WebhookRequest {
    let headers = HeaderMap::from_iter([("x-meshblu-route".parse().unwrap(), "[]".parse().unwrap())]);
    let address = WebhookAddress::parse(url).unwrap();
    WebhookRequest { method: Method::POST, address, headers, body: Bytes::from_static(b"{}") }
}

fn to_loopback() -> EgressSettings {
    EgressSettings { allow_loopback: true, ..settings() }
}

async fn receiver() -> FakeApi {
    FakeApi::answering(Answer::new(204, &[], "")).await
}

/// A resolver that gives every name these addresses and remembers the names it was asked for.
fn names(addresses: &[&str]) -> (Lookup, Arc<Mutex<Vec<String>>>) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    let lookup = Lookup::from_fn(move |name| {
        notes.lock().unwrap().push(name);
        Box::pin(std::future::ready(Ok(addresses.clone())))
    });
    (lookup, asked)
}

fn is_refused(outcome: &Result<http::Response<()>, EgressError>) -> bool {
    matches!(outcome, Err(EgressError::AddressNotAllowed))
}

#[tokio::test]
async fn a_webhook_is_delivered_and_its_status_told() {
    let receiver = FakeApi::answering(Answer::new(503, &[], "not now")).await;
    let answer = egress(to_loopback()).deliver(webhook(&receiver.url("/hook?a=b"))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let seen = &receiver.seen()[0];
    assert_eq!((&*seen.method, &*seen.target, &*seen.body), ("POST", "/hook?a=b", &b"{}"[..]));
    assert_eq!(seen.header("x-meshblu-route"), ["[]"]);
    assert_eq!(seen.header("authorization"), [""; 0]);
}

#[tokio::test]
async fn no_address_off_the_public_internet_is_called() {
    let receiver = receiver().await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "0",
        "[::]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "168.63.129.16",
        "①②⑦.0.0.1",
    ] {
        let outcome = egress(settings()).deliver(webhook(&format!("http://{host}:{}/", receiver.port))).await;
        assert!(is_refused(&outcome), "{host}: {outcome:?}");
    }
    assert_eq!(receiver.seen().len(), 0);
}

#[tokio::test]
async fn allowing_this_machine_allows_no_other_private_address() {
    let receiver = receiver().await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let outcome =
            egress(to_loopback()).deliver(webhook(&format!("http://{host}:{}/", receiver.port))).await;
        assert_eq!(outcome.unwrap().status(), StatusCode::NO_CONTENT, "{host}");
    }
    for host in ["0.0.0.0", "10.0.0.1", "169.254.169.254", "[fe80::1]", "[::]"] {
        let outcome =
            egress(to_loopback()).deliver(webhook(&format!("http://{host}:{}/", receiver.port))).await;
        assert!(is_refused(&outcome), "{host}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_called() {
    for addresses in
        [&["10.0.0.1"][..], &["127.0.0.1", "::1"], &["::ffff:169.254.169.254"], &["fd00::1", "0.0.0.0"], &[]]
    {
        let (lookup, asked) = names(addresses);
        let egress = Egress::new(settings(), lookup).unwrap();
        let outcome = egress.deliver(webhook("https://hook.example/")).await;
        assert!(is_refused(&outcome), "{addresses:?}: {outcome:?}");
        assert_eq!(*asked.lock().unwrap(), ["hook.example"]);
    }
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_only_what_passed_is_called() {
    let receiver = receiver().await;
    let (lookup, asked) = names(&["10.255.255.1", "169.254.169.254", "127.0.0.1"]);
    let egress = Egress::new(to_loopback(), lookup).unwrap();
    let outcome = egress.deliver(webhook(&format!("http://hook.example:{}/", receiver.port))).await;
    assert_eq!(outcome.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(*asked.lock().unwrap(), ["hook.example"]);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_by_the_next_call_is_vetted_again() {
    let receiver = receiver().await;
    let answers = Mutex::new(vec!["169.254.169.254", "127.0.0.1"]);
    let lookup = Lookup::from_fn(move |_| {
        let address = answers.lock().unwrap().pop().unwrap().parse().unwrap();
        Box::pin(std::future::ready(Ok(vec![address])))
    });
    let egress = Egress::new(to_loopback(), lookup).unwrap();
    let url = format!("http://hook.example:{}/", receiver.port);
    assert_eq!(egress.deliver(webhook(&url)).await.unwrap().status(), StatusCode::NO_CONTENT);
    let outcome = egress.deliver(webhook(&url)).await;
    assert!(is_refused(&outcome), "{outcome:?}");
    assert_eq!(receiver.seen().len(), 1);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_no_connection() {
    let lookup = Lookup::from_fn(|_| Box::pin(async { Err(std::io::Error::other("no such name")) }));
    let outcome = Egress::new(settings(), lookup).unwrap().deliver(webhook("http://hook.example/")).await;
    assert!(matches!(outcome, Err(EgressError::Connect(_))), "{outcome:?}");
}

#[tokio::test]
async fn nobody_is_asked_where_localhost_is() {
    let receiver = receiver().await;
    let (lookup, asked) = names(&["8.8.8.8"]);
    let egress = Egress::new(to_loopback(), lookup).unwrap();
    for host in ["localhost", "hooks.localhost"] {
        egress.deliver(webhook(&format!("http://{host}:{}/", receiver.port))).await.unwrap();
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_host_that_the_operator_listed_may_be_anywhere_but_only_on_its_port() {
    let (listed, other) = (receiver().await, receiver().await);
    let (lookup, _) = names(&["127.0.0.1"]);
    let allowed_hosts = vec![format!("hook.internal:{}", listed.port)];
    let egress = Egress::new(EgressSettings { allowed_hosts, ..settings() }, lookup).unwrap();
    let outcome = egress.deliver(webhook(&format!("http://hook.internal:{}/", listed.port))).await;
    assert_eq!(outcome.unwrap().status(), StatusCode::NO_CONTENT);
    for host in [format!("hook.internal:{}", other.port), format!("127.0.0.1:{}", listed.port)] {
        let outcome = egress.deliver(webhook(&format!("http://{host}/"))).await;
        assert!(is_refused(&outcome), "{host}: {outcome:?}");
    }
    assert_eq!((listed.seen().len(), other.seen().len()), (1, 0));
}

#[test]
fn what_is_no_web_address_is_no_address_of_a_webhook() {
    for url in [
        "",
        "hook",
        "//hook.example/",
        "ftp://hook.example/",
        "file:///etc/passwd",
        "http://",
        "http://u:p@hook.example/",
        "unix:/x",
        "http://a b/",
    ] {
        let outcome = WebhookAddress::parse(url);
        assert!(matches!(outcome, Err(EgressError::Address)), "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_redirected_webhook_ends_there() {
    let other = receiver().await;
    let location = format!("location: {}", other.url("/"));
    let receiver = FakeApi::answering(Answer::new(307, &[&location], "")).await;
    let answer = egress(to_loopback()).deliver(webhook(&receiver.url("/"))).await.unwrap();
    assert_eq!((answer.status(), other.seen().len()), (StatusCode::TEMPORARY_REDIRECT, 0));
}

#[tokio::test]
async fn an_endless_answer_does_not_hold_a_webhook() {
    let endless = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nand so on".to_vec();
    let receiver = FakeApi::answering(Answer::Stall(endless)).await;
    let answer = egress(to_loopback()).deliver(webhook(&receiver.url("/"))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_webhook_that_never_answers_is_given_up() {
    let receiver = FakeApi::silent().await;
    let egress = egress(EgressSettings { webhook_timeout: Duration::from_millis(20), ..to_loopback() });
    let outcome = egress.deliver(webhook(&receiver.url("/secret-path"))).await;
    assert!(matches!(outcome, Err(EgressError::Timeout)), "{outcome:?}");
    assert!(!format!("{outcome:?}").contains("secret-path"));
}

#[test]
fn an_allowed_host_that_is_none_is_told_at_start() {
    let settings = EgressSettings { allowed_hosts: vec!["http://hook.internal/".to_owned()], ..settings() };
    assert!(matches!(Egress::new(settings, Lookup::system()), Err(EgressError::HostEntry { .. })));
}
