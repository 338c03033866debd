//! Secrets that the API refuses while an external handler uses them.

use std::sync::Arc;
use std::time::Duration;

use endo::config::{RevocationEnds, Source, SourceKind};
use endo::credentials::Account;
use endo::vault::ResourceOwnerId;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{House, account, until};
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::log;
use crate::support::provider::Fault;
use crate::support::real::{self, OldService};

const EXPIRED: &str = r#"{"error": {"code": 401, "message": "Bad credentials"}}"#;
/// How long an API is not asked again about a secret.
const REST: Duration = Duration::from_secs(30);
const DONE: &str = r#"{"metadata": {"code": 200, "status": "OK"}, "data": "done"}"#;

/// A gateway whose jobs all run at this handler, and whose secret's life is not known.
async fn house(handler: &FakeApi) -> House {
    at(handler.url("/")).await
}

async fn at(address: String) -> House {
    House::with(None, |config| config.jobs.fallback = Some(address)).await
}

async fn ask(house: &mut House) -> Value {
    let message = json!({"metadata": {"jobType": "Anything"}, "data": {}});
    house.gateway.exchange(&mut house.chain, message).await
}

#[tokio::test]
async fn a_handler_that_answers_401_is_asked_once_more_with_a_new_secret() {
    let handler = FakeApi::start(|seen| match String::from_utf8_lossy(&seen.body).contains("access-2") {
        true => Answer::new(200, &[], DONE),
        false => Answer::new(401, &[], EXPIRED),
    })
    .await;
    let mut house = house(&handler).await;
    let reply = ask(&mut house).await;
    assert_eq!((&reply["metadata"]["code"], &reply["data"]), (&json!(200), &json!("done")), "{reply}");
    assert_eq!((handler.seen().len(), house.provider.token_requests()), (2, 1));
}

