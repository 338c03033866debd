//! The webhooks that a device asks for.

use endo::bus::embedded::forwarder::{Proof, Webhook, sends_on, webhooks};
use endo::bus::embedded::subscription::SubscriptionType;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::json_values;

fn device(entries: Value) -> Value {
    json!({"uuid": "D", "meshblu": {"forwarders": {"version": "2.0.0", "message": {"received": entries}}}})
}

fn urls(entries: Value) -> Vec<String> {
    let hooks = webhooks(&device(entries), SubscriptionType::MessageReceived);
    hooks.into_iter().map(|hook| hook.url).collect()
}

#[test]
fn the_webhook_of_a_gateway_is_read() {
    let entry = json!({"type": "webhook", "url": "http://127.0.0.1:8080/v2/messages", "method": "POST",
        "signRequest": true, "name": "nanocyte-flow-deploy", "headers": {"X-Own": "1", "X-Count": 2}});
    let hooks = webhooks(&device(json!([entry])), SubscriptionType::MessageReceived);
    let [hook] = &hooks[..] else { panic!("{hooks:?}") };
    assert_eq!(hook.url, "http://127.0.0.1:8080/v2/messages");
    assert_eq!((&hook.method, hook.proof), (&Method::POST, Proof::Signature));
    let headers: Vec<_> =
        hook.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(headers, [("x-own", &b"1"[..]), ("x-count", b"2")]);
}

#[test]
fn a_webhook_without_a_method_is_a_get_and_a_method_is_written_in_capitals() {
    let hooks = |entry| webhooks(&device(json!([entry])), SubscriptionType::MessageReceived);
    assert_eq!(hooks(json!({"type": "webhook", "url": "http://h/"}))[0].method, Method::GET);
    assert_eq!(
        hooks(json!({"type": "webhook", "url": "http://h/", "method": "post"}))[0].method,
        Method::POST
    );
}

#[test]
fn credentials_win_over_a_signature() {
    let entry = json!({"type": "webhook", "url": "http://h/", "signRequest": true,
        "generateAndForwardMeshbluCredentials": true});
    let hooks = webhooks(&device(json!([entry])), SubscriptionType::MessageReceived);
    assert_eq!(hooks[0].proof, Proof::Credentials);
}

#[test]
fn an_entry_listed_twice_fires_twice() {
    let entry = json!({"type": "webhook", "url": "https://h/x"});
    assert_eq!(urls(json!([entry, entry])), ["https://h/x", "https://h/x"]);
}

#[test]
fn an_address_may_come_in_two_parts() {
    for (base, uri) in
        [("http://h/a", "b"), ("http://h/a/", "/b"), ("http://h/a/", "b"), ("http://h/a", "/b")]
    {
        assert_eq!(urls(json!([{"type": "webhook", "baseUrl": base, "uri": uri}])), ["http://h/a/b"]);
    }
}

#[test]
fn malformed_entries_are_skipped_and_the_others_kept() {
    let mut entries: Vec<_> = [
        "",
        "nonsense",
        "ftp://h/",
        "http://undefined/x",
        "http://x.null:80/",
        "//h/",
        "http://",
        "http:///h",
        "http:/h/",
        "http:h/",
        "http://h:99999/",
    ]
    .iter()
    .map(|url| json!({"type": "webhook", "url": url}))
    .collect();
    entries.extend([
        json!({"type": "webhook"}),
        json!({"type": "webhook", "url": 5}),
        json!({"type": "webhook", "url": "http://h/", "method": "BAD METHOD"}),
        json!({"type": "webhook", "url": "http://h/", "method": 5}),
        json!({"type": "webhook", "url": "http://h/", "headers": {"bad name": "x"}}),
        json!({"type": "webhook", "url": "http://h/", "headers": {"x": "a\r\nb: c"}}),
        json!({"type": "webhook", "url": "http://h/", "headers": {"x": "Łódź"}}),
        json!({"type": "webhook", "url": "http://h/", "auth": {"bearer": "Łódź"}}),
        json!({"type": "carrier pigeon", "url": "http://h/"}),
        json!({"type": "meshblu"}),
        json!("webhook"),
        Value::Null,
        json!({"type": "webhook", "url": "http://h/good"}),
    ]);
    assert_eq!(urls(Value::Array(entries)), ["http://h/good"]);
}

#[test]
fn a_host_may_have_letters_of_any_language() {
    assert_eq!(
        urls(json!([{"type": "webhook", "url": "http://bücher.example/"}])),
        ["http://bücher.example/"]
    );
}

#[test]
fn a_device_can_not_speak_for_the_bus() {
    let headers =
        json!({"X-Meshblu-UUID": "other", "x-meshblu-route": "[]", "Host": "other", "Content-Length": "0"});
    let entry = json!({"type": "webhook", "url": "http://h/", "headers": headers});
    assert_eq!(webhooks(&device(json!([entry])), SubscriptionType::MessageReceived)[0].headers, []);
}

