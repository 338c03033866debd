//! RFC 9421 as the crate `httpsig` understands it, both ways.

use endo::ambient::{Clock, Random};
use endo::signature::{Component, Ed25519PrivateKey, MessageSigner, Policy, Verifier};
use serde_json::{Value, json};

use super::{Draft, NOW};
use crate::support::real;

fn key() -> Ed25519PrivateKey {
    Ed25519PrivateKey::generate(&Random::system())
}

fn webhook() -> Draft {
    Draft { target: "/v2/messages?a=b".to_owned(), ..Draft::webhook() }
}

/// The lines of a draft's signature base but the last; the values are written down by hand.
fn lines(draft: &Draft, covered: &[&str]) -> Value {
    let line = |name: &&str| {
        let value = match *name {
            "@method" => "POST",
            "@authority" => "endo.example.com",
            "@scheme" => "https",
            "@path" => "/v2/messages",
            "@query" => "?a=b",
            "@request-target" => "/v2/messages?a=b",
            "@target-uri" => "https://endo.example.com/v2/messages?a=b",
            field => draft.field(field),
        };
        format!("\"{name}\": {value}")
    };
    covered.iter().map(line).collect()
}

#[test]
fn httpsig_verifies_what_we_sign() {
    if !real::on("httpsig_verifies_what_we_sign") {
        return;
    }
    let signer = MessageSigner::new(key());
    let mut draft = webhook();
    // That library looks at the machine's clock.
    draft.sign_at(&signer, Clock::system().now());
    let (_, covered) = draft.field("signature-input").split_once("=(").unwrap();
    let covered: Vec<_> =
        covered.split(')').next().unwrap().split(' ').map(|name| name.trim_matches('"').to_owned()).collect();
    let covered: Vec<_> = covered.iter().map(String::as_str).collect();
    let ask = |draft: &Draft| {
        real::httpsig(&json!({
            "key": signer.key().public().to_pem(),
            "lines": lines(draft, &covered),
            "input": draft.field("signature-input"),
            "signature": draft.field("signature"),
        }))
    };
    assert_eq!(ask(&draft), json!({ "verified": true }));
    draft.set("x-meshblu-uuid", "other");
    assert_eq!(ask(&draft), json!({ "verified": false }));
}

#[test]
fn we_verify_what_httpsig_signs() {
    if !real::on("we_verify_what_httpsig_signs") {
        return;
    }
    let covered = [
        "@method",
        "@authority",
        "@scheme",
        "@path",
        "@query",
        "@request-target",
        "@target-uri",
        "content-digest",
        "content-type",
        "x-meshblu-uuid",
        "x-meshblu-route",
        "x-meshblu-delivery-id",
    ];
    let theirs = key();
    let mut draft = webhook();
    draft.set("Content-Digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
    draft.body = br#"{"hello": "world"}"#.to_vec();
    let quoted = covered.map(|name| format!("\"{name}\"")).join(" ");
    let headers = real::httpsig(&json!({
        "key": *theirs.to_pem(),
        "lines": lines(&draft, &covered),
        "parameters": format!(r#"({quoted});created=1768478400;nonce="n";alg="ed25519";keyid="theirs""#),
    }));
    draft.set("Signature-Input", headers["input"].as_str().unwrap());
    draft.set("Signature", headers["signature"].as_str().unwrap());
    let verifier = Verifier::new().trusting("theirs", theirs.public(), Policy::bus());
    let all = draft.judged(&verifier, NOW, |verified| {
        verified.covers_body() && verified.covers(&Component::TargetUri) && verified.delivery_id().is_some()
    });
    assert_eq!(all, Ok(true));
    draft.set("x-meshblu-route", "[]");
    draft.verdict(&verifier).unwrap_err();
}
