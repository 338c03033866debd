//! Signed webhooks: both forms, as whoever receives them judges.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use endo::ambient::Timestamp;
use endo::signature::{Ed25519PublicKey, Policy, Refusal, Request, RsaPublicKey, Verified, Verifier};

use super::*;

/// The name and the key that the bus serves for its own signatures.
pub(super) async fn own_key(bus: &TestBus) -> (String, Ed25519PublicKey) {
    let keys = send(bus.anonymous("GET /.well-known/jwks.json")).await.json();
    let x = URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().unwrap()).unwrap();
    let key = Ed25519PublicKey::from_bytes(x.as_slice().try_into().unwrap()).unwrap();
    (keys["keys"][0]["kid"].as_str().unwrap().to_owned(), key)
}

/// Trusts the bus as one of ours.
pub(super) async fn trusting(bus: &TestBus) -> Verifier {
    let (name, key) = own_key(bus).await;
    Verifier::new().trusting(name, key, Policy::bus())
}

/// Trusts the bus as one of old.
async fn trusting_as_old(bus: &TestBus) -> Verifier {
    let pem = send(bus.anonymous("GET /publickey")).await.json()["publicKey"].as_str().unwrap().to_owned();
    Verifier::new().trusting_old_bus(RsaPublicKey::from_pem(&pem).unwrap(), Policy::legacy_bus())
}

/// What `see` finds in a call if it is believed.
pub(super) fn judged<T>(
    verifier: &Verifier,
    call: &Seen,
    now: Timestamp,
    see: impl FnOnce(&Verified<'_>) -> T,
) -> Result<T, Refusal> {
    let fields: Vec<_> = call.headers.iter().map(|(name, value)| (&**name, value.as_bytes())).collect();
    let request = Request {
        method: &call.method,
        scheme: "http",
        authority: call.header("host")[0],
        target: &call.target,
        fields: &fields,
        body: &call.body,
    };
    verifier.verify(&request, now).map(|verified| see(&verified))
}

#[tokio::test]
async fn a_webhook_that_asks_for_it_is_signed_in_both_forms() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let mut entry = signed_hook(&api);
    entry["url"] = json!(api.url("/in?a=b%20c#d"));
    let forged = ["Date", "Authorization", "Signature", "Signature-Input", "Content-Digest"];
    entry["headers"] = forged.iter().map(|name| ((*name).to_owned(), json!("forged"))).collect();
    let device = post.hooked(entry).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid, "n": 1})).await;
    let call = calls.recv().await.unwrap();
    let now = Clock::system().now();
    let id = call.header("x-meshblu-delivery-id")[0];
    let ours = judged(&trusting(&post.bus).await, &call, now, |verified| {
        assert_eq!(verified.uuid(), Some(&*device.uuid));
        assert_eq!(verified.delivery_id(), Some(id));
        assert_eq!(verified.signed("x-meshblu-message-type"), Some("message.received"));
        assert_eq!(verified.signed("content-type"), Some("application/json"));
        verified.covers_body()
    });
    assert_eq!(ours, Ok(true));
    let old = judged(&trusting_as_old(&post.bus).await, &call, now, |verified| {
        assert_eq!(verified.uuid(), Some(&*device.uuid));
        verified.covers_body()
    });
    assert_eq!(old, Ok(false));
}

#[tokio::test]
async fn nothing_of_a_signed_webhook_can_be_changed_unnoticed() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let device = post.hooked(signed_hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let call = calls.recv().await.unwrap();
    let verifier = trusting(&post.bus).await;
    let verdict = |call: &Seen| judged(&verifier, call, Clock::system().now(), |_| ());
    assert_eq!(verdict(&call), Ok(()));
    for name in [
        "host",
        "content-type",
        "x-meshblu-uuid",
        "x-meshblu-route",
        "x-meshblu-delivery-id",
        "x-meshblu-message-type",
    ] {
        let mut changed = call.clone();
        let (_, value) = changed.headers.iter_mut().find(|(other, _)| other == name).unwrap();
        value.push('x');
        assert_eq!(verdict(&changed), Err(Refusal::WrongSignature), "{name}");
    }
    let other = |change: fn(&mut Seen)| {
        let mut changed = call.clone();
        change(&mut changed);
        verdict(&changed)
    };
    assert_eq!(other(|call| call.method = "PUT".to_owned()), Err(Refusal::WrongSignature));
    assert_eq!(other(|call| call.target.push('x')), Err(Refusal::WrongSignature));
    assert_eq!(other(|call| call.body.push(b' ')), Err(Refusal::WrongDigest));
}

#[tokio::test]
async fn each_attempt_is_signed_afresh_under_the_same_id() {
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let ticking = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(ticking.fetch_add(1000, Ordering::SeqCst)));
    let post = Post::at(clock, loopback()).await;
    let (api, mut calls) = server(&[503, 200]).await;
    let device = post.hooked(signed_hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let (first, second) = (calls.recv().await.unwrap(), calls.recv().await.unwrap());
    for name in ["date", "authorization", "signature-input", "signature"] {
        assert_ne!(first.header(name), second.header(name), "{name}");
    }
    for name in ["x-meshblu-delivery-id", "content-digest"] {
        assert_eq!(first.header(name), second.header(name), "{name}");
    }
    let verifiers = [trusting(&post.bus).await, trusting_as_old(&post.bus).await];
    for (verifier, call) in verifiers.iter().flat_map(|verifier| [(verifier, &first), (verifier, &second)]) {
        let now = Timestamp::from_millis(now.load(Ordering::SeqCst));
        assert_eq!(judged(verifier, call, now, |_| ()), Ok(()));
    }
}

#[tokio::test]
async fn credentials_win_over_a_signature() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let mut entry = signed_hook(&api);
    entry["generateAndForwardMeshbluCredentials"] = json!(true);
    let device = post.hooked(entry).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let call = calls.recv().await.unwrap();
    assert!(call.header("authorization").concat().starts_with("Bearer "));
    for name in ["date", "signature", "signature-input", "content-digest"] {
        assert!(call.header(name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn webhooks_of_one_owner_share_the_old_signature_for_a_second() {
    let standing = Clock::from_fn(|| Timestamp::from_millis(1_768_478_400_000));
    let post = Post::at(standing, loopback()).await;
    let (api, mut calls) = server(&[200]).await;
    let (one, other) = (post.hooked(signed_hook(&api)).await, post.hooked(signed_hook(&api)).await);
    let devices = json!({"devices": [one.uuid, one.uuid, other.uuid]});
    post.send(&post.bus.device(json!({})).await, &devices).await;
    let mut signatures = std::collections::HashMap::<String, Vec<String>>::new();
    for _ in 0..3 {
        let call = calls.recv().await.unwrap();
        let owner = signatures.entry(call.header("x-meshblu-uuid").concat()).or_default();
        owner.push(call.header("authorization").concat());
    }
    assert_eq!(signatures[&one.uuid][0], signatures[&one.uuid][1]);
    assert_ne!(signatures[&one.uuid][0], signatures[&other.uuid][0]);
}
