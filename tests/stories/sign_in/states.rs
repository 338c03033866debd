//! How credentials stand, and what went wrong lately, in words.

use std::time::Duration;

use endo::ambient::Timestamp;
use endo::config::RefreshRetry;
use endo::source::renewal::begin_life;
use endo::store::{RenewalStage, StoreError, StoredRefreshToken, StoredRenewal};

use super::House;
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::gateway::Chain;

impl House {
    /// Has this known of the secret of the chain's credentials.
    async fn know(&self, chain: &Chain, renewal: StoredRenewal) {
        let device = chain.credentials.clone();
        let store = &self.gateway.gateway.store;
        store.write::<_, StoreError, _>(move |tx| tx.store_renewal(&device, &renewal)).await.unwrap();
    }

    fn now(&self) -> Timestamp {
        self.gateway.gateway.ambient.clock.now()
    }
}

fn refresh(stage: RenewalStage, sent: u32) -> Option<StoredRefreshToken> {
    Some(StoredRefreshToken { stage, sent, ..StoredRefreshToken::new([1; 32]) })
}

/// What may be known of a secret, and what is said of it.
fn known(fresh: &StoredRenewal, now: Timestamp) -> [(StoredRenewal, &'static str); 7] {
    let at_stage = |stage, sent| StoredRenewal {
        refresh: refresh(stage, sent),
        expires_at: None,
        renew_at: None,
        ..fresh.clone()
    };
    [
        (at_stage(RenewalStage::Idle, 0), "Works</p>"),
        (fresh.clone(), "Works, and renews itself</p>"),
        (
            StoredRenewal { renew_at: None, ..fresh.clone() },
            "Works until <time datetime=\"2027-01-15T09:00:00Z\">",
        ),
        (
            StoredRenewal {
                expires_at: Some(now),
                refresh: Some(StoredRefreshToken { failures: 1, ..StoredRefreshToken::new([1; 32]) }),
                ..fresh.clone()
            },
            "Does not work now: it ran out, and the API did not renew it. That is tried again; to sign in again may help</p>",
        ),
        (
            at_stage(RenewalStage::InDoubt, 1),
            "In doubt: a renewal is not answered, and is not tried again. The secret is used until the API refuses it, then you \
             need to sign in again</p>",
        ),
        (
            at_stage(RenewalStage::Refused, 0),
            "Works until the API refuses it, then you need to sign in again",
        ),
        (
            StoredRenewal { expires_at: Some(now), ..at_stage(RenewalStage::Refused, 0) },
            "Needs you to sign in again",
        ),
    ]
}

#[tokio::test]
async fn credentials_say_in_words_how_they_stand() {
    let house = House::with(|config| {
        config.source.client_id = Some("gateway id".to_owned());
        config.source.client_secret = Some("of the gateway".to_owned().into());
        config.source.refresh_retry = RefreshRetry::Never;
    })
    .await;
    let chain = house.gateway.chain(42).await;
    let mut browser = house.signed_in().await;
    let life = begin_life(1, house.now(), Some(Duration::from_secs(3600)), 0.5);
    let fresh = life.renewed_by(refresh(RenewalStage::Idle, 0));
    for (renewal, words) in known(&fresh, house.now()) {
        house.know(&chain, renewal).await;
        let page = browser.get("/console").await;
        assert!(page.text.contains(words), "{words}: {page:?}");
    }
    let page = browser.get(&format!("/console/credentials/{}", chain.credentials)).await;
    assert!(page.text.contains("The secret is not accepted any more."), "{page:?}");
    house.know(&chain, StoredRenewal { renew_at: None, ..fresh }).await;
    house.wait(Duration::from_secs(3600));
    let page = browser.get("/console").await;
    assert!(page.text.contains("Needs you to sign in again"), "nothing renews what has ended: {page:?}");
}

#[tokio::test]
async fn a_message_that_a_dead_secret_did_not_serve_is_the_last_message_and_no_use() {
    let house = House::with(|config| {
        config.source.client_id = Some("gateway id".to_owned());
        config.source.client_secret = Some("of the gateway".to_owned().into());
    })
    .await;
    let mut chain = house.gateway.chain(42).await;
    let mut browser = house.signed_in().await;
    let life = begin_life(1, house.now(), Some(Duration::from_secs(3600)), 0.5);
    let refused = life.renewed_by(refresh(RenewalStage::Refused, 0));
    house.know(&chain, StoredRenewal { expires_at: Some(house.now()), ..refused }).await;
    let message = serde_json::json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "x"}});
    assert_eq!(house.gateway.exchange(&mut chain, message).await["metadata"]["code"], 401);
    for _ in 0..2 {
        let page = browser.get(&format!("/console/credentials/{}", chain.credentials)).await;
        assert!(page.text.contains("last message <time datetime=\"2027-01-15T08:00:00Z\">"), "{page:?}");
        let console = browser.get("/console").await;
        assert!(!console.text.contains("last used"), "{console:?}");
        house.gateway.gateway.credentials.note_uses().await;
    }
}

#[tokio::test]
async fn what_a_device_was_used_for_last_and_what_went_wrong_stands_beside_it() {
    let api = FakeApi::answering(ApiAnswer::new(404, &["content-type: application/json"], "{}")).await;
    let house = House::at(api, |_| ()).await;
    let mut chain = house.gateway.chain(42).await;
    let mut browser = house.signed_in().await;
    let home = format!("/console/credentials/{}", chain.credentials);
    let page = browser.get(&home).await;
    assert!(page.text.contains("no message yet") && !page.text.contains("noted</summary>"), "{page:?}");
    let message =
        serde_json::json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "nobody"}});
    for noted in ["One error noted", "2 errors noted"] {
        let reply = house.gateway.exchange(&mut chain, message.clone()).await;
        let page = browser.get(&home).await;
        assert!(page.text.contains(noted) && page.text.contains("(code <bdi>404</bdi>)"), "{reply} {page:?}");
        assert!(page.text.contains("last message <time datetime=\"2027-01-15T08:00:00Z\">"), "{page:?}");
        let said = reply["metadata"]["error"]["message"].as_str().unwrap();
        assert!(page.text.contains(said), "{said}: {page:?}");
    }
    let console = browser.get("/console").await;
    assert!(console.text.contains("last used <time datetime=\"2027-01-15T08:00:00Z\">"), "{console:?}");

    // A device that points at somebody else's status tells nothing of it.
    let other = house.gateway.chain(43).await;
    let theirs =
        house.gateway.device(&house.gateway.owner(), chain.user.uuid.as_str()).await["statusDevice"].clone();
    house
        .gateway
        .update_itself(other.user.uuid.as_str(), &serde_json::json!({"$set": {"statusDevice": theirs}}))
        .await;
    let page = browser.get(&format!("/console/credentials/{}", other.credentials)).await;
    assert!(page.text.contains("no message yet") && !page.text.contains("noted</summary>"), "{page:?}");
}
