//! People sign in with the bus: its own page here, a Meshblu's provider elsewhere.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::json;

use super::{House, at_the_bus, must_sign_in};
use crate::support::browser::Browser;
use crate::support::bus::send;
use crate::support::fake_api::Answer as ApiAnswer;
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, SERVICE, json_answer, settings};
use crate::support::provider::form;

fn query(address: &str) -> std::collections::HashMap<String, String> {
    address.parse::<Url>().unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn somebody_signs_in_as_their_device_on_the_embedded_bus() {
    let house = House::open().await;
    let device = house.stranger().await;
    let mut browser = house.signed_in_with_bus(&device).await;
    let console = browser.get("/console").await;
    assert_eq!(console.status, 200, "{console:?}");
    assert!(console.text.contains(&device.uuid), "{console:?}");
    assert!(!console.text.contains("octocat"), "{console:?}");
}

#[tokio::test]
async fn somebody_is_signed_in_with_two_browsers_until_they_end_what_the_gateway_was_given() {
    let house = House::open().await;
    let device = house.stranger().await;
    let mut first = house.signed_in_with_bus(&device).await;
    let mut second = house.signed_in_with_bus(&device).await;
    for browser in [&mut first, &mut second] {
        assert_eq!(browser.get("/console").await.status, 200);
    }
    let service = house.gateway.gateway.bus.embedded().unwrap().service();
    let revoke = format!("DELETE /devices/{}/tokens?tag=oauth-{service}", device.uuid);
    send(house.gateway.by(&device, &revoke)).await.is(204, "");
    for browser in [&mut first, &mut second] {
        must_sign_in(&browser.get("/console").await);
    }
}

#[tokio::test]
async fn who_says_nothing_else_goes_on_to_the_api_as_the_original_does() {
    let house = House::open().await;
    let mut browser = house.browser();
    let device = house.stranger().await;
    let start = browser.get("/auth/octoblu").await;
    let back = house.at_the_bus(start.header("location").unwrap(), &device).await;
    let answer = browser.get_from("same-site", &back).await;
    let to = answer.header("location").unwrap();
    assert!(answer.status == 303 && to.starts_with("/auth/api?meant="), "{answer:?}");
}

#[tokio::test]
async fn behind_a_proxy_that_speaks_tls_on_this_machine_the_bus_calls_itself_as_its_operator_does() {
    for page in ["https://localhost:8443", "https://bus.localhost/at/", "http://bus.example"] {
        let house = House::with(|config| config.bus.oauth_url = Some(page.to_owned())).await;
        let device = house.stranger().await;
        let mut browser = house.browser();
        let start = browser.get("/auth/octoblu?next=/console").await;
        let to = start.header("location").unwrap().to_owned();
        let path = to.strip_prefix(page.trim_end_matches('/')).unwrap();
        let mut at_bus = house.at_bus();
        let back = at_the_bus(&mut at_bus, path, &device).await;
        assert_eq!(query(&back)["iss"], page.trim_end_matches('/'));
        let is_secure = page.starts_with("https:");
        let is_kept_so = |line: &String| line.starts_with("__Host-") && line.ends_with("; Secure");
        assert!(at_bus.set.iter().all(|line| is_kept_so(line) == is_secure), "{:?}", at_bus.set);
        let answer = browser.get(&back).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, Some("/console")),
            "{page}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_elsewhere_after_the_sign_in() {
    let house = House::open().await;
    let device = house.stranger().await;
    for next in [
        "https://elsewhere.example",
        "//elsewhere.example",
        "/console/../..//x\\y",
        "/auth/api/callback?code=x",
    ] {
        let mut browser = house.browser();
        let mut start: Url = format!("{}/auth/octoblu", house.url()).parse().unwrap();
        start.query_pairs_mut().append_pair("next", next);
        let answer = browser.get(start.as_str()).await;
        let back = house.at_the_bus(answer.header("location").unwrap(), &device).await;
        assert_eq!(browser.get(&back).await.header("location"), Some("/console"), "{next}");
    }
}

#[tokio::test]
async fn an_answer_of_the_bus_is_good_once_and_in_the_browser_that_began() {
    let house = House::open().await;
    let device = house.stranger().await;
    let mut browser = house.browser();
    let start = browser.get("/auth/octoblu").await;
    let back = house.at_the_bus(start.header("location").unwrap(), &device).await;

    // A thief has somebody else's browser open the answer, to have it signed in as the thief.
    let mut victim = house.browser();
    victim.get("/auth/octoblu").await;
    for browser in [&mut house.browser(), &mut victim] {
        let answer = browser.get(&back).await;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.text.contains("did not begin that sign-in"), "{answer:?}");
        must_sign_in(&browser.get("/console").await);
    }
    assert_eq!(browser.clone().get(&back).await.status, 303);
    let answer = browser.get(&back).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    must_sign_in(&browser.get("/console").await);
}

#[tokio::test]
async fn a_person_who_says_no_at_the_bus_is_told_so() {
    let house = House::open().await;
    let mut browser = house.browser();
    let start = browser.get("/auth/octoblu").await;
    let state = query(start.header("location").unwrap()).remove("state").unwrap();
    let answer = browser.get(&format!("/auth/octoblu/callback?error=access_denied&state={state}")).await;
    let page = browser.follow(answer).await;
    assert!(page.text.contains("You said no at the bus"), "{page:?}");
    must_sign_in(&browser.get("/console").await);
}

