//! Whoever ends something over HTTP has to have signed in at the API lately (RFC 9470).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::config::Config;
use reqwest::Method;
use serde_json::json;

use crate::support::bus::{Answer, Device, send};
use crate::support::fake_api::FakeApi;
use crate::support::gateway::{Chain, TestGateway};

async fn ask(gateway: &TestGateway, chain: &Chain, method: Method, path: &str) -> Answer {
    ask_as(gateway, (chain, &gateway.owner()), (method, path)).await
}

async fn ask_as(
    gateway: &TestGateway,
    (chain, caller): (&Chain, &Device),
    (method, path): (Method, &str),
) -> Answer {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("http://{}/credentials/{}{path}", gateway.running.gateway(), chain.credentials);
    send(client.request(method, url).basic_auth(&caller.uuid, Some(&caller.token))).await
}

/// What demands a proof, the mildest first.
fn ends(chain: &Chain) -> [String; 3] {
    [format!("/user-devices/{}", chain.user.uuid), "/user-devices".to_owned(), String::new()]
}

/// People can sign in at the API.
fn registered(config: &mut Config) {
    config.source.client_id = Some("gateway id".to_owned());
    config.source.client_secret = Some("secret".to_owned().into());
}

#[tokio::test]
async fn whoever_has_nothing_but_a_token_of_the_bus_ends_nobody_s_management() {
    let api = FakeApi::silent().await;
    let gateway = TestGateway::with(&api.url(""), registered).await;
    let chain = gateway.chain(1).await;
    let (owner, second) = (gateway.owner(), chain.flow.device.clone());
    let account = gateway.account(1, &(&*second.uuid).into());
    gateway.gateway.credentials.keep(account).await.unwrap();
    let refused = ask(&gateway, &chain, Method::DELETE, "/owners/me").await;
    let problem = refused.json();
    assert_eq!((refused.status.as_u16(), problem["link"].is_string()), (401, true), "{problem}");
    assert_eq!(problem["type"], "/problems/reauthentication_required");
    let both = json!([{"uuid": owner.uuid}, {"uuid": second.uuid}]);
    assert_eq!(ask(&gateway, &chain, Method::GET, "/owners").await.json(), both);
    gateway.prove(&owner, &chain.credentials).await;
    ask(&gateway, &chain, Method::DELETE, "/owners/me").await.is(204, "");
}

#[tokio::test]
async fn without_a_recent_sign_in_at_the_api_nothing_is_ended() {
    let api = FakeApi::silent().await;
    let gateway = TestGateway::with(&api.url(""), registered).await;
    let chain = gateway.chain(1).await;
    let now = gateway.gateway.ambient.clock.now();
    let (owner, someone) = (gateway.owner(), chain.flow.device.clone());
    let other = gateway.chain(2).await;
    // Somebody else's proof, one for other credentials, and proofs that are too old or not from this time.
    gateway.prove(&someone, &chain.credentials).await;
    gateway.prove(&owner, &other.credentials).await;
    for proved_at in [now.minus(Duration::from_secs(310)), now.plus(Duration::from_secs(3600))] {
        gateway.prove_at(proved_at, &owner, &chain.credentials).await;
        for path in ends(&chain) {
            let refused = ask(&gateway, &chain, Method::DELETE, &path).await;
            let problem = refused.json();
            assert_eq!(refused.status, 401, "{path}");
            assert_eq!(problem["type"], "/problems/reauthentication_required");
            let link =
                format!("http://{}/auth/api?credentials={}", gateway.running.gateway(), chain.credentials);
            assert_eq!(problem["link"], json!(link));
            let challenge = refused.header("www-authenticate").unwrap();
            assert!(
                challenge.starts_with("Bearer error=\"insufficient_user_authentication\""),
                "{challenge}"
            );
            assert!(challenge.ends_with("max_age=\"300\""), "{challenge}");
        }
    }
    let listed = ask(&gateway, &chain, Method::GET, "/user-devices").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(ask(&gateway, &chain, Method::GET, "/receipts").await.json(), json!([]));
}

#[tokio::test]
async fn a_program_is_told_in_which_form_its_login_proves_something() {
    let api = FakeApi::silent().await;
    let gateway = TestGateway::with(&api.url(""), registered).await;
    let chain = gateway.chain(1).await;
    let owner = gateway.owner();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("http://{}/credentials/{}", gateway.running.gateway(), chain.credentials);
    let login = STANDARD.encode(format!("{}:{}", owner.uuid, owner.token));
    for (scheme, is_told) in [("Basic", true), ("Bearer", false)] {
        let request = client.delete(&url).header("authorization", format!("{scheme} {login}"));
        let refused = send(request).await;
        assert_eq!(refused.status, 401, "{refused:?}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(
            detail.contains("sends its login with the sign-in as `Authorization: Bearer`"),
            is_told,
            "{detail}"
        );
    }
    let stranger = send(client.get(url).basic_auth(&owner.uuid, Some("wrong"))).await;
    let told = (stranger.status.as_u16(), stranger.header("www-authenticate"));
    assert_eq!(told, (401, Some("Bearer realm=\"bus\"")));
}

#[tokio::test]
async fn how_old_a_sign_in_may_be_is_said_in_seconds_minutes_or_hours() {
    let api = FakeApi::silent().await;
    for (seconds, words) in
        [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (90, "90 seconds"), (7200, "2 hours")]
    {
        let demand = |config: &mut Config| {
            registered(config);
            config.credentials.reauthentication = seconds;
        };
        let gateway = TestGateway::with(&api.url(""), demand).await;
        let chain = gateway.chain(1).await;
        let refused = ask(&gateway, &chain, Method::DELETE, "").await;
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("repeat this within {words}. ")), "{detail}");
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(challenge.contains(&format!("not older than {words}\", ")), "{challenge}");
    }
}

#[tokio::test]
async fn with_a_recent_sign_in_at_the_api_everything_can_be_ended() {
    let api = FakeApi::silent().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let chain = gateway.chain(1).await;
    let now = gateway.gateway.ambient.clock.now();
    gateway.prove_at(now.minus(Duration::from_secs(200)), &gateway.owner(), &chain.credentials).await;
    for path in ends(&chain) {
        ask(&gateway, &chain, Method::DELETE, &path).await.is(204, "");
    }
    assert_eq!(ask(&gateway, &chain, Method::GET, "").await.status, 404);
}

#[tokio::test]
async fn where_no_proof_is_asked_for_the_bus_alone_vouches_as_in_the_original() {
    let api = FakeApi::silent().await;
    let gateway = TestGateway::with(&api.url(""), |config| config.credentials.reauthentication = 0).await;
    let chain = gateway.chain(1).await;
    for path in ends(&chain) {
        ask(&gateway, &chain, Method::DELETE, &path).await.is(204, "");
    }
}

#[tokio::test]
async fn receipts_of_a_forgotten_secret_stay_its_owner_s() {
    let api = FakeApi::silent().await;
    let gateway = TestGateway::open(&api.url("")).await;
    let chain = gateway.chain(1).await;
    gateway.prove(&gateway.owner(), &chain.credentials).await;
    ask(&gateway, &chain, Method::DELETE, "").await.is(204, "");
    let receipts = ask(&gateway, &chain, Method::GET, "/receipts").await.json();
    assert_eq!(receipts[0]["act"], "forgotten");
    assert_eq!(receipts[0]["by"], json!(gateway.owner().uuid));
    let stranger = ask_as(&gateway, (&chain, &chain.flow.device), (Method::GET, "/receipts")).await;
    assert_eq!(stranger.status, 404);
}
