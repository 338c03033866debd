//! The whole handshake, as the original gateway does it (`spec/meshblu.md` 8).

use serde_json::json;

use super::person::{location, query};
use super::{CALLBACK, World, opened, token};
use crate::support::bus::{WithJson, send};

#[tokio::test]
async fn a_person_signs_in_consents_and_the_client_acts_as_their_device() {
    let world = World::open().await;
    let mut person = world.person();
    let page = person.get(&world.authorize("")).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let consent = person.sign_in(&world.authorize(""), &world.user).await;
    assert!(consent.text.contains("act as your device?"), "{consent:?}");
    let back = person.press(&consent, "allow").await;
    assert!(location(&back).as_str().starts_with(CALLBACK));
    let answers = query(&back);
    assert_eq!(answers["kept"], "1");
    assert_eq!(answers["iss"], format!("http://{}", world.bus.address));
    assert!(!answers.contains_key("state"));

    let answer = world.exchange(&world.client, &answers["code"], "").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let token = token(&answer);
    assert_eq!(answer.json(), json!({"token_type": "bearer", "access_token": token}));
    let whoami = world.bearer(&token).await;
    assert_eq!((whoami.status.as_u16(), &whoami.json()["uuid"]), (200, &json!(world.user.uuid)));
    assert_ne!(opened(&token).token, world.user.token);
}

#[tokio::test]
async fn the_question_names_the_host_and_the_port_that_the_person_is_sent_to() {
    for (callback, place) in [(CALLBACK, "endo.example"), ("http://127.0.0.1:4000/back", "127.0.0.1:4000")] {
        let world = World::with(json!({"callbackUrl": callback, "name": "Endo"})).await;
        let consent = world.person().sign_in(&world.authorize(""), &world.user).await;
        let says = format!("You will be sent to</dt><dd>{place}</dd>");
        assert!(consent.text.contains(&says), "{consent:?}");
    }
}

#[tokio::test]
async fn who_has_consented_is_not_asked_again() {
    let world = World::open().await;
    let mut person = world.known_person().await;
    let clients = send(world.bus.by(&world.user, "GET /v2/whoami")).await.json();
    assert_eq!(clients["octoblu"]["oauth"]["clients"], json!({(&*world.client.uuid): true}));
    assert_eq!(clients["meshblu"]["updatedBy"], json!(world.user.uuid));
    let answer = person.get(&world.authorize("&state=a%20b%2Bc%26%3D")).await;
    assert_eq!(query(&answer)["state"], "a b+c&=");
    token(&world.exchange(&world.client, &query(&answer)["code"], "").await);
}

#[tokio::test]
async fn who_has_consented_elsewhere_is_asked_for_a_sign_in_alone() {
    let world = World::open().await;
    let yes = json!({(format!("octoblu.oauth.clients.{}", world.client.uuid)): true});
    let call = format!("PATCH /v2/devices/{}", world.user.uuid);
    send(world.bus.by(&world.user, &call).json(&yes)).await.is(204, "");
    let back = world.person().sign_in(&world.authorize(""), &world.user).await;
    assert!(query(&back).contains_key("code"));
}

#[tokio::test]
async fn a_client_that_everybody_may_change_is_asked_about_every_time() {
    let world = World::open().await;
    let options = json!({"callbackUrl": CALLBACK});
    let anybodys = world.bus.register(json!({"options": options})).await;
    let authorize = format!("/authorize?response_type=code&client_id={}", anybodys.uuid);
    let mut person = world.person();
    let consent = person.sign_in(&authorize, &world.user).await;
    assert!(query(&person.press(&consent, "allow").await).contains_key("code"));
    assert!(person.get(&authorize).await.text.contains("act as your device?"));
}

#[tokio::test]
async fn a_person_who_says_no_is_sent_back_without_a_code() {
    let world = World::open().await;
    let mut person = world.person();
    let sign_in = person.get(&world.authorize("&state=s")).await;
    let cancelled = query(&person.press(&sign_in, "deny").await);
    let consent = person.sign_in(&world.authorize("&state=s"), &world.user).await;
    let denied = query(&person.press(&consent, "deny").await);
    for answers in [cancelled, denied] {
        assert_eq!((&*answers["error"], &*answers["state"]), ("access_denied", "s"));
        assert!(answers.contains_key("iss") && !answers.contains_key("code"));
    }
    let document = send(world.bus.by(&world.user, "GET /v2/whoami")).await.json();
    assert_eq!(document.get("octoblu"), None);
}

#[tokio::test]
async fn a_client_keeps_its_three_oldest_and_its_newest_tokens_of_a_device_and_ends_none_of_another_client() {
    let world = World::open().await;
    let other = super::client(&world.bus, json!({"callbackUrl": CALLBACK})).await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(token(&world.exchange(&world.client, &world.code("").await, "").await));
    }
    let fourth = token(&world.exchange(&world.client, &world.code("").await, "").await);
    let mut person = world.person();
    let authorize = format!("/authorize?response_type=code&client_id={}", other.uuid);
    let consent = person.sign_in(&authorize, &world.user).await;
    let code = query(&person.press(&consent, "allow").await).remove("code").unwrap();
    let others = token(&world.exchange(&other, &code, "").await);
    for _ in 0..13 {
        assert_eq!(world.bearer(&fourth).await.status, 200);
        kept.push(token(&world.exchange(&world.client, &world.code("").await, "").await));
    }
    assert_eq!(world.bearer(&fourth).await.status, 403, "of seventeen the fourth ends");
    for token in kept.iter().chain([&others]) {
        assert_eq!(world.bearer(token).await.status, 200);
    }
    let search = world.bus.by(&world.user, "POST /search/tokens").header("content-type", "application/json");
    let found = send(search.body(json!({"metadata.client_id": world.client.uuid}).to_string())).await.json();
    let tag = format!("oauth-{}", world.client.uuid);
    assert_eq!(found[0]["metadata"], json!({"tag": tag, "client_id": world.client.uuid}));
    assert_eq!(found.as_array().unwrap().len(), 16);

    // Whoever owns the device ends them all at once.
    let revoke = format!("DELETE /devices/{}/tokens?tag={tag}", world.user.uuid);
    send(world.bus.by(&world.user, &revoke)).await.is(204, "");
    for token in &kept {
        assert_eq!(world.bearer(token).await.status, 403);
    }
    assert_eq!(world.bearer(&others).await.status, 200);
}

#[tokio::test]
async fn a_client_may_prove_itself_in_the_header() {
    let world = World::open().await;
    let code = world.code("").await;
    let form = format!("grant_type=authorization_code&code={code}");
    let request = world.bus.by(&world.client, "POST /access_token");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    token(&send(request.body(form)).await);
}
