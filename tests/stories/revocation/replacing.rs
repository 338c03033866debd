//! A secret that a newer one took the place of is ended at the API, where that leaves the newer one alone.

use endo::config::{RevocationEnds, Source};
use endo::credentials::{Act, ApiVerdict};

use super::Office;
use crate::support::provider::FakeProvider;

#[tokio::test]
async fn a_secret_that_was_replaced_is_ended_and_the_newer_one_is_not() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (first, second) = (provider.grant(), provider.grant());
    let credentials = office.keep(42, &first.0, &first.1).await;
    let user_device = office.bind(&credentials).await;
    assert_eq!(office.keep(42, &second.0, &second.1).await, credentials);
    office.does_what_is_due().await;
    assert!(!provider.takes(&first.1) && provider.takes(&second.1));
    assert_eq!(office.open_for(&credentials, &user_device).await.unwrap(), second.0);
    let receipts = office.receipts(&credentials).await;
    assert_eq!((receipts.len(), receipts[0].act), (1, Act::Replaced));
    assert_eq!(receipts[0].api.as_ref().unwrap().verdict, ApiVerdict::Revoked);
    assert!(receipts[0].is_by(office.owner().as_str()));
    assert!(office.waiting().await.is_empty());
}

#[tokio::test]
async fn a_secret_that_the_api_hands_out_again_is_not_ended() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    office.keep(42, &access, &refresh).await;
    office.does_what_is_due().await;
    assert!(provider.takes(&refresh));
    assert!(office.receipts(&credentials).await.is_empty());
}

#[tokio::test]
async fn an_api_that_may_end_all_secrets_of_an_account_is_not_told_of_a_replaced_one() {
    let provider = FakeProvider::start().await;
    let by_hand = |revocation_ends| Source { revocation_ends, ..provider.settings() };
    let known = |name: &str| Source {
        provider: Some(name.to_owned()),
        client_id: Some("id".to_owned()),
        client_secret: Some("secret".to_owned().into()),
        ..Source::default()
    };
    for settings in [
        by_hand(RevocationEnds::default()),
        by_hand(RevocationEnds::Account),
        Source { provider: Some("google".to_owned()), ..by_hand(RevocationEnds::default()) },
        known("google"),
        Source { revocation_url: Some(provider.api.url("/revoke")), ..known("google") },
        // What is known of the provider's own way says nothing of another address.
        Source { revocation_url: Some(provider.api.url("/revoke")), ..known("gitlab") },
        Source { provider: Some("gitlab".to_owned()), ..by_hand(RevocationEnds::default()) },
        Source { revocation_ends: RevocationEnds::Account, ..known("gitlab") },
    ] {
        let office = Office::open(settings).await;
        let credentials = office.keep(42, "first", "first refresh").await;
        office.keep(42, "second", "second refresh").await;
        let receipts = office.receipts(&credentials).await;
        let answer = receipts[0].api.as_ref().unwrap();
        assert_eq!(answer.verdict, ApiVerdict::Spared);
        let said = answer.sentence("The API");
        assert!(said.starts_with("The API was not told: the account has signed in since"), "{said}");
        assert!(office.waiting().await.is_empty());
        office.does_what_is_due().await;
        assert_eq!(provider.ended(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_was_replaced_at_an_api_that_may_end_all_ends_with_what_took_its_place() {
    let provider = FakeProvider::start().await;
    let office = Office::that_ends_all(&provider).await;
    let (first, second, third) = (provider.grant(), provider.grant(), provider.grant());
    let credentials = office.keep(42, &first.0, &first.1).await;
    office.keep(42, &second.0, &second.1).await;
    office.gateway.credentials.renew_refused(&credentials, 2).await.unwrap();
    office.keep(42, &third.0, &third.1).await;
    office.does_what_is_due().await;
    assert_eq!(provider.ended(), Vec::<String>::new());
    office.forget(&credentials).await;
    office.does_what_is_due().await;
    let in_turn = ["refresh-3", "access-3", "refresh-1", "access-1", "refresh-4", "access-4"];
    assert_eq!(provider.ended(), in_turn);
    let receipts = office.receipts(&credentials).await;
    assert_eq!(receipts[0].api.as_ref().unwrap().verdict, ApiVerdict::Revoked);
    assert!(
        receipts[1]
            .api
            .as_ref()
            .unwrap()
            .sentence("The API")
            .contains("all are ended when the newer ones are not used")
    );
    assert!(office.waiting().await.is_empty());
}
