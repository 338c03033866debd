//! Somebody signs in again while the secret before is renewed.

use std::sync::Arc;

use endo::ambient::Random;
use endo::credentials::{CredentialsError, Health};
use endo::source::renewal::Upstream;
use endo::vault::SealedText;
use tokio::sync::Semaphore;

use super::{HOUR, House, account, list_events, until};
use crate::support::provider::Fault;

impl House {
    /// The owner signs in again, and the API gives these tokens.
    pub(super) async fn sign_in(&self, access: &str, refresh: Option<&str>) {
        let account = account(&self.gateway, access, refresh);
        let kept = self.gateway.gateway.credentials.keep(account).await.unwrap();
        assert_eq!(kept, self.chain.credentials);
    }

    /// The access and the refresh token that are kept.
    async fn held(&self) -> (String, Option<String>) {
        let record = self.record().await;
        let sealed = SealedText { endo: &record.endo, signature: &record.signature };
        let vault = &self.gateway.gateway.vault;
        let opened = vault.open(&self.chain.credentials, sealed, self.hand.now()).unwrap();
        let refresh = opened.refresh_token().map(|token| token.expose().to_owned());
        (opened.secret().expose().to_owned(), refresh)
    }
}

#[tokio::test]
async fn an_access_token_that_a_sign_in_brought_outlives_the_refresh_token_of_before() {
    let mut house = House::open(None).await;
    let gate = Arc::new(Semaphore::new(0));
    let refusal = r#"{"error":"invalid_grant"}"#;
    house.provider.plan([Fault::SayLate(Arc::clone(&gate), 400, refusal)]);
    house.provider.expire("access-1");
    house.gateway.send(&house.chain, list_events()).await;
    until(|| house.provider.token_requests() == 1).await;
    let (access, _) = house.provider.grant();
    house.sign_in(&access, None).await;
    gate.add_permits(1);
    assert_eq!(house.chain.flow.next().await["metadata"]["code"], 200, "what waited for the renewal");
    let standing = house.standing().await;
    assert!(matches!(standing.health, Health::Dead { .. }), "{standing:?}");
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    assert_eq!(
        house.provider.api_calls(),
        ["GET Bearer access-1", "GET Bearer access-2", "GET Bearer access-2"]
    );

    house.provider.expire("access-2");
    for _ in 0..2 {
        assert_eq!(house.ask().await["metadata"]["code"], 401);
    }
    assert_eq!(house.provider.api_calls().len(), 4, "what the API refuses is over");
    assert_eq!(house.provider.token_requests(), 1);
}

#[tokio::test]
async fn a_refresh_token_that_a_sign_in_brings_again_while_it_is_under_way_is_not_sent_a_second_time() {
    for is_answered in [true, false] {
        let mut house = House::open(None).await;
        let gate = Arc::new(Semaphore::new(0));
        house.provider.plan([if is_answered {
            Fault::Slow(Arc::clone(&gate))
        } else {
            Fault::SayLate(Arc::clone(&gate), 500, "")
        }]);
        house.provider.expire("access-1");
        house.gateway.send(&house.chain, list_events()).await;
        until(|| house.provider.token_requests() == 1).await;
        house.provider.knows(Some("access-again"), "another");
        house.sign_in("access-again", Some("refresh-1")).await;
        gate.add_permits(1);
        assert_eq!(house.chain.flow.next().await["metadata"]["code"], 200);
        if is_answered {
            let (access, refresh) = house.held().await;
            assert_eq!((access.as_str(), refresh.as_deref()), ("access-2", Some("refresh-2")));
        } else {
            let standing = house.standing().await;
            assert!(standing.health == Health::InDoubt && !standing.tries_again, "{standing:?}");
            house.provider.expire("access-again");
            assert_eq!(house.ask().await["metadata"]["code"], 401, "it is over with its access token");
        }
        assert_eq!((house.provider.token_requests(), house.provider.reused()), (1, Vec::new()));
    }
}

#[tokio::test]
async fn a_sign_in_that_was_given_a_refresh_token_which_is_spent_when_it_is_kept_takes_what_came_of_that() {
    let mut house = House::open(None).await;
    house.provider.expire("access-1");
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    let rotated = ("access-2".to_owned(), Some("refresh-2".to_owned()));
    assert_eq!(house.held().await, rotated);

    // It was asked for before that.
    house.provider.knows(Some("access-again"), "another");
    house.sign_in("access-again", Some("refresh-1")).await;
    assert_eq!(house.held().await, ("access-again".to_owned(), Some("refresh-2".to_owned())));
    house.provider.expire("access-again");
    assert_eq!(house.ask().await["metadata"]["code"], 200, "it is renewed");
    assert_eq!((house.provider.reused(), house.provider.ended()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn what_comes_late_of_a_refresh_token_that_was_given_up_and_is_given_again_is_kept() {
    let house = House::open(None).await;
    let gate = Arc::new(Semaphore::new(0));
    house.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    house.provider.expire("access-1");
    let one = house.gateway.gateway.credentials.clone();
    let other = one.clone().renewing(Some(Upstream::from(house.provider.client())), Random::system());
    let device = house.chain.credentials.clone();
    let renewing = tokio::spawn(async move { one.renew_refused(&device, 1).await });
    until(|| house.provider.token_requests() == 1).await;
    house.hand.forward(HOUR);
    let given_up = other.renew_refused(&house.chain.credentials, 1).await;
    assert!(matches!(given_up, Err(CredentialsError::SignInAgain { .. })), "{given_up:?}");

    house.provider.knows(Some("access-again"), "another");
    house.sign_in("access-again", Some("refresh-1")).await;
    gate.add_permits(1);
    renewing.await.unwrap().unwrap();
    assert_eq!(house.held().await, ("access-2".to_owned(), Some("refresh-2".to_owned())));
    assert_eq!((house.provider.token_requests(), house.provider.reused()), (1, Vec::new()));
}
