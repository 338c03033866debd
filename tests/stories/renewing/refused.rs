//! Secrets that the API refuses.

use std::sync::Arc;
use std::time::Duration;

use endo::ambient::Timestamp;
use endo::config::{Config, RefreshRetry, Source, SourceKind};
use endo::credentials::{CredentialsError, Cut, Health, Revoker, State};
use endo::source::renewal::Renewed;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{HOUR, House, list_events, until};
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::log;
use crate::support::provider::Fault;

/// What a sender gets whom only a sign-in helps.
fn is_told_to_sign_in(house: &House, reply: &Value) {
    let link = house.link();
    let message = format!("the credentials have expired; sign in again at {link}");
    let error = json!({"message": message, "signIn": link});
    assert_eq!(reply["metadata"], json!({"code": 401, "to": "n", "error": error}), "{reply}");
}

#[tokio::test]
async fn a_refused_secret_is_renewed_once_and_the_job_done_with_the_new_one() {
    let mut house = House::open(None).await;
    house.provider.expire("access-1");
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    assert_eq!(house.provider.api_calls(), ["GET Bearer access-1", "GET Bearer access-2"]);
    assert_eq!((house.provider.token_requests(), house.record().await.generation), (1, 2));
}

#[tokio::test]
async fn nothing_is_renewed_for_a_message_whose_device_was_cut_off_while_its_job_ran() {
    let gate = Arc::new(Semaphore::new(0));
    let refusal = Answer::new(401, &["content-type: application/json"], "{}").behind(&gate);
    let api = FakeApi::answering(refusal).await;
    let url = api.url("");
    let mut house = House::with(None, |config| config.source.base_url = Some(url)).await;
    house.gateway.send(&house.chain, list_events()).await;
    until(|| api.seen().len() == 1).await;
    let devices = &house.gateway.gateway.credentials;
    let owned = devices.held(house.chain.credentials.clone()).await.unwrap();
    devices.cut_off(&owned, Cut::All, &Revoker::Operator).await.unwrap().unwrap();
    gate.add_permits(1);
    assert_eq!(house.chain.flow.next().await["metadata"]["code"], 403);
    assert_eq!((api.seen().len(), house.provider.token_requests()), (1, 0));
}

/// What a sender gets whom nobody can help now.
fn is_told_to_come_later(reply: &Value) {
    let message = "the API does not take the credentials, which were renewed a moment ago; try again later";
    assert_eq!(reply["metadata"], json!({"code": 503, "to": "n", "error": {"message": message}}), "{reply}");
}

#[tokio::test]
async fn an_api_that_refuses_new_secrets_too_does_not_have_the_provider_asked_for_every_message() {
    let api = FakeApi::answering(Answer::new(401, &["content-type: application/json"], "{}")).await;
    let url = api.url("");
    let mut house = House::with(None, |config| config.source.base_url = Some(url)).await;
    is_told_to_come_later(&house.ask().await);
    assert_eq!((api.seen().len(), house.provider.token_requests()), (2, 1));
    for _ in 0..5 {
        is_told_to_come_later(&house.ask().await);
        house.hand.forward(Duration::from_secs(23));
    }
    assert_eq!((api.seen().len(), house.provider.token_requests()), (7, 1));
    house.hand.forward(Duration::from_secs(5));
    is_told_to_come_later(&house.ask().await);
    assert_eq!((api.seen().len(), house.provider.token_requests()), (9, 2));
}

#[tokio::test]
async fn an_api_that_repeats_the_secret_in_its_words_does_not_have_it_told() {
    let said = r#"{"message": "you sent Bearer access-1, which may not read events"}"#;
    let api = FakeApi::answering(Answer::new(403, &["content-type: application/json"], said)).await;
    let url = api.url("");
    let mut house = House::with(None, |config| config.source.base_url = Some(url)).await;
    let reply = house.ask().await;
    let message = reply["metadata"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("you sent Bearer [redacted], which may not read events"), "{reply}");
}

#[tokio::test]
async fn an_api_that_quotes_the_secret_in_another_form_or_in_what_it_was_asked_for_does_not_have_it_told() {
    let quoted = "canary of access%2D1 and YWNjZXNzLTE";
    let refusal = json!({"message": quoted});
    let events = json!([{"type": "CreateEvent", "payload": {"description": quoted}}]);
    for (status, said) in [(403, refusal), (200, events)] {
        let api =
            FakeApi::answering(Answer::new(status, &["content-type: application/json"], said.to_string()))
                .await;
        let url = api.url("");
        let mut house = House::with(None, |config| config.source.base_url = Some(url)).await;
        let reply = house.ask().await;
        assert_eq!(api.seen()[0].header("authorization"), ["Bearer access-1"]);
        assert_eq!(reply["metadata"]["code"], status);
        assert!(reply.to_string().contains("canary of [redacted] and [redacted]"), "{reply}");
    }
}

