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
    let mut house = House::with(None, change).await;
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

#[tokio::test]
async fn a_provider_that_quotes_the_token_in_any_form_does_not_have_it_logged() {
    let mut house = house("access-of-before", TOKEN, |_| ()).await;
    for form in forms(TOKEN) {
        let said = format!("The refresh token {form} is invalid or has expired");
        let said = json!({"error": "invalid_scope", "error_description": said}).to_string();
        house.provider.plan([Fault::Say(400, said.leak())]);
        house.hand.forward(Duration::from_secs(7200));
        house.ask().await;
        let mut lines = log::lines_with(house.chain.user.uuid.as_str());
        lines.retain(|line| line.contains("the provider refused"));
        let line = lines.pop().unwrap();
        let error: Value = serde_json::from_str::<Value>(&line).unwrap()["error"].take();
        let error = error.as_str().unwrap().replace("[redacted]", "…").replace("… …", "…");
        let told = "the provider refused: invalid_scope The refresh token … is invalid or has expired";
        assert!(error.ends_with(told), "{form}: {line}");
    }
}
