//! Credentials of another API than the settings name now: no page leads to a sign-in that is for another one.

use endo::store::{StoreError, StoredRecord};
use endo::vault::{Contents, Format, Owners, ResourceOwnerId};
use serde_json::Value;

use super::at_the_api::{Place, refused};
use crate::support::browser::{Browser, come_back, depart};
use crate::support::bus::{Answer, send};
use crate::support::gateway::Chain;

/// The same credentials under settings that name another API.
async fn moved() -> (Place, Chain, Browser) {
    let place = Place::open().await;
    let gateway = &place.house.gateway.gateway;
    let chain = place.house.gateway.chain(42).await;
    let contents = Contents {
        owners: Owners::named([gateway.owner.as_ref().unwrap().uuid.clone()]),
        source: Some("https://elsewhere.example/token".to_owned()),
        generation: 2,
        ..Contents::new(ResourceOwnerId::Number(42), "canary-secret".into())
    };
    let sealed = gateway.vault.seal(&chain.credentials, &contents, Format::Two).unwrap();
    let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
    let record = StoredRecord { generation: 2, endo, signature, source: contents.source };
    let device = chain.credentials.clone();
    let store = gateway.store.write(move |tx| tx.store_record(&device, &record));
    assert!(store.await.map_err(|error: StoreError| error).unwrap());
    let browser = place.house.signed_in().await;
    (place, chain, browser)
}

#[track_caller]
fn names_the_commands(text: &str, chain: &Chain) {
    let forget = format!("endo credentials forget {}", chain.credentials);
    assert!(text.contains("endo devices revoke") && text.contains(&forget), "{text}");
    assert!(text.contains("this gateway is for another one"), "{text}");
}

#[tokio::test]
async fn pages_offer_no_way_that_cannot_help_and_say_who_ends_them() {
    let (_place, chain, mut browser) = moved().await;
    let home = format!("/console/credentials/{}", chain.credentials);
    let page = browser.get(&home).await;
    assert!(page.text.contains("Of another API than this gateway"), "{page:?}");
    for way in ["/auth/api?credentials", "/cut-off", "/forget\"", "/leave\"", "/add-me", "/jobs\"", "Add one"]
    {
        assert!(!page.text.contains(way), "{way}: {page:?}");
    }
    names_the_commands(&page.text, &chain);
    let asked = browser.get(&format!("{home}/forget")).await;
    assert!(
        !asked.text.contains("/auth/api") && !asked.text.contains("<form method=\"post\" action=\"/console"),
        "{asked:?}"
    );
    names_the_commands(&asked.text, &chain);
}

#[tokio::test]
async fn programs_get_no_link_and_who_signs_in_all_the_same_is_told_why_in_vain() {
    let (place, chain, mut browser) = moved().await;
    let owner = place.house.gateway.owner();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("{}/credentials/{}", place.house.url(), chain.credentials);
    let answer: Answer = send(client.delete(url).basic_auth(&owner.uuid, Some(&owner.token))).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["link"]), (401, &Value::Null), "{answer:?}");
    names_the_commands(answer.json()["detail"].as_str().unwrap(), &chain);
    let state = depart(&mut browser, &format!("/auth/api?credentials={}", chain.credentials)).await;
    let told = come_back(&mut browser, &state).await;
    refused(&told, "These credentials are of another API than");
    assert!(!told.text.contains("choose the other account"), "{told:?}");
}