#[tokio::test]
async fn a_job_whose_api_cannot_answer_is_run_again_as_often_as_is_set() {
    for repeats in [0, 1] {
        let api = FakeApi::answering(Answer::new(503, &["retry-after: 0"], "down")).await;
        let url = api.url("");
        let change = |config: &mut Config| {
            config.source.base_url = Some(url);
            config.jobs.repeats = repeats;
        };
        let mut house = House::with(None, change).await;
        assert_eq!(house.ask().await["metadata"]["code"], 503);
        assert_eq!(api.seen().len(), 1 + repeats as usize);
    }
}

#[tokio::test]
async fn a_new_secret_that_the_api_refuses_for_a_moment_asks_nobody_to_sign_in() {
    let mut house = House::open(None).await;
    house.provider.expire("access-1");
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    house.provider.expire("access-2");
    is_told_to_come_later(&house.ask().await);
    assert_eq!(house.standing().await.health, Health::Good);
    house.hand.forward(Duration::from_secs(120));
    assert_eq!(house.ask().await["metadata"]["code"], 200);
    assert_eq!(house.provider.token_requests(), 2);
}

#[tokio::test]
async fn what_the_api_refuses_while_nobody_knows_whether_there_is_a_newer_one_takes_a_sign_in() {
    let api = FakeApi::answering(Answer::new(401, &["content-type: application/json"], "{}")).await;
    let url = api.url("");
    let mut house = House::with(None, |config| config.source.base_url = Some(url)).await;
    house.provider.plan([Fault::RotateAndSay(502)]);
    let reply = house.ask().await;
    is_told_to_sign_in(&house, &reply);
    assert_eq!((api.seen().len(), house.provider.token_requests()), (2, 1));
}