#[tokio::test]
async fn a_sign_in_with_the_bus_is_over_after_ten_minutes() {
    let house = House::open().await;
    let mut browser = house.browser();
    let start = browser.get("/auth/octoblu").await;
    let state = query(start.header("location").unwrap()).remove("state").unwrap();
    house.wait(Duration::from_secs(601));
    let answer = browser.get(&format!("/auth/octoblu/callback?code=x&state={state}")).await;
    assert!(answer.text.contains("longer than ten minutes"), "{answer:?}");
}

/// A gateway on a Meshblu elsewhere, whose provider is at the same address.
async fn remote(meshblu: &FakeMeshblu) -> (RemoteGateway, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.bus.oauth_url = Some(meshblu.url());
    (RemoteGateway::with(settings).await.unwrap(), directory)
}

fn at(gateway: &RemoteGateway) -> Browser {
    Browser::at(&format!("http://{}", gateway.running.gateway()))
}

#[tokio::test]
async fn somebody_signs_in_with_a_meshblu_as_the_original_asks() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = remote(&meshblu).await;
    let mut browser = at(&gateway);
    let start = browser.get("/auth/octoblu?next=/console").await;
    let to = start.header("location").unwrap();
    assert!(
        to.starts_with(&format!("{}/authorize?response_type=code&client_id={SERVICE}&state=", meshblu.url()))
    );
    let state = query(to).remove("state").unwrap();
    assert_eq!(query(to).len(), 3, "{to}");

    let token = STANDARD.encode("user-0001:canary-of-a-user-s-token");
    meshblu.answer("POST /access_token", [json_answer(200, &json!({"access_token": token}))]);
    meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": "user-0001"}))]);
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([]))]);
    let answer = browser.get(&format!("/auth/octoblu/callback?code=c%2Fd&state={state}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/console")), "{answer:?}");
    let console = browser.get("/console").await;
    assert!(console.text.contains("user-0001"), "{console:?}");

    let exchange = meshblu.calls().into_iter().find(|seen| seen.target == "/access_token").unwrap();
    let sent = form(&exchange);
    assert_eq!(sent["grant_type"], "authorization_code");
    assert_eq!((&*sent["client_id"], &*sent["client_secret"]), (SERVICE, "service-token-0001"));
    assert_eq!((&*sent["code"], sent.len()), ("c/d", 4));
    for line in browser.set.iter().chain(&browser.visited) {
        assert!(!line.contains("canary") && !line.contains(&token), "{line}");
    }

    // The Meshblu does not know the token any more.
    meshblu.answer("POST /authenticate", [ApiAnswer::new(403, &[], "")]);
    must_sign_in(&browser.get("/console").await);
}

#[tokio::test]
async fn a_sign_out_ends_its_token_on_a_meshblu_and_is_one_also_where_that_fails() {
    const END: &str = "DELETE /devices/user-0001/tokens/canary%2Ftoken";
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = remote(&meshblu).await;
    let token = STANDARD.encode("user-0001:canary/token");
    meshblu.answer("POST /access_token", [json_answer(200, &json!({"access_token": token}))]);
    meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": "user-0001"}))]);
    meshblu.answer("POST /search/devices", [json_answer(200, &json!([]))]);
    for (times, answer) in [
        (1, ApiAnswer::new(204, &[], "")),
        (2, ApiAnswer::new(500, &[], "oops")),
        (3, ApiAnswer::new(401, &[], "")),
    ] {
        meshblu.answer(END, [answer]);
        let mut browser = at(&gateway);
        let start = browser.get("/auth/octoblu?next=/console").await;
        let state = query(start.header("location").unwrap()).remove("state").unwrap();
        let back = browser.get(&format!("/auth/octoblu/callback?code=c&state={state}")).await;
        assert_eq!(back.header("location"), Some("/console"), "{back:?}");
        let page = browser.get("/console").await;
        let out = browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!(out.header("location"), Some("/sign-in?out"), "{out:?}");
        let says = "You are signed out. The bus may still know this browser: sign out there too, where others use it.";
        let page = browser.follow(out).await;
        assert!(page.text.contains(says), "{page:?}");
        must_sign_in(&browser.get("/console").await);
        assert_eq!(meshblu.called().iter().filter(|call| *call == END).count(), times);
    }
}

#[tokio::test]
async fn a_meshblu_that_names_nobody_signs_nobody_in() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = remote(&meshblu).await;
    let token = |text: &str| json_answer(200, &json!({"access_token": text}));
    let theirs = STANDARD.encode("user-0001:token");
    for (answer, status) in [
        (ApiAnswer::new(401, &[], "no"), 403),
        (ApiAnswer::new(500, &[], "oops"), 502),
        (token("%%%"), 502),
        (token(&STANDARD.encode("no colon")), 502),
        (token(&theirs), 502),
    ] {
        let mut browser = at(&gateway);
        let start = browser.get("/auth/octoblu").await;
        let state = query(start.header("location").unwrap()).remove("state").unwrap();
        meshblu.answer("POST /access_token", [answer]);
        // The token is of somebody else than it says.
        meshblu.answer("GET /v2/whoami", [json_answer(200, &json!({"uuid": "another"}))]);
        let answer = browser.get(&format!("/auth/octoblu/callback?code=c&state={state}")).await;
        assert_eq!(answer.status, status, "{answer:?}");
        must_sign_in(&browser.get("/console").await);
    }
}

#[tokio::test]
async fn a_gateway_that_was_not_told_where_the_provider_is_says_so() {
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let mut browser = at(&gateway);
    assert!(browser.get("/sign-in").await.text.contains("bus.oauth_url"));
    let answer = browser.get("/auth/octoblu").await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(answer.text.contains("bus.oauth_url"), "{answer:?}");
    assert!(gateway.running.sign_in_link().is_none());
}
