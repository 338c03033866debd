//! Codes: good once, for a minute, for their client, with what belongs to them.

use std::time::Duration;

use serde_json::json;

use super::{CALLBACK, World, client, is_refused, opened, query, token};
use crate::support::bus::{Device, send};

/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str =
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let world = World::open().await;
    let code = world.code("").await;
    world.wait(Duration::from_millis(59_999));
    token(&world.exchange(&world.client, &code, "").await);
    let code = world.code("").await;
    world.wait(Duration::from_secs(60));
    is_refused(&world.exchange(&world.client, &code, "").await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_code_shown_twice_ends_the_token_it_was_exchanged_for() {
    let world = World::open().await;
    let code = world.code("").await;
    let token = token(&world.exchange(&world.client, &code, "").await);
    assert_eq!(world.bearer(&token).await.status, 200);
    is_refused(&world.exchange(&world.client, &code, "").await, 400, "invalid_grant");
    assert_eq!(world.bearer(&token).await.status, 403);
    send(world.bus.by(&world.user, "POST /authenticate")).await.is(204, "");
}

#[tokio::test]
async fn of_many_exchanges_at_once_one_gets_the_token_and_the_others_end_it() {
    let world = World::open().await;
    let code = world.code("").await;
    let tries = (0..8).map(|_| world.exchange(&world.client, &code, ""));
    let answers = futures_util::future::join_all(tries).await;
    let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(good.len(), 1);
    assert_eq!(world.bearer(&token(good[0])).await.status, 403);
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_another_client() {
    let world = World::open().await;
    let other = client(&world.bus, json!({"callbackUrl": CALLBACK})).await;
    let code = world.code("").await;
    is_refused(&world.exchange(&other, &code, "").await, 400, "invalid_grant");
    let forged = Device { uuid: other.uuid.clone(), token: world.client.token.clone() };
    is_refused(&world.exchange(&forged, &code, "").await, 401, "invalid_client");
    token(&world.exchange(&world.client, &code, "").await);
}

#[tokio::test]
async fn what_is_no_code_is_refused() {
    let world = World::open().await;
    let old_form = {
        use base64::Engine;
        let text = format!("{}:{}:{}", world.client.uuid, world.user.uuid, world.user.token);
        base64::engine::general_purpose::URL_SAFE.encode(text)
    };
    for code in ["x", &*"x".repeat(100_000), &world.user.token, "%00", &old_form] {
        is_refused(&world.exchange(&world.client, code, "").await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_client_that_does_not_prove_itself_gets_401() {
    let world = World::open().await;
    let code = world.code("").await;
    let uuid = &world.client.uuid;
    for client in [
        "",
        "&client_id=x&client_secret=y",
        &format!("&client_id={uuid}"),
        &format!("&client_id={uuid}&client_secret=no"),
    ] {
        let answer = world.post(format!("grant_type=authorization_code&code={code}{client}")).await;
        is_refused(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"access_token\""));
    }
    token(&world.exchange(&world.client, &code, "").await);
}

#[tokio::test]
async fn a_malformed_exchange_is_told_what_is_wrong() {
    let world = World::open().await;
    let (uuid, secret) = (&world.client.uuid, &world.client.token);
    let client = format!("client_id={uuid}&client_secret={secret}");
    for (form, error) in [
        (client.clone(), "invalid_request"),
        (format!("{client}&grant_type=authorization_code"), "invalid_request"),
        (format!("{client}&grant_type=refresh_token&refresh_token=x"), "unsupported_grant_type"),
        (format!("{client}&grant_type=client_credentials"), "unsupported_grant_type"),
        (format!("{client}&grant_type=authorization_code&code=a&code=b"), "invalid_request"),
    ] {
        is_refused(&world.post(form.clone()).await, 400, error);
    }
    let twice = world.bus.by(&world.client, "POST /access_token");
    let twice = twice.header("content-type", "application/x-www-form-urlencoded").body(client);
    is_refused(&send(twice).await, 400, "invalid_request");
}

#[tokio::test]
async fn the_verifier_must_be_that_of_the_challenge() {
    let world = World::with(json!({"callbackUrl": CALLBACK, "pkce": true})).await;
    for verifier in ["", "&code_verifier=x", &format!("&code_verifier={}", VERIFIER.replace('d', "e"))] {
        let code = world.code(CHALLENGE).await;
        is_refused(&world.exchange(&world.client, &code, verifier).await, 400, "invalid_grant");
        let right = format!("&code_verifier={VERIFIER}");
        is_refused(&world.exchange(&world.client, &code, &right).await, 400, "invalid_grant");
    }
    let code = world.code(CHALLENGE).await;
    token(&world.exchange(&world.client, &code, &format!("&code_verifier={VERIFIER}")).await);
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let world = World::open().await;
    let code = world.code("").await;
    let verifier = format!("&code_verifier={VERIFIER}");
    is_refused(&world.exchange(&world.client, &code, &verifier).await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_address_named_at_first_must_be_named_again() {
    let world = World::open().await;
    let named = format!("&redirect_uri={}", CALLBACK.replace('?', "%3F").replace('=', "%3D"));
    for (first, then, is_good) in [
        ("", "", true),
        ("", &*named, true),
        (&named, &named, true),
        (&named, "", false),
        ("", "&redirect_uri=https://endo.example/", false),
        (&named, "&redirect_uri=https://endo.example/", false),
    ] {
        let code = world.code(first).await;
        let answer = world.exchange(&world.client, &code, then).await;
        assert_eq!(answer.status.is_success(), is_good, "{first} {then}");
    }
}

#[tokio::test]
async fn a_code_ends_with_the_token_that_proved_its_device() {
    let world = World::open().await;
    let call = format!("POST /devices/{}/tokens", world.user.uuid);
    let made = send(world.bus.by(&world.user, &call).header("content-length", "0")).await.json();
    let session = Device { uuid: world.user.uuid.clone(), token: made["token"].as_str().unwrap().to_owned() };
    let mut person = world.person();
    let consent = person.sign_in(&world.authorize(""), &session).await;
    let code = query(&person.press(&consent, "allow").await).remove("code").unwrap();
    let call = format!("DELETE /devices/{}/tokens/{}", session.uuid, session.token);
    send(world.bus.by(&world.user, &call)).await.is(204, "");
    is_refused(&world.exchange(&world.client, &code, "").await, 400, "invalid_grant");
    assert!(person.get(&world.authorize("")).await.text.contains("Sign in to continue"));
}

#[tokio::test]
async fn a_device_that_is_gone_has_no_codes_and_no_sign_ins() {
    let world = World::open().await;
    let mut person = world.known_person().await;
    let code = query(&person.get(&world.authorize("")).await).remove("code").unwrap();
    let call = format!("DELETE /devices/{}", world.user.uuid);
    assert_eq!(send(world.bus.by(&world.user, &call)).await.status, 200);
    is_refused(&world.exchange(&world.client, &code, "").await, 400, "invalid_grant");
    assert!(person.get(&world.authorize("")).await.text.contains("Sign in to continue"));
}

#[tokio::test]
async fn a_client_holds_only_the_newest_codes_of_a_device() {
    let world = World::open().await;
    let mut person = world.known_person().await;
    let mut codes = Vec::new();
    for _ in 0..9 {
        codes.push(query(&person.get(&world.authorize("")).await).remove("code").unwrap());
    }
    is_refused(&world.exchange(&world.client, &codes[0], "").await, 400, "invalid_grant");
    token(&world.exchange(&world.client, &codes[1], "").await);
}

/// A stranger's device that takes as many codes of the client as it can, and goes on with none.
async fn hoard(world: &World) {
    let mut stranger = world.person();
    let device = world.bus.register(json!({"configureWhitelist": []})).await;
    let consent = stranger.sign_in(&world.authorize(""), &device).await;
    stranger.press(&consent, "allow").await;
    for _ in 1..8 {
        assert!(query(&stranger.get(&world.authorize("")).await).contains_key("code"));
    }
}

#[tokio::test]
async fn whoever_hoards_codes_of_a_client_keeps_nobody_from_signing_in_there() {
    let world = World::open().await;
    for _ in 0..16 {
        futures_util::future::join_all((0..8).map(|_| hoard(&world))).await;
    }
    token(&world.exchange(&world.client, &world.code("").await, "").await);
}

#[tokio::test]
async fn an_access_token_is_nothing_but_uuid_and_token() {
    let world = World::open().await;
    let token = token(&world.exchange(&world.client, &world.code("").await, "").await);
    let device = opened(&token);
    assert_eq!(device.uuid, world.user.uuid);
    assert!(device.token.len() == 40 && device.token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    send(world.bus.by(&device, "POST /authenticate")).await.is(204, "");
}
