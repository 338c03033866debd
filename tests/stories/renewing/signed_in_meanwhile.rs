//! Somebody signs in again while the secret before is renewed.

use std::sync::Arc;

use endo::credentials::Health;
use tokio::sync::Semaphore;

use super::{House, account, list_events, until};
use crate::support::provider::Fault;

impl House {
    /// The owner signs in again, and the API gives these tokens.
    async fn sign_in(&self, access: &str, refresh: Option<&str>) {
        let account = account(&self.gateway, access, refresh);
        let kept = self.gateway.gateway.credentials.keep(account).await.unwrap();
        assert_eq!(kept, self.chain.credentials);
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
