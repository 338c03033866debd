//! What an API says of the end of a token reaches receipts in plain words alone, and the log as a code and a status.

use serde_json::{Value, json};

use super::Office;
use crate::support::fake_api::Answer;
use crate::support::log;
use crate::support::provider::FakeProvider;
use crate::support::quoted::{TOKEN, forms};

#[tokio::test]
async fn an_api_that_quotes_the_token_in_any_form_has_it_neither_in_a_receipt_nor_in_the_log() {
    log::capture();
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    for (id, form) in (1..).zip(forms(TOKEN)) {
        let credentials = office.keep(id, TOKEN, &format!("refresh-{id}")).await;
        office.forget(&credentials).await;
        let said = json!({"error": format!("The token {form} is in use")}).to_string();
        provider.revocation_meets([Answer::new(400, &[], &said), Answer::new(400, &[], &said)]);
        office.does_what_is_due().await;
        let receipt = office.receipts(&credentials).await.remove(0);
        assert!(!receipt_text(&office, receipt.id).await.contains(&form), "{form}");
        let told = receipt.api.unwrap().said.unwrap_or_else(|| panic!("{form}"));
        assert_eq!(told.replace("[redacted]", "…"), "the error The token … is in use", "{form}");
        let lines = log::lines_with(credentials.as_str());
        let lines = lines.iter().filter(|line| line.contains("the API was not told yet"));
        let errors: Vec<_> =
            lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["error"].take()).collect();
        assert!(!errors.is_empty(), "{form}");
        for error in errors {
            assert_eq!(error, "the provider refused with a code of its own, status 400", "{form}");
        }
    }
}

#[tokio::test]
async fn where_nothing_is_left_of_what_an_api_says_a_receipt_has_the_status() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let credentials = office.keep(1, TOKEN, "refresh-1").await;
    office.forget(&credentials).await;
    let said = json!({"error": TOKEN}).to_string();
    provider.revocation_meets([Answer::new(409, &[], &said), Answer::new(409, &[], &said)]);
    office.does_what_is_due().await;
    let told = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!(told.said.as_deref(), Some("the status 409"));
}

/// As it is in the database.
async fn receipt_text(office: &Office, receipt: i64) -> String {
    let look = office.gateway.store.read::<_, endo::store::StoreError, _>(move |view| view.receipt(receipt));
    look.await.unwrap().unwrap().document
}
