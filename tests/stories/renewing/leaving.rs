//! An owner who leaves while the secret is being renewed, or while a job uses it.

use std::sync::Arc;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{House, list_events, until};
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

/// Somebody else who signed in at the API to the account.
async fn second_owner(house: &House) -> Device {
    let owner = house.gateway.flow(&"nobody".into()).await.device;
    let mut account = house.gateway.account(583_231, &(&*owner.uuid).into());
    (account.secret, account.refresh_token) = ("access-1".into(), Some("refresh-1".into()));
    house.gateway.gateway.credentials.keep(account).await.unwrap();
    owner
}

#[tokio::test]
async fn an_owner_who_leaves_during_a_renewal_is_told_to_try_again_and_nothing_is_lost() {
    let mut house = House::open(None).await;
    let leaver = second_owner(&house).await;
    let gate = Arc::new(Semaphore::new(0));
    house.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    house.provider.expire("access-1");
    house.gateway.send(&house.chain, list_events()).await;
    until(|| house.provider.token_requests() == 1).await;
    let refused = ask(&house, &leaver, Method::DELETE, "owners/me").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.json()["type"], "/problems/unavailable", "{refused:?}");
    assert!(refused.text.contains("nothing was done. Try again in a moment"), "{refused:?}");

    gate.add_permits(1);
    assert_eq!(house.chain.flow.next().await["metadata"]["code"], 200);
    ask(&house, &leaver, Method::DELETE, "owners/me").await.is(204, "");
    let first = house.gateway.owner();
    let owners = ask(&house, &first, Method::GET, "owners").await;
    assert_eq!(owners.json(), json!([{"uuid": first.uuid}]));
    let listed: Value = house.ask().await;
    assert_eq!(listed["metadata"]["code"], 200, "the renewed secret is kept: {listed}");
    assert_eq!(house.provider.token_requests(), 1);
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
    let url = api.url("");
    let mut house = House::with(None, |config| config.source.base_url = Some(url)).await;
    let leaver = second_owner(&house).await;
    house.gateway.send(&house.chain, list_events()).await;
    until(|| api.seen().len() == 1).await;
    ask(&house, &leaver, Method::DELETE, "owners/me").await.is(204, "");
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
    let url = api.url("");
    let mut house = House::with(None, |config| config.source.base_url = Some(url)).await;
    let leaver = second_owner(&house).await;
    house.gateway.send(&house.chain, list_events()).await;
    until(|| api.seen().len() == 1).await;
    ask(&house, &leaver, Method::DELETE, "owners/me").await.is(204, "");
    gate.add_permits(100);
    let reply = house.chain.flow.next().await;
    assert_eq!(reply["metadata"]["code"], 503, "{reply}");
    // With the secret of each record, then with the one that the renewal brought; the first of the next message is refused
    // as well.
    assert_eq!((api.seen().len(), house.provider.token_requests()), (3, 1));
    for asked in 4..10 {
        assert_eq!(house.ask().await["metadata"]["code"], 503);
        assert_eq!((api.seen().len(), house.provider.token_requests()), (asked, 1));
    }
}
