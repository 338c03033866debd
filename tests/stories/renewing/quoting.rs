//! Whoever is told a token quotes it, in forms of all kinds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use endo::config::Config;
use endo::credentials::Account;
use serde_json::{Value, json};

use super::{House, account};
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::log;
use crate::support::provider::Fault;
use crate::support::quoted::{TOKEN, forms};

/// One whose account has these tokens, which the provider does not know.
async fn house(access: &str, refresh: &str, change: impl FnOnce(&mut Config)) -> House {
    log::capture();
    let once = |config: &mut Config| {
        config.jobs.repeats = 0;
        change(config);
    };
    let mut house = House::with(None, once).await;
    let asked = Some(house.gateway.gateway.credentials.asking().await.unwrap());
    let account = Account { asked, ..account(&house.gateway, access, Some(refresh)) };
    house.chain = house.gateway.chain_of(account).await;
    house
}

/// Answers with one form of the token after the other, in the answer that `answer` makes of words.
async fn quoting(answer: impl Fn(String) -> Answer + Send + Sync + 'static) -> FakeApi {
    let asked = AtomicUsize::new(0);
    FakeApi::start(move |_| {
        let form = forms(TOKEN).swap_remove(asked.fetch_add(1, Ordering::Relaxed));
        answer(format!("you sent {form}, which may not read events"))
    })
    .await
}

/// Asserts that neither the sender nor the status device is told more of the token than that it was quoted.
async fn assert_quoted_by_nobody(mut house: House) {
    for form in forms(TOKEN) {
        let reply = house.ask().await;
        let told = reply["metadata"]["error"]["message"].as_str().unwrap_or_else(|| panic!("{reply}"));
        let (_, quoted) = told.split_once("you sent ").unwrap_or_else(|| panic!("{told}"));
        let quoted = quoted.split([',', '…']).next().unwrap();
        assert_eq!(quoted, "[redacted]", "{form}: {told}");
        let by = house.gateway.owner();
        let status = house.gateway.device(&by, house.chain.user.status_device.as_str()).await;
        assert_eq!(status["status"]["errors"].as_array().unwrap().last().unwrap()["message"], told);
        assert!(log::lines_with(house.chain.credentials.as_str()).iter().all(|line| !line.contains(&form)));
    }
}

#[tokio::test]
async fn an_api_that_quotes_the_token_in_any_form_does_not_have_it_told() {
    let say =
        |words| Answer::new(403, &["content-type: application/json"], json!({"message": words}).to_string());
    let api = quoting(say).await;
    let url = api.url("");
    assert_quoted_by_nobody(house(TOKEN, "refresh", |config| config.source.base_url = Some(url)).await).await;
}

#[tokio::test]
async fn nor_does_a_handler() {
    let say = |words| Answer::new(500, &[], json!({"error": {"code": 403, "message": words}}).to_string());
    let handler = quoting(say).await;
    let url = handler.url("/");
    assert_quoted_by_nobody(house(TOKEN, "refresh", |config| config.jobs.fallback = Some(url)).await).await;
}

/// Asserts that a provider that refuses with this error, and says this of it, has its code and status logged alone.
async fn assert_logged(house: &mut House, (error, code): (&str, &str), said: &str) {
    let answer = json!({"error": error, "error_description": said}).to_string();
    house.provider.plan([Fault::Say(400, answer.leak())]);
    house.hand.forward(Duration::from_secs(7200));
    house.ask().await;
    let mut lines = log::lines_with(house.chain.user.uuid.as_str());
    lines.retain(|line| line.contains("the provider refused"));
    let line = serde_json::from_str::<Value>(&lines.pop().unwrap()).unwrap();
    let refused = format!("the provider refused with {code}, status 400");
    let told = format!("the credentials were not renewed: the provider refused the gateway: {refused}");
    assert_eq!(line["error"], told, "{said}");
}

const SCOPE: (&str, &str) = ("invalid_scope", "invalid_scope");

#[tokio::test]
async fn a_provider_that_quotes_the_token_in_any_form_does_not_have_it_logged() {
    let mut house = house("access-of-before", TOKEN, |_| ()).await;
    for form in forms(TOKEN) {
        let said = format!("The refresh token {form} is invalid or has expired");
        assert_logged(&mut house, SCOPE, &said).await;
        assert_logged(&mut house, (&form, "a code of its own"), &said).await;
    }
}

#[tokio::test]
async fn nor_one_that_spells_it() {
    let mut house = house("access-of-before", TOKEN, |_| ()).await;
    let letters: Vec<_> = TOKEN.chars().map(String::from).collect();
    let backwards: String = TOKEN.chars().rev().collect();
    let pieces: Vec<_> = TOKEN.as_bytes().chunks(6).map(String::from_utf8_lossy).collect();
    for spelled in
        [letters.join(" "), letters.join(" then "), letters.join(", "), backwards, pieces.join(" ")]
    {
        assert_logged(&mut house, SCOPE, &format!("You sent {spelled}")).await;
    }
}

#[tokio::test]
async fn nor_one_that_tells_the_words_that_it_is_made_of() {
    let mut house = house("access-of-before", "invalid-subscriber-token-password", |_| ()).await;
    for said in [
        "invalid_subscriber_token_password",
        "Invalid Subscriber; Token; Password",
        "passwordTokenSubscriberInvalid",
        "drowssap-nekot-rebircsbus-dilavni",
        "invalid, and then subscriber, and then token",
    ] {
        assert_logged(&mut house, SCOPE, said).await;
        assert_logged(&mut house, (said, "a code of its own"), said).await;
    }
}
