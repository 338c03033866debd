//! A secret that is forgotten while messages wait for its renewal, or while a job uses it.

use std::sync::Arc;
use std::time::Duration;

use endo::credentials::Revoker;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{HOUR, House, list_events, until};
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::provider::Fault;

async fn forget(house: &House) {
    let credentials = &house.gateway.gateway.credentials;
    let owned = credentials.held(house.chain.credentials.clone()).await.unwrap();
    credentials.forget(&owned, &Revoker::Operator).await.unwrap();
}

async fn is_told_that_it_may_not(house: &mut House) {
    let reply = house.chain.flow.next().await;
    let error = json!({"message": "this device may not use these credentials"});
    assert_eq!(reply["metadata"], json!({"code": 403, "to": "n", "error": error}), "{reply}");
}

#[tokio::test]
async fn messages_that_wait_for_the_renewal_of_a_secret_that_is_forgotten_are_answered_403() {
    for lifetime in [None, Some(HOUR)] {
        for brings_tokens in [true, false] {
            let mut house = House::open(lifetime).await;
            let gate = Arc::new(Semaphore::new(0));
            house.provider.plan([match brings_tokens {
                true => Fault::Slow(Arc::clone(&gate)),
                false => Fault::SayLate(Arc::clone(&gate), 400, r#"{"error":"invalid_grant"}"#),
            }]);
            match lifetime {
                Some(_) => house.hand.forward(2 * HOUR),
                None => house.provider.expire("access-1"),
            }
            for _ in 0..3 {
                house.gateway.send(&house.chain, list_events()).await;
            }
            until(|| house.provider.token_requests() == 1).await;
            forget(&house).await;
            gate.add_permits(1);
            for _ in 0..3 {
                is_told_that_it_may_not(&mut house).await;
            }
            assert_eq!(house.provider.token_requests(), 1);
        }
    }
}

/// A house whose jobs talk to an API that answers so, once the gate opens.
async fn house_at(answer: Answer, gate: &Arc<Semaphore>) -> (House, FakeApi) {
    let api = FakeApi::answering(answer.behind(gate)).await;
    let url = api.url("");
    (House::with(None, |config| config.source.base_url = Some(url)).await, api)
}

#[tokio::test]
async fn a_job_that_is_under_way_when_its_secret_is_forgotten_is_answered_as_it_ends_and_asks_for_no_other() {
    let json = ["content-type: application/json"];
    for (answer, code) in [(Answer::new(200, &json, "[]"), 200), (Answer::new(401, &json, "{}"), 403)] {
        let gate = Arc::new(Semaphore::new(0));
        let (mut house, api) = house_at(answer, &gate).await;
        house.gateway.send(&house.chain, list_events()).await;
        until(|| api.seen().len() == 1).await;
        forget(&house).await;
        gate.add_permits(1);
        match code {
            403 => is_told_that_it_may_not(&mut house).await,
            _ => assert_eq!(house.chain.flow.next().await["metadata"]["code"], code),
        }
        house.hand.forward(Duration::from_secs(60));
        house.gateway.send(&house.chain, list_events()).await;
        assert_eq!(house.gateway.arrived(&mut house.chain.flow).await, Vec::<serde_json::Value>::new());
        assert_eq!((api.seen().len(), house.provider.token_requests()), (1, 0));
    }
}
