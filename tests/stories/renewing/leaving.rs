//! An owner who leaves while the secret is being renewed, or while a job uses it.

use std::sync::Arc;
use std::time::Duration;

use endo::credentials::{Health, Rekeyed};
use futures_util::future::join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{HOUR, House, list_events, until};
use crate::support::bus::{Answer, Device, send};
use crate::support::fake_api::{Answer as ApiAnswer, FakeApi};
use crate::support::provider::Fault;

/// What `owner` is answered about the credentials.
async fn ask(house: &House, owner: &Device, method: Method, path: &str) -> Answer {
    let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let gateway = house.gateway.running.gateway();
    let url = format!("http://{gateway}/credentials/{}/{path}", house.chain.credentials);
    send(client.request(method, url).basic_auth(&owner.uuid, Some(&owner.token))).await
}

/// The owner leaves, who signed in at the API just before.
async fn leaves(house: &House, owner: &Device) -> Answer {
    house.gateway.prove(owner, &house.chain.credentials).await;
    ask(house, owner, Method::DELETE, "owners/me").await
}

/// Somebody else who signed in at the API to the account.
async fn second_owner(house: &House) -> Device {
    let owner = house.gateway.flow(&"nobody".into()).await.device;
    let mut account = house.gateway.account(583_231, &(&*owner.uuid).into());
    (account.secret, account.refresh_token) = ("access-1".into(), Some("refresh-1".into()));
    account.asked = Some(house.gateway.gateway.credentials.asking().await.unwrap());
    account.lifetime = house.standing().await.expires_at.map(|_| HOUR);
    house.gateway.gateway.credentials.keep(account).await.unwrap();
    owner
}

/// A house that one of two owners left while a job waits for the answer of this API.
async fn left_while_a_job_waits_for(api: &FakeApi) -> House {
    let url = api.url("");
    let house = House::with(None, |config| config.source.base_url = Some(url)).await;
    let leaver = second_owner(&house).await;
    house.gateway.send(&house.chain, list_events()).await;
    until(|| api.seen().len() == 1).await;
    leaves(&house, &leaver).await.is(204, "");
    house
}

/// Has the records move to another key.
async fn change_keys(house: &House) {
    let gateway = &house.gateway.gateway;
    gateway.rotate_key().await.unwrap();
    assert_eq!(gateway.credentials.rekey(&house.chain.credentials).await.unwrap(), Rekeyed::Done);
}

async fn owners(house: &House) -> Value {
    ask(house, &house.gateway.owner(), Method::GET, "owners").await.json()
}

#[tokio::test]
async fn whoever_leaves_during_a_renewal_is_gone_at_once_and_what_it_brings_is_kept_for_the_others() {
    let mut house = House::open(None).await;
    let leaver = second_owner(&house).await;
    let gate = Arc::new(Semaphore::new(0));
    house.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    house.provider.expire("access-1");
    house.gateway.send(&house.chain, list_events()).await;
    until(|| house.provider.token_requests() == 1).await;
    leaves(&house, &leaver).await.is(204, "");
    change_keys(&house).await;
    let others = json!([{"uuid": house.gateway.owner().uuid}]);
    assert_eq!(owners(&house).await, others);

    gate.add_permits(1);
    assert_eq!(house.chain.flow.next().await["metadata"]["code"], 200);
    assert_eq!(owners(&house).await, others, "the renewal brings nobody back");
    let listed: Value = house.ask().await;
    assert_eq!(listed["metadata"]["code"], 200, "the renewed secret is kept: {listed}");
    assert_eq!(house.provider.api_calls().last().unwrap(), "GET Bearer access-2");
    house.provider.expire("access-2");
    house.hand.forward(Duration::from_secs(120));
    assert_eq!(house.ask().await["metadata"]["code"], 200, "and so is what renews it");
    assert_eq!((house.provider.token_requests(), house.provider.reused()), (2, vec![]));
}

#[tokio::test]
async fn a_doubt_keeps_nobody_from_leaving_and_no_record_from_moving_and_stays_a_doubt() {
    let mut house = House::open(Some(HOUR)).await;
    let leaver = second_owner(&house).await;
    house.hand.forward(Duration::from_secs(50 * 60));
    house.provider.plan([Fault::RotateAndSay(502)]);
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    let doubt = house.standing().await;
    assert_eq!(doubt.health, Health::InDoubt);

    leaves(&house, &leaver).await.is(204, "");
    change_keys(&house).await;
    assert_eq!(owners(&house).await, json!([{"uuid": house.gateway.owner().uuid}]));
    assert_eq!(house.standing().await, doubt, "it is in the newest record");
    assert_eq!(house.ask().await["metadata"]["code"], 200, "the access token is used while it works");
    house.provider.expire("access-1");
    assert_eq!(house.ask().await["metadata"]["code"], 401);
    assert!(matches!(house.standing().await.health, Health::Dead { .. }));
    assert_eq!(house.provider.token_requests(), 1, "what may be spent is not sent again");
}

#[tokio::test]
async fn everybody_leaves_at_the_same_time_and_nobody_is_told_to_try_again() {
    let house = House::open(None).await;
    let mut leavers = Vec::new();
    for _ in 0..30 {
        leavers.push(second_owner(&house).await);
    }
    let leaving = leavers.iter().map(|leaver| leaves(&house, leaver));
    for left in join_all(leaving).await {
        left.is(204, "");
    }
    assert_eq!(owners(&house).await, json!([{"uuid": house.gateway.owner().uuid}]));
}

#[tokio::test]
async fn a_job_whose_secret_the_api_refuses_after_an_owner_left_is_done_with_the_next_one() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let api = FakeApi::start(move |seen| {
        let json = ["content-type: application/json"];
        match seen.header("authorization").concat().as_str() {
            "Bearer access-2" => ApiAnswer::new(200, &json, "[]"),
            _ => ApiAnswer::new(401, &json, "{}").behind(&held),
        }
    });
    let api = api.await;
    let mut house = left_while_a_job_waits_for(&api).await;
    gate.add_permits(2);
    let reply = house.chain.flow.next().await;
    assert_eq!(reply["metadata"]["code"], 200, "nobody has to sign in again: {reply}");
    assert_eq!(house.provider.token_requests(), 1);
}

#[tokio::test]
async fn an_api_that_refuses_every_secret_after_an_owner_left_has_no_more_asked_of_anybody() {
    let gate = Arc::new(Semaphore::new(0));
    let refusal = ApiAnswer::new(401, &["content-type: application/json"], "{}");
    let api = FakeApi::answering(refusal.behind(&gate)).await;
    let mut house = left_while_a_job_waits_for(&api).await;
    gate.add_permits(100);
    let reply = house.chain.flow.next().await;
    assert_eq!(reply["metadata"]["code"], 503, "{reply}");
    // With the secret that both records held, then with the one that the renewal brought.
    assert_eq!((api.seen().len(), house.provider.token_requests()), (2, 1));
    for asked in 3..10 {
        assert_eq!(house.ask().await["metadata"]["code"], 503);
        assert_eq!((api.seen().len(), house.provider.token_requests()), (asked, 1));
    }
}
