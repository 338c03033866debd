//! What a restart of the program keeps: who is signed in, and which codes are used.

use std::process::Stdio;

use serde_json::json;

use super::CALLBACK;
use super::person::{Person, location, query};
use crate::support::browser::Browser;
use crate::support::bus::{Answer, Device, WithJson, send};
use crate::support::program::Program;
use crate::support::provider::FakeProvider;

async fn register(program: &Program, options: serde_json::Value) -> Device {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let document = json!({"configureWhitelist": [], "options": options});
    let registered = send(client.post(format!("{}/devices", program.bus)).json(&document)).await.json();
    let text = |name: &str| registered[name].as_str().unwrap().to_owned();
    Device { uuid: text("uuid"), token: text("token") }
}

async fn exchange(person: &mut Person, client: &Device, code: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &client.uuid),
        ("client_secret", &client.token),
        ("code", code),
    ];
    let request = person.form("/access_token", &fields);
    person.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn used_codes_stay_used_and_people_stay_signed_in_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let client = register(&program, json!({"callbackUrl": CALLBACK})).await;
    let user = register(&program, json!({})).await;
    let authorize = format!("/authorize?response_type=code&client_id={}", client.uuid);
    let mut person = Person::at(&program.bus);
    let consent = person.sign_in(&authorize, &user).await;
    let used = query(&person.press(&consent, "allow").await).remove("code").unwrap();
    let unused = query(&person.get(&authorize).await).remove("code").unwrap();
    assert_eq!(exchange(&mut person, &client, &used).await.status, 200);
    program.kill();

    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let mut later = Person::at(&program.bus);
    later.cookie = person.cookie;
    assert_eq!(exchange(&mut later, &client, &used).await.status, 400);
    assert_eq!(exchange(&mut later, &client, &unused).await.status, 200);
    assert!(query(&later.get(&authorize).await).contains_key("code"));
}

/// A browser that the gateway sent to the bus, and whoever has signed in there, before the question of consent.
async fn at_the_bus(program: &Program) -> (Browser, Person, Answer) {
    let user = register(program, json!({})).await;
    let mut browser = Browser::at(&program.gateway);
    let start = browser.get("/auth/octoblu?next=/console").await;
    let mut person = Person::at(&program.bus);
    let consent = person.sign_in(start.header("location").unwrap(), &user).await;
    (browser, person, consent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_at_the_gateway_that_is_under_way_outlives_a_kill_and_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let (browser, mut person, consent) = at_the_bus(&program).await;
    // But for `iss`: here the bus moves to another port.
    let told = query(&person.press(&consent, "allow").await);
    let back = format!("/auth/octoblu/callback?code={}&state={}", told["code"], told["state"]);
    program.kill();

    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let mut later = browser.moved_to(&program.gateway);
    let answer = later.get(&back).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/console")), "{answer:?}");
    program.kill();

    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let mut again = browser.moved_to(&program.gateway);
    let answer = again.get(&back).await;
    assert!(answer.text.contains("finished already"), "{answer:?}");
}

/// Has the gateway in this directory be for the API of this provider.
fn be_for(directory: &std::path::Path, provider: &FakeProvider) {
    let url = |path: &str| provider.api.url(path);
    let text = format!(
        "[source]\nname = \"fake\"\nbase_url = \"{}\"\nauthorization_url = \"{}\"\ntoken_url = \"{}\"\nprofile_url = \"{}\"\n\
         profile_id = \"/account/id\"\nclient_id = \"id\"\nclient_secret = \"secret\"\n",
        url(""),
        url("/authorize"),
        url("/token"),
        url("/me")
    );
    std::fs::write(directory.join("endo.toml"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_one_api_is_never_shown_to_another_that_the_gateway_is_for_by_then() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (FakeProvider::start().await, FakeProvider::start().await);
    be_for(directory.path(), &one);
    let program = Program::start(directory.path(), &[], Stdio::null()).await;
    let (mut browser, mut person, consent) = at_the_bus(&program).await;
    let back = location(&person.press(&consent, "allow").await);
    assert_eq!(browser.get(back.as_str()).await.status, 303);
    let start = browser.get("/auth/api").await;
    let to: reqwest::Url = start.header("location").unwrap().parse().unwrap();
    let state = to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    program.kill();

    for (provider, status, requests) in [(&other, 403, 0), (&one, 303, 1)] {
        be_for(directory.path(), provider);
        let program = Program::start(directory.path(), &[], Stdio::null()).await;
        let mut later = browser.moved_to(&program.gateway);
        let answer = later.get(&format!("/auth/api/callback?code=good%20code&state={state}")).await;
        assert_eq!((answer.status.as_u16(), provider.token_requests()), (status, requests), "{answer:?}");
        program.kill();
    }
}
