//! Delivered webhooks as those judge them who wrote the rules: npm's `http-signature`, and the crate `httpsig`.

use endo::signature::Ed25519PublicKey;

use super::signatures::own_key;
use super::*;
use crate::support::real;

async fn delivered() -> (Post, Seen) {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let device = post.hooked(signed_hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    (post, calls.recv().await.unwrap())
}

#[tokio::test]
async fn http_signature_verifies_a_delivered_webhook_against_the_public_key() {
    if !real::on("http_signature_verifies_a_delivered_webhook_against_the_public_key") {
        return;
    }
    let (post, mut call) = delivered().await;
    let key = send(post.bus.anonymous("GET /publickey")).await.json()["publicKey"].clone();
    let verdict = |call: &Seen| {
        let headers: Value = call.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let input =
            json!({"publicKeyPem": key, "method": call.method, "path": call.target, "headers": headers});
        real::node("verify-request.mjs", &input)
    };
    assert_eq!(verdict(&call), json!({"verified": true}));
    call.headers.iter_mut().find(|(name, _)| name == "x-meshblu-uuid").unwrap().1.push('x');
    assert_eq!(verdict(&call), json!({"verified": false}));
}

#[tokio::test]
async fn httpsig_verifies_a_delivered_webhook_against_the_key_set() {
    if !real::on("httpsig_verifies_a_delivered_webhook_against_the_key_set") {
        return;
    }
    let (post, call) = delivered().await;
    let key: Ed25519PublicKey = own_key(&post.bus).await.1;
    let covered = [
        "@method",
        "@authority",
        "@path",
        "content-type",
        "x-meshblu-uuid",
        "x-meshblu-route",
        "x-meshblu-delivery-id",
        "x-meshblu-message-type",
        "content-digest",
    ];
    let line = |name: &&str| {
        let value = match *name {
            "@method" => "POST",
            "@authority" => call.header("host")[0],
            "@path" => "/in",
            field => call.header(field)[0],
        };
        format!("\"{name}\": {value}")
    };
    let mut lines: Vec<_> = covered.iter().map(line).collect();
    let ask = |lines: &[String]| {
        real::httpsig(&json!({
            "key": key.to_pem(),
            "lines": lines,
            "input": call.header("signature-input")[0],
            "signature": call.header("signature")[0],
        }))
    };
    assert_eq!(ask(&lines), json!({"verified": true}));
    lines[2].push('x');
    assert_eq!(ask(&lines), json!({"verified": false}));
}