#[test]
fn only_the_list_of_the_event_is_looked_at() {
    let document = device(json!([{"type": "webhook", "url": "http://h/"}]));
    let firing = SubscriptionType::ALL.into_iter().filter(|kind| !webhooks(&document, *kind).is_empty());
    assert_eq!(firing.collect::<Vec<_>>(), [SubscriptionType::MessageReceived]);
    assert!(!sends_on(&document, SubscriptionType::MessageReceived));
    let legacy = json!({"meshblu": {"forwarders": {"broadcast": [{"type": "webhook", "url": "http://h/"}]}}});
    assert!(SubscriptionType::ALL.into_iter().all(|kind| webhooks(&legacy, kind).is_empty()));
}

proptest! {
    #[test]
    fn no_forwarder_makes_the_bus_stumble(entry in json_values(), entries in json_values()) {
        webhooks(&device(json!([entry])), SubscriptionType::MessageReceived);
        webhooks(&device(entries), SubscriptionType::MessageReceived);
    }
}

#[test]
fn what_an_entry_adds_to_the_query_and_its_login_are_part_of_the_request() {
    let hook = |entry: Value| webhooks(&device(json!([entry])), SubscriptionType::MessageReceived).pop();
    let with = |more: Value| {
        let mut entry = json!({"type": "webhook", "url": "http://h/in?a=1&b=2"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hook(entry)
    };
    assert_eq!(
        with(json!({"qs": {"b": "x y", "n": 3, "t": true}})).unwrap().url,
        "http://h/in?a=1&b=x+y&n=3&t=true"
    );
    for (auth, header) in [
        (json!({"user": "ada", "pass": "s3"}), "Basic YWRhOnMz"),
        (json!({"username": "ada", "password": "s3"}), "Basic YWRhOnMz"),
        (json!({"bearer": "t0"}), "Bearer t0"),
    ] {
        let hook = with(json!({"auth": auth, "headers": {"authorization": "other"}})).unwrap();
        assert_eq!(hook.headers.len(), 1);
        assert_eq!(
            (hook.headers[0].0.as_str(), hook.headers[0].1.as_bytes()),
            ("authorization", header.as_bytes())
        );
        assert!(!format!("{hook:?}").contains(header), "it is not printed");
    }
    for broken in [json!({"qs": "a=1"}), json!({"auth": "ada"})] {
        assert_eq!(with(broken.clone()), None, "{broken}");
    }
}

fn one(more: &Value) -> Webhook {
    let mut entry = json!({"type": "webhook", "url": "http://h/in?a=1"});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let hooks = webhooks(&device(json!([entry])), SubscriptionType::MessageReceived);
    let [hook] = &hooks[..] else { panic!("{more}: {hooks:?}") };
    hook.clone()
}

#[test]
fn lists_and_objects_go_into_the_query_with_their_places_in_brackets() {
    for (qs, query) in [
        (json!({"b": [1, "x"]}), "a=1&b[0]=1&b[1]=x"),
        (json!({"b": {"c": {"d": true}, "e": [2]}}), "a=1&b[c][d]=true&b[e][0]=2"),
        (json!({"b": null, "c": [], "d": 1}), "a=1&b=&d=1"),
        (json!({"a": [2]}), "a[0]=2"),
        (json!({}), "a=1"),
    ] {
        let url = one(&json!({ "qs": qs })).url;
        let plain = url.replace("%5B", "[").replace("%5D", "]");
        assert_eq!(plain, format!("http://h/in?{query}"), "{qs}");
    }
}

#[test]
fn a_list_is_several_headers_and_null_none() {
    let hook = one(&json!({"headers": {"X-Many": ["a", 2], "X-None": null, "X-One": "b"}}));
    let headers: Vec<_> =
        hook.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("x-many", "a"), ("x-many", "2"), ("x-one", "b")]);
}

#[test]
fn a_login_in_the_address_becomes_a_header() {
    let hook = one(&json!({"url": "http://ada:s%403@h/in"}));
    assert_eq!(hook.url, "http://h/in");
    assert_eq!(hook.headers.len(), 1);
    assert_eq!(hook.headers[0].1, "Basic YWRhOnNAMw==");
    assert!(hook.headers[0].1.is_sensitive());
    let hook = one(&json!({"url": "http://ada:s3@h/in", "headers": {"Authorization": "own"}}));
    assert_eq!(hook.headers.iter().map(|(_, value)| value).collect::<Vec<_>>(), ["own"]);
}

#[test]
fn whatever_javascript_takes_for_true_asks_for_a_proof() {
    for (flag, proof) in [
        (json!(true), Proof::Signature),
        (json!("true"), Proof::Signature),
        (json!(1), Proof::Signature),
        (json!({}), Proof::Signature),
        (json!(false), Proof::None),
        (json!(0), Proof::None),
        (json!(""), Proof::None),
        (json!(null), Proof::None),
    ] {
        assert_eq!(one(&json!({ "signRequest": flag })).proof, proof, "{flag}");
    }
}
