//! Secrets whose life is known.

use std::sync::Arc;
use std::time::Duration;

use endo::bus::embedded::{BusError, Caller, EmbeddedBus};
use endo::credentials::{Health, State};
use endo::store::Transaction;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{HOUR, House, list_events, until};
use crate::support::provider::Fault;

const MESSAGES: u64 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_on_an_expired_token_make_one_token_request_and_get_a_thousand_replies() {
    let mut house = House::with(Some(HOUR), |config| config.jobs.concurrency = 2 * MESSAGES as usize).await;
    let gate = Arc::new(Semaphore::new(0));
    house.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    house.provider.expire("access-1");
    let (flow, user) = (house.chain.flow.device.uuid.clone(), house.chain.user.uuid.clone());
    house.hand.forward(2 * HOUR);
    let send = move |bus: &EmbeddedBus, transaction: &Transaction<'_>| {
        (0..MESSAGES).try_for_each(|number| {
            let mut message = list_events();
            message["devices"] = json!([user]);
            message["metadata"]["respondTo"] = json!(number);
            bus.changing(transaction, &Caller::itself(flow.as_str().into())).send(&message)
        })
    };
    house.gateway.gateway.bus.embedded().unwrap().change::<()>(send).await.map_err(|e: BusError| e).unwrap();
    gate.add_permits(1);
    let mut answered = Vec::new();
    for _ in 0..MESSAGES {
        let reply = house.chain.flow.next().await;
        assert_eq!(reply["metadata"]["code"], 200, "{reply}");
        answered.push(reply["metadata"]["to"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert!(answered.into_iter().eq(0..MESSAGES));
    assert_eq!((house.provider.token_requests(), house.provider.reused()), (1, Vec::new()));
    let calls = house.provider.api_calls();
    assert!(calls.len() == MESSAGES as usize && calls.iter().all(|call| call == "GET Bearer access-2"));
}

#[tokio::test]
async fn a_secret_is_renewed_ahead_of_its_end_though_nobody_uses_it() {
    let mut house = House::open(Some(HOUR)).await;
    let standing = house.standing().await;
    assert_eq!((standing.health, standing.expires_at), (Health::Good, Some(house.hand.now().plus(HOUR))));
    house.hand.forward(Duration::from_secs(50 * 60));
    until(|| house.provider.token_requests() == 1).await;
    while house.record().await.generation == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.standing().await.expires_at, Some(house.hand.now().plus(HOUR)));
    house.provider.expire("access-1");
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    assert_eq!(house.provider.api_calls(), ["GET Bearer access-2"]);
    assert_eq!(house.provider.token_requests(), 1);
    let copy = house.gateway.device(&house.gateway.owner(), house.chain.user.uuid.as_str()).await;
    assert!(copy.get("endo").is_none());
    assert_eq!(shown(&house).await["endo"]["generation"], 2);
}

#[tokio::test]
async fn a_message_renews_what_lives_a_second_and_nothing_else_does() {
    let mut house = House::open(Some(Duration::from_secs(1))).await;
    house.provider.plan([Fault::Lifetime("1"), Fault::Lifetime("1")]);
    for (access, asked) in [("access-2", 1), ("access-3", 2)] {
        house.hand.forward(HOUR);
        assert_eq!(house.ask().await["metadata"]["code"], 200);
        assert_eq!(house.provider.api_calls().last().unwrap(), &format!("GET Bearer {access}"));
        assert_eq!(house.provider.token_requests(), asked);
        let standing = house.standing().await;
        assert_eq!(State::of(&standing, house.hand.now()), State::RenewsItself, "{standing:?}");
    }
}

/// The credentials device as the bus has it.
async fn shown(house: &House) -> Value {
    let device = house.chain.credentials.clone();
    let look = move |bus: &EmbeddedBus, view: &endo::store::View<'_>| {
        bus.reading(view, &Caller::itself(device.clone())).device(&device)
    };
    house.gateway.gateway.bus.embedded().unwrap().look(look).await.unwrap()
}

#[tokio::test]
async fn a_secret_that_cannot_be_renewed_now_is_used_while_it_lives_and_not_after() {
    let mut house = House::open(Some(HOUR)).await;
    house.provider.plan([Fault::Say(429, "")]);
    house.hand.forward(Duration::from_secs(50 * 60));
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    assert_eq!(house.provider.api_calls(), ["GET Bearer access-1"]);
    house.provider.plan([Fault::Say(429, ""), Fault::Say(429, "")]);
    house.provider.expire("access-1");
    house.hand.forward(HOUR);
    let reply = house.ask().await;
    assert_eq!(reply["metadata"]["code"], 503, "{reply}");
    assert_eq!(reply["metadata"]["error"]["message"], "the credentials cannot be renewed now");
    assert_eq!(house.provider.token_requests(), 2, "the provider is left alone for a while");
    assert_eq!(house.provider.api_calls().len(), 1, "what is over is not tried");
    house.provider.plan([]);
    house.hand.forward(Duration::from_secs(60));
    while house.failures().await < 3 {
        tokio::task::yield_now().await;
    }
    house.hand.forward(Duration::from_secs(60));
    assert_eq!(house.ask().await["metadata"]["code"], 200);
}

#[tokio::test]
async fn a_renewal_never_changes_who_may_manage() {
    let mut house = House::open(Some(HOUR)).await;
    let (old, new) = (house.gateway.owner(), house.chain.flow.device.clone());
    let give = json!({"$set": {"owner": new.uuid}});
    house.gateway.update(&old, house.chain.user.uuid.as_str(), give).await;
    house.hand.forward(2 * HOUR);
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    assert_eq!(house.record().await.generation, 2);
    let url = format!("http://{}", house.gateway.running.gateway());
    let url = format!("{url}/credentials/{}/user-devices", house.chain.credentials);
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for (device, status) in [(old, 200), (new, 404)] {
        let list = client.get(&url).basic_auth(&device.uuid, Some(&device.token)).send().await.unwrap();
        assert_eq!(list.status(), status);
    }
}