#[tokio::test]
async fn a_dead_secret_is_answered_at_once_and_nobody_is_asked_any_more() {
    for life in [None, Some(HOUR)] {
        let mut house = House::open(life).await;
        house.provider.plan([Fault::InvalidGrant]);
        house.provider.expire("access-1");
        for _ in 0..3 {
            let reply = house.ask().await;
            is_told_to_sign_in(&house, &reply);
        }
        assert_eq!((house.provider.token_requests(), house.provider.api_calls().len()), (1, 1));
        let Health::Dead { reason } = house.standing().await.health else { panic!("it is dead") };
        assert_eq!(reason, "the provider does not take the refresh token any more");
        let status =
            house.gateway.device(&house.gateway.owner(), house.chain.user.status_device.as_str()).await;
        assert_eq!(status["status"]["errors"].as_array().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn what_takes_a_person_at_the_provider_is_dead_and_the_provider_is_not_asked_again() {
    const OWN: &str = "a code of its own";
    const ANYWHERE: [(&str, &str); 5] = [
        (r#"{"error":"interaction_required"}"#, "interaction_required"),
        (r#"{"error":"login_required"}"#, "login_required"),
        (r#"{"error":"consent_required"}"#, "consent_required"),
        (r#"{"error":"account_selection_required"}"#, "account_selection_required"),
        (r#"{"status":"LOGIN_REQUIRED"}"#, "login_required"),
    ];
    log::capture();
    let anywhere: fn(&mut Source) = |_| ();
    let by_setting: fn(&mut Source) =
        |source| source.refresh_over = vec!["inactive_user".to_owned(), "Locked_Out".to_owned()];
    let by_entry: fn(&mut Source) = |source| source.provider = Some("slack".to_owned());
    let by_reason: fn(&mut Source) = |source| source.provider = Some("zoom".to_owned());
    let further = [
        (400, (r#"{"error":"inactive_user"}"#, OWN), by_setting),
        (401, (r#"{"error":"locked_out"}"#, OWN), by_setting),
        (400, (r#"{"error":"invalid_grant"}"#, "invalid_grant"), by_setting),
        (200, (r#"{"ok":false,"error":"token_revoked"}"#, "token_revoked"), by_entry),
        (200, (r#"{"ok":false,"error":"account_inactive"}"#, "account_inactive"), by_entry),
        (401, (r#"{"reason":"Invalid Token!","error":"invalid_request"}"#, OWN), by_reason),
        (400, (r#"{"status":"BAD_REFRESH_TOKEN","error":"invalid_request"}"#, "bad_refresh_token"), anywhere),
    ];
    for (status, (error, code), change) in
        ANYWHERE.map(|said| (400, said, anywhere)).into_iter().chain(further)
    {
        let mut house = House::with(None, |config| change(&mut config.source)).await;
        house.provider.plan([Fault::Say(status, error)]);
        house.provider.expire("access-1");
        for _ in 0..3 {
            let reply = house.ask().await;
            is_told_to_sign_in(&house, &reply);
            house.hand.forward(HOUR);
        }
        assert_eq!((house.provider.token_requests(), house.provider.api_calls().len()), (1, 1), "{error}");
        let standing = house.standing().await;
        assert_eq!(State::of(&standing, house.hand.now()), State::SignInAgain, "{error}: {standing:?}");
        let mut logged = log::lines_with(house.chain.credentials.as_str());
        logged.retain(|line| line.contains("the refresh token is over"));
        let [line] = logged.as_slice() else { panic!("{error}: {logged:?}") };
        assert!(
            line.contains(&format!("the grant is not valid: {code}, status {status}")),
            "{error}: {line}"
        );
    }
}

#[tokio::test]
async fn what_the_gateway_or_the_moment_is_to_blame_for_ends_nobodys_sign_in() {
    for (status, error) in [
        (401, r#"{"error":"invalid_client"}"#),
        (400, r#"{"error":"unauthorized_client"}"#),
        (400, r#"{"error":"invalid_request"}"#),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (400, r#"{"error":"slow_down"}"#),
        (400, r#"{"error":"inactive_user"}"#),
        (503, r#"{"error":"login_required"}"#),
        (429, r#"{"error":"interaction_required"}"#),
    ] {
        let house = House::open(None).await;
        let renew = || house.gateway.gateway.credentials.renew_refused(&house.chain.credentials, 1);
        house.provider.plan(std::iter::repeat_n(Fault::Say(status, error), 3));
        for asked in 1..=3 {
            let refused = renew().await;
            assert!(matches!(refused, Err(CredentialsError::NotRenewed(_))), "{error}: {refused:?}");
            assert_eq!(
                (house.provider.token_requests(), house.standing().await.health),
                (asked, Health::Good)
            );
            house.hand.forward(HOUR);
        }
        assert_eq!(renew().await.unwrap(), Renewed::New, "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let mut house = House::open(None).await;
    house.provider.plan([Fault::KeepRefreshToken, Fault::KeepRefreshToken]);
    for access in ["access-1", "access-2"] {
        house.provider.expire(access);
        assert_eq!(house.ask().await["metadata"]["code"], 200);
        house.hand.forward(Duration::from_secs(120));
    }
    assert!(house.provider.takes("refresh-1"));
    assert_eq!((house.provider.token_requests(), house.record().await.generation), (2, 3));
}

#[tokio::test]
async fn where_nobody_can_sign_in_a_refused_secret_is_told_as_it_is() {
    let api = FakeApi::answering(Answer::new(401, &["content-type: application/json"], "{}")).await;
    let gateway = crate::support::gateway::TestGateway::open(&api.url("")).await;
    let mut chain = gateway.chain(583_231).await;
    let reply = gateway.exchange(&mut chain, super::list_events()).await;
    assert_eq!(reply["metadata"]["error"], json!({"message": "the credentials have expired"}));
    assert_eq!((reply["metadata"]["code"].clone(), api.seen().len()), (json!(401), 1));
}

#[tokio::test]
async fn a_doubt_says_whether_the_renewal_is_tried_again() {
    for (retry, says) in [
        (
            RefreshRetry::Never,
            "is not tried again. The secret is used until the API refuses it, then you need to sign in",
        ),
        (RefreshRetry::Once, "It is tried again when the API refuses the secret, at the latest"),
    ] {
        let house = House::with(None, |config| config.source.refresh_retry = retry).await;
        house.provider.plan([Fault::RotateAndSay(502)]);
        house.gateway.gateway.credentials.renew_refused(&house.chain.credentials, 1).await.unwrap();
        let said = State::of(&house.standing().await, Timestamp::from_millis(0)).to_string();
        assert!(said.starts_with("In doubt: a renewal is not answered") && said.contains(says), "{said}");
        assert_eq!(house.provider.token_requests(), 1);
    }
}

#[tokio::test]
async fn what_nobody_renews_here_is_over_once_the_api_refused_it_and_not_tried_again() {
    for kind in [SourceKind::Static, SourceKind::Oauth2User] {
        let mut house = House::with(Some(HOUR), |config| {
            let (name, base_url) = (config.source.name.take(), config.source.base_url.take());
            config.source = Source { kind, name, base_url, ..Source::default() };
        })
        .await;
        assert!(!house.standing().await.renews, "nobody does");
        assert_eq!(house.ask().await["metadata"]["code"], 200);

        house.provider.expire("access-1");
        for _ in 0..3 {
            assert_eq!(house.ask().await["metadata"]["code"], 401);
        }
        assert_eq!(house.provider.api_calls().len(), 2, "what the API refused is not tried again");
        let standing = house.standing().await;
        assert_eq!(State::of(&standing, house.hand.now()), State::SignInAgain, "{standing:?}");

        let (access, _) = house.provider.grant();
        house.sign_in(&access, None).await;
        assert_eq!(house.ask().await["metadata"]["code"], 200, "another is");
        let standing = house.standing().await;
        assert_eq!(State::of(&standing, house.hand.now()), State::Works, "{standing:?}");
        assert_eq!(house.provider.token_requests(), 0);
    }
}
