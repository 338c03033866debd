//! Requests that are refused where they arrive, and those that the client is told about.

use serde_json::json;

use super::person::{location, query};
use super::{CALLBACK, World, client};

const CALLBACK_ENCODED: &str = "https%3A%2F%2Fendo.example%2Fauth%2Foctoblu%2Fcallback%3Fkept%3D1";

#[tokio::test]
async fn a_request_without_a_client_is_refused_in_the_words_of_the_original() {
    let world = World::open().await;
    let mut person = world.person();
    let hidden = json!({"discoverWhitelist": [], "options": {"callbackUrl": CALLBACK}});
    let hidden = world.bus.register(hidden).await.uuid;
    let no_client = world.user.uuid.clone();
    person.get("/authorize?response_type=code").await.is(400, r#"{"error":"Missing clientId"}"#);
    person.get("/authorize?client_id=").await.is(400, r#"{"error":"Missing clientId"}"#);
    for uuid in ["nobody", &*"x".repeat(5000), &hidden, &no_client, "a&client_id=b", "%00%0d%0a"] {
        let answer = person.get(&format!("/authorize?response_type=code&client_id={uuid}")).await;
        answer.is(400, r#"{"error":"Unable to get Client"}"#);
    }
}

#[tokio::test]
async fn a_program_that_wants_no_page_is_told_in_json_what_is_wrong() {
    let world = World::open().await;
    let mut person = world.person();
    for accept in ["text/html;q=0, */*", "application/json, text/html;q=0.5"] {
        let answer = person.get_accepting("/authorize", accept).await;
        answer.is(400, r#"{"error":"Missing clientId"}"#);
    }
    assert!(person.get_page("/authorize").await.text.contains("<html"));
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered_exactly() {
    let world = World::open().await;
    let mut person = world.known_person().await;
    for target in [
        format!("{CALLBACK_ENCODED}%26more"),
        format!("{CALLBACK_ENCODED}1"),
        format!("{CALLBACK_ENCODED}%2Fmore"),
        CALLBACK_ENCODED.replace("%3Fkept%3D1", "%2Fmore%3Fkept%3D1"),
        format!("{CALLBACK_ENCODED}%2F..%2Fevil"),
        format!("{CALLBACK_ENCODED}&redirect_uri={CALLBACK_ENCODED}"),
        CALLBACK_ENCODED.replace("https", "http"),
        CALLBACK_ENCODED.replace("endo.example", "endo.example.evil.example"),
        CALLBACK_ENCODED.replace("endo.example", "endo.example%40evil.example"),
        CALLBACK_ENCODED.replace("endo.example", "ENDO.example"),
        CALLBACK_ENCODED.replace("%2F%2F", "%2F%2F%5C"),
        "%2F%2Fevil.example".to_owned(),
        "javascript%3Aalert(1)".to_owned(),
        format!("{CALLBACK_ENCODED}%23fragment"),
        format!("{CALLBACK_ENCODED}%0D%0ALocation%3A%20x"),
    ] {
        let answer = person.get(&world.authorize(&format!("&redirect_uri={target}"))).await;
        assert_eq!(answer.header("location"), None, "{target}");
        let body = json!({
            "code": 400,
            "error": "invalid_request",
            "error_description": "redirect_uri does not match",
        });
        answer.is(400, &body.to_string());
    }
    let named = person.get(&world.authorize(&format!("&redirect_uri={CALLBACK_ENCODED}"))).await;
    assert!(location(&named).as_str().starts_with(CALLBACK));
}

#[tokio::test]
async fn addresses_that_no_browser_should_be_sent_to_cannot_be_registered() {
    let world = World::open().await;
    for callback in
        ["javascript:alert(1)", "data:text/html,x", "/relative", "https://x.example/#f", "", "x:y"]
    {
        let client = client(&world.bus, json!({"callbackUrl": callback})).await;
        let path = format!("/authorize?response_type=code&client_id={}", client.uuid);
        world.person().get(&path).await.is(400, r#"{"error":"Unable to get Client"}"#);
    }
}

#[tokio::test]
async fn a_client_may_register_several_addresses_also_on_the_person_s_own_machine() {
    let options = json!({
        "callbackUrl": CALLBACK,
        "redirectUris": ["http://127.0.0.1/done", "http://[::1]/done", "com.example.app:/done"],
    });
    let world = World::with(options).await;
    let mut person = world.known_person().await;
    for (target, is_registered) in [
        ("http://127.0.0.1/done", true),
        ("http://127.0.0.1:54321/done", true),
        ("http://[::1]:54321/done", true),
        ("com.example.app:/done", true),
        ("http://127.0.0.1:54321/elsewhere", false),
        ("http://127.0.0.2:54321/done", false),
        ("http://localhost:54321/done", false),
        ("https://127.0.0.1:54321/done", false),
        ("https://endo.example:8443/auth/octoblu/callback?kept=1", false),
        ("com.example.other:/done", false),
    ] {
        let answer = person.get(&world.authorize(&format!("&redirect_uri={target}"))).await;
        assert_eq!(answer.status == 303, is_registered, "{target}: {answer:?}");
        if is_registered {
            assert!(location(&answer).as_str().starts_with(target));
        }
    }
}

#[tokio::test]
async fn a_client_is_told_what_is_wrong_with_its_request() {
    let world = World::open().await;
    let mut person = world.known_person().await;
    let client = format!("client_id={}&state=s", world.client.uuid);
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for (parameters, error) in [
        (String::new(), "invalid_request"),
        ("response_type=token".to_owned(), "unsupported_response_type"),
        ("response_type=code+token".to_owned(), "unsupported_response_type"),
        ("response_type=code&response_type=code".to_owned(), "invalid_request"),
        (format!("response_type=code&code_challenge={challenge}"), "invalid_request"),
        (
            format!("response_type=code&code_challenge={challenge}&code_challenge_method=plain"),
            "invalid_request",
        ),
        ("response_type=code&code_challenge=short&code_challenge_method=S256".to_owned(), "invalid_request"),
        ("response_type=code&code_challenge_method=S256".to_owned(), "invalid_request"),
    ] {
        let answers = query(&person.get(&format!("/authorize?{client}&{parameters}")).await);
        assert_eq!((&*answers["error"], &*answers["state"]), (error, "s"), "{parameters}");
        assert!(answers.contains_key("iss") && !answers.contains_key("code"));
    }
    for state in ["%ff", "%0a", "a&state=b", &"x".repeat(3000)] {
        let answers = query(&person.get(&world.authorize(&format!("&state={state}"))).await);
        assert_eq!((&*answers["error"], answers.get("state")), ("invalid_request", None), "{state}");
    }
}

#[tokio::test]
async fn what_a_client_registered_to_send_always_is_required() {
    for (option, parameter) in [
        ("state", "&state=s"),
        ("pkce", "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"),
    ] {
        let world = World::with(json!({"callbackUrl": CALLBACK, (option): true})).await;
        let mut person = world.person();
        let answers = query(&person.get(&world.authorize("")).await);
        assert_eq!(answers["error"], "invalid_request");
        assert_eq!(person.get(&world.authorize(parameter)).await.status, 200);
    }
}

#[tokio::test]
async fn a_person_whom_a_wrong_link_led_to_the_bus_sees_a_page_that_says_what_to_do() {
    let world = World::open().await;
    let foreign = format!(
        "?response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fevil.example",
        world.client.uuid
    );
    for (query, says) in [
        ("", "does not say which program"),
        ("?client_id=nobody", "names a program that this bus does not know"),
        (&*foreign, "never registered"),
    ] {
        let mut person = world.person();
        let path = format!("/authorize{query}");
        let page = person.get_page(&path).await;
        assert_eq!((page.status.as_u16(), page.header("location")), (400, None), "{page:?}");
        assert!(page.text.contains(says) && page.text.contains("Nothing was done."), "{page:?}");
        assert!(person.get(&path).await.text.starts_with("{\""), "programs read JSON");
    }
}