#[tokio::test]
async fn a_handler_that_was_told_a_secret_before_its_renewal_does_not_have_it_repeated() {
    for ends in [RevocationEnds::SignIn, RevocationEnds::Token] {
        let handler = FakeApi::start(|seen| {
            let asked = String::from_utf8_lossy(&seen.body).into_owned();
            match (asked.contains("access-2"), asked.contains("Once")) {
                (true, _) => Answer::new(200, &[], r#"{"data": "of access-1, refresh-1 and access-2"}"#),
                (false, true) => Answer::new(401, &[], EXPIRED),
                (false, false) => Answer::new(200, &[], DONE),
            }
        })
        .await;
        let address = handler.url("/");
        let mut house = House::with(None, |config| {
            config.jobs.fallback = Some(address);
            config.source.revocation_ends = ends;
        })
        .await;
        let message = json!({"metadata": {"jobType": "Once"}, "data": {}});
        let reply = house.gateway.exchange(&mut house.chain, message).await;
        assert_eq!(reply["data"], "of [redacted], [redacted] and [redacted]", "{reply}");
        if ends == RevocationEnds::Token {
            // It may live on there, and is known until it does not.
            let reply = ask(&mut house).await;
            assert!(!reply.to_string().contains("access-1"), "{reply}");
        }
    }
}

#[tokio::test]
async fn a_handler_that_answers_401_to_a_new_secret_too_is_not_asked_again() {
    let handler = FakeApi::answering(Answer::new(401, &[], EXPIRED)).await;
    let mut house = house(&handler).await;
    let reply = ask(&mut house).await;
    assert_eq!(reply["metadata"]["code"], 503, "{reply}");
    assert_eq!((handler.seen().len(), house.provider.token_requests()), (2, 1));
}

#[tokio::test]
async fn a_handler_that_speaks_of_401_in_another_way_is_not_asked_again() {
    for (status, body, code) in [(500, EXPIRED, 401), (401, "Unauthorized", 502)] {
        let handler = FakeApi::answering(Answer::new(status, &[], body)).await;
        let mut house = house(&handler).await;
        let reply = ask(&mut house).await;
        assert_eq!(reply["metadata"]["code"], code, "{reply}");
        assert_eq!((handler.seen().len(), house.provider.token_requests()), (1, 0));
    }
}

#[tokio::test]
async fn what_a_handler_says_of_a_secret_that_nobody_can_renew_is_told_with_the_way_to_sign_in() {
    let handler = FakeApi::answering(Answer::new(401, &[], EXPIRED)).await;
    let mut house = house(&handler).await;
    house.provider.plan([Fault::InvalidGrant]);
    let reply = ask(&mut house).await;
    let error = json!({"message": "Bad credentials", "signIn": house.link()});
    assert_eq!(reply["metadata"], json!({"code": 401, "error": error}), "{reply}");
}

/// A handler that answers 401 to jobs of the type `Closed`.
async fn doorkeeper() -> FakeApi {
    FakeApi::start(|seen| match String::from_utf8_lossy(&seen.body).contains("Closed") {
        true => Answer::new(401, &[], r#"{"error": {"code": 401, "message": "wrong door code"}}"#),
        false => Answer::new(200, &[], DONE),
    })
    .await
}

/// The same house with another account's credentials; answers the access token.
async fn holding_nothing_that_renews(house: &mut House) -> String {
    let (access, _) = house.provider.grant();
    let another = Account { id: ResourceOwnerId::Number(7), ..account(&house.gateway, &access, None) };
    house.chain = house.gateway.chain_of(another).await;
    access
}

async fn knock(house: &mut House, job_type: &str) -> Value {
    let message = json!({"metadata": {"jobType": job_type}, "data": {}});
    house.gateway.exchange(&mut house.chain, message).await["metadata"].take()
}

#[tokio::test]
async fn what_a_handler_says_of_a_secret_that_nothing_renews_ends_nothing_that_the_api_takes() {
    for is_static in [false, true] {
        let handler = doorkeeper().await;
        let mut house = House::with(None, |config| {
            config.jobs.fallback = Some(handler.url("/"));
            if is_static {
                let (name, base_url) = (config.source.name.take(), config.source.base_url.take());
                config.source = Source { kind: SourceKind::Static, name, base_url, ..Source::default() };
            }
        })
        .await;
        holding_nothing_that_renews(&mut house).await;
        for _ in 0..2 {
            let said = knock(&mut house, "Closed").await;
            assert_eq!((&said["code"], &said["error"]["message"]), (&json!(401), &json!("wrong door code")));
        }
        assert_eq!(knock(&mut house, "Open").await["code"], 200);
        assert_eq!((handler.seen().len(), house.provider.token_requests()), (3, 0));
    }
}

#[tokio::test]
async fn an_access_token_that_the_api_takes_outlives_a_refusal_to_renew_it_for_a_handler_s_word() {
    log::capture();
    let handler = doorkeeper().await;
    let mut house = house(&handler).await;
    house.provider.plan([Fault::InvalidGrant]);
    for _ in 0..2 {
        let said = knock(&mut house, "Closed").await;
        assert_eq!((&said["code"], &said["error"]["message"]), (&json!(401), &json!("wrong door code")));
    }
    let said = log::lines_with(house.chain.credentials.as_str());
    assert!(!said.iter().any(|line| line.contains("no credentials to use")), "{said:?}");
    assert_eq!(knock(&mut house, "Open").await["code"], 200);
    assert_eq!((handler.seen().len(), house.provider.token_requests()), (3, 1));
    house.provider.expire("access-1");
    house.hand.forward(REST);
    let said = knock(&mut house, "Closed").await;
    assert_eq!(said["error"]["signIn"], house.link());
    assert_eq!(knock(&mut house, "Open").await["code"], 401);
    assert_eq!((handler.seen().len(), house.provider.token_requests()), (4, 1));
}

#[tokio::test]
async fn a_handler_that_answers_401_to_a_secret_that_was_replaced_meanwhile_is_asked_with_the_newer_one() {
    let gate = Arc::new(Semaphore::new(0));
    let refusal = Answer::new(401, &[], EXPIRED).behind(&gate);
    let handler =
        FakeApi::start(move |seen| match String::from_utf8_lossy(&seen.body).contains("access-2") {
            true => refusal.clone(),
            false => Answer::new(200, &[], DONE),
        })
        .await;
    let mut house = house(&handler).await;
    assert_eq!(holding_nothing_that_renews(&mut house).await, "access-2");
    let (newer, _) = house.provider.grant();
    let another = Account { id: ResourceOwnerId::Number(7), ..account(&house.gateway, &newer, None) };
    let credentials = house.gateway.gateway.credentials.clone();
    let replacing = async {
        until(|| handler.seen().len() == 1).await;
        credentials.keep(another).await.unwrap();
        gate.add_permits(1);
    };
    let (reply, ()) = tokio::join!(ask(&mut house), replacing);
    assert_eq!(reply["metadata"]["code"], 200, "{reply}");
    assert_eq!(handler.seen().len(), 2);
}

#[tokio::test]
async fn what_a_handler_says_of_a_secret_that_nothing_renews_ends_it_where_the_api_says_so_too() {
    let handler = doorkeeper().await;
    let mut house = house(&handler).await;
    let access = holding_nothing_that_renews(&mut house).await;
    house.provider.expire(&access);
    let said = knock(&mut house, "Closed").await;
    assert_eq!(said["error"]["signIn"], house.link());
    assert_eq!(knock(&mut house, "Open").await["code"], 401);
    assert_eq!((handler.seen().len(), house.provider.token_requests()), (1, 0));
}

#[tokio::test]
async fn the_api_is_asked_now_and_then_about_a_secret_that_a_handler_speaks_against_each_time() {
    let handler = doorkeeper().await;
    let mut house = house(&handler).await;
    let access = holding_nothing_that_renews(&mut house).await;
    let before = house.provider.profile_requests();
    for asked in 1..=2 {
        for _ in 0..3 {
            assert_eq!(knock(&mut house, "Closed").await["error"]["message"], "wrong door code");
        }
        house.hand.forward(REST - Duration::from_millis(1));
        assert_eq!(knock(&mut house, "Closed").await["error"]["message"], "wrong door code");
        assert_eq!(house.provider.profile_requests() - before, asked);
        house.hand.forward(Duration::from_millis(1));
    }
    let another = Account { id: ResourceOwnerId::Number(7), ..account(&house.gateway, &access, None) };
    house.gateway.gateway.credentials.keep(another).await.unwrap();
    knock(&mut house, "Closed").await;
    assert_eq!(house.provider.profile_requests() - before, 3);
}

#[tokio::test]
async fn an_api_that_cannot_say_whether_it_takes_a_secret_is_given_a_rest_too() {
    let handler = doorkeeper().await;
    let mut house = house(&handler).await;
    let access = holding_nothing_that_renews(&mut house).await;
    let before = house.provider.profile_requests();
    house.provider.profile_meets([Answer::new(500, &[], "")]);
    house.provider.expire(&access);
    for _ in 0..3 {
        assert_eq!(knock(&mut house, "Closed").await["error"]["message"], "wrong door code");
    }
    assert_eq!((house.provider.profile_requests() - before, handler.seen().len()), (1, 3));
    house.hand.forward(REST);
    for _ in 0..2 {
        assert_eq!(knock(&mut house, "Closed").await["error"]["signIn"], house.link());
    }
    assert_eq!((house.provider.profile_requests() - before, handler.seen().len()), (2, 4), "it is over");
}

#[tokio::test]
async fn nobody_says_of_a_secret_that_the_api_takes_that_there_is_none_to_use() {
    log::capture();
    let handler = doorkeeper().await;
    let mut house = house(&handler).await;
    let access = holding_nothing_that_renews(&mut house).await;
    let lines = |house: &House| log::lines_with(house.chain.credentials.as_str());
    for _ in 0..2 {
        knock(&mut house, "Closed").await;
    }
    let said: Vec<_> = lines(&house).into_iter().filter(|line| line.contains("WARN")).collect();
    assert!(said.len() == 2 && said.iter().all(|line| line.contains("the API takes it")), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("no credentials")), "{said:?}");
    house.provider.expire(&access);
    house.hand.forward(REST);
    knock(&mut house, "Closed").await;
    let over =
        |line: &String| line.contains("there are no credentials to use") && line.contains("so does the API");
    assert!(lines(&house).iter().any(over), "{:?}", lines(&house));
}

#[tokio::test]
async fn a_new_secret_that_is_refused_while_a_newer_one_comes_is_not_called_expired() {
    let gate = Arc::new(Semaphore::new(0));
    let refusal = (Answer::new(401, &[], EXPIRED), Arc::clone(&gate));
    let handler =
        FakeApi::start(move |seen| match String::from_utf8_lossy(&seen.body).contains("access-2") {
            true => refusal.0.clone().behind(&refusal.1),
            false => refusal.0.clone(),
        })
        .await;
    let mut house = house(&handler).await;
    let (credentials, device) = (house.gateway.gateway.credentials.clone(), house.chain.credentials.clone());
    let hand = house.hand.clone();
    let newer = async {
        until(|| handler.seen().len() == 2).await;
        hand.forward(Duration::from_secs(121));
        credentials.renew_refused(&device, 2).await.unwrap();
        gate.add_permits(1);
    };
    let (reply, ()) = tokio::join!(ask(&mut house), newer);
    let message = "the API does not take the credentials, which were renewed a moment ago; try again later";
    assert_eq!(reply["metadata"], json!({"code": 503, "error": {"message": message}}), "{reply}");
    assert_eq!((handler.seen().len(), house.provider.token_requests()), (2, 2));
}

/// A job of old whose API says by its code that it does not take the secret.
const OLD_JOB: &str = "module.exports = {
  action: ({ encrypted }, message, callback) => encrypted.secrets.credentials.secret === 'access-1'
    ? callback(Object.assign(new Error('Bad credentials'), { code: 401 }))
    : callback(null, { metadata: { code: 200, status: 'OK' }, data: encrypted.secrets.credentials.secret === 'access-2' })
}
";

#[tokio::test]
async fn an_old_job_whose_api_says_401_is_run_once_more_with_a_new_secret() {
    if !real::on("an_old_job_whose_api_says_401_is_run_once_more_with_a_new_secret") {
        return;
    }
    let service = OldService::of(&[("anything/index.js", OLD_JOB)]);
    let _host = service.host();
    let mut house = at(service.address()).await;
    let reply = ask(&mut house).await;
    assert_eq!((&reply["metadata"]["code"], &reply["data"]), (&json!(200), &json!(true)), "{reply}");
    assert_eq!((house.provider.token_requests(), house.provider.reused()), (1, Vec::new()));
}
