//! The keys that check signed webhooks.

use std::process::Stdio;

use super::*;
use crate::support::keys::place_keys;
use crate::support::program::Program;

async fn served(base: &str, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let answer = send(client.get(format!("{base}{path}"))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn the_bus_serves_its_public_keys_to_anybody() {
    let bus = TestBus::open().await;
    let old = send(bus.anonymous("GET /publickey")).await;
    let pem = old.json()["publicKey"].as_str().unwrap().to_owned();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
    old.is(200, &json!({ "publicKey": pem }).to_string());
    assert_eq!(old.header("content-type"), Some("application/json"));
    let own = send(bus.anonymous("GET /.well-known/jwks.json")).await;
    assert_eq!(own.header("content-type"), Some("application/jwk-set+json"));
    let key = &own.json()["keys"][0];
    let (x, kid) = (&key["x"], &key["kid"]);
    let whole = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"});
    own.is(200, &json!({ "keys": [whole] }).to_string());
    assert_eq!((x.as_str().unwrap().len(), kid.as_str().unwrap().len()), (43, 43));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_keys_are_the_same_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let mut seen = Vec::new();
    for _ in 0..2 {
        let program = Program::start(directory.path(), &[], Stdio::null()).await;
        seen.push([
            served(&program.bus, "/publickey").await,
            served(&program.bus, "/.well-known/jwks.json").await,
        ]);
        program.kill();
    }
    assert_eq!(seen[0], seen[1]);
}
