//! What the provider is asked, and what becomes of its answers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::config::{self, ClientAuthentication};
use endo::egress::{EgressError, EgressSettings};
use endo::source::oauth2::{OAuthClient, OAuthError, Probe, Revoked, Tokens};
use endo::vault::{ResourceOwnerId, SecretText};
use serde_json::json;

use super::NOW;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::provider::{CLIENT_SECRET, FakeProvider, Fault, client, form, pending};

async fn sign_in(client: &OAuthClient, code: &str) -> Result<Tokens, OAuthError> {
    client.exchange(&code.into(), &pending("http://127.0.0.1/back", NOW)).await
}

/// A provider that always answers the same, spelled out.
async fn saying(answer: Answer) -> (FakeApi, OAuthClient) {
    saying_to(EgressSettings::default(), answer).await
}

async fn saying_to(egress: EgressSettings, answer: Answer) -> (FakeApi, OAuthClient) {
    let api = FakeApi::answering(answer).await;
    let settings = config::Source {
        name: Some("fake".to_owned()),
        base_url: Some(api.url("")),
        client_id: Some("id".to_owned()),
        client_secret: Some(CLIENT_SECRET.to_owned().into()),
        authorization_url: Some(api.url("/authorize")),
        token_url: Some(api.url("/token")),
        revocation_url: Some(api.url("/revoke")),
        profile_url: Some(api.url("/me")),
        profile_id: vec!["/id".to_owned()],
        profile_username: Some("/name".to_owned()),
        profile_extras: vec!["more=/more".to_owned()],
        ..config::Source::default()
    };
    let client = client(&settings, egress);
    (api, client)
}

async fn refresh(answer: Answer) -> Result<Tokens, OAuthError> {
    let (_api, client) = saying(answer).await;
    client.refresh(&"r".into()).await
}

#[tokio::test]
async fn a_code_becomes_tokens_and_tokens_an_account() {
    let provider = FakeProvider::start().await;
    let client = provider.client();
    let begun = pending("http://127.0.0.1/back", NOW);
    let tokens = client.exchange(&"good code".into(), &begun).await.unwrap();
    assert_eq!(tokens.lifetime, Some(Duration::from_secs(3600)));
    assert_eq!(tokens.refresh.as_ref().unwrap().expose(), "refresh-1");
    assert!(!format!("{tokens:?}").contains("-1"));
    let account = client.account(&tokens).await.unwrap();
    assert_eq!(account.id, ResourceOwnerId::Number(583_231));
    assert_eq!(account.username.as_deref(), Some("octocat"));
    assert_eq!(serde_json::Value::from(account.extras), json!({"plan": "free"}));

    let seen = provider.api.seen();
    let sent = form(&seen[0]);
    assert_eq!(sent["code_verifier"], begun.verifier.expose());
    assert_eq!(
        (&*sent["grant_type"], &*sent["redirect_uri"]),
        ("authorization_code", "http://127.0.0.1/back")
    );
    assert!(!sent.contains_key("client_secret"));
    assert_eq!(seen[0].header("accept"), ["application/json"]);
    // Both parts are form-encoded before they are put together (RFC 6749, 2.3.1).
    let basic = "Basic Z2F0ZXdheStpZDpjYW5hcnktY2xpZW50LXNlY3JldCUyNiUzRCUyNSUyRiVDMyVCQw==";
    assert_eq!(seen[0].header("authorization"), [basic]);
}

#[tokio::test]
async fn a_client_can_prove_itself_in_the_body() {
    let provider = FakeProvider::start().await;
    let settings =
        config::Source { client_authentication: ClientAuthentication::Post, ..provider.settings() };
    sign_in(&client(&settings, EgressSettings::default()), "good code").await.unwrap();
    let seen = provider.api.seen();
    assert_eq!(form(&seen[0])["client_secret"], CLIENT_SECRET);
    assert_eq!(seen[0].header("authorization"), [""; 0]);
}

#[tokio::test]
async fn a_code_that_is_not_good_is_told_apart() {
    let provider = FakeProvider::start().await;
    let refusal = sign_in(&provider.client(), "bad code").await.unwrap_err();
    assert!(matches!(refusal, OAuthError::InvalidGrant { .. }));
    for text in [r#"{"error":"bad_refresh_token"}"#, r#"{"ok":false,"error":"invalid_refresh_token"}"#] {
        assert!(matches!(refresh(Answer::new(200, &[], text)).await, Err(OAuthError::InvalidGrant { .. })));
    }
    for error in ["", r#","error":"invalid_request""#] {
        let text = format!(r#"{{"status":"BAD_REFRESH_TOKEN","message":"missing or unknown"{error}}}"#);
        assert!(
            matches!(refresh(Answer::new(400, &[], text)).await, Err(OAuthError::InvalidGrant { .. })),
            "{error}"
        );
    }
    let text = r#"{"status":"BAD_REFRESH_TOKEN","error":"invalid_client"}"#;
    assert!(matches!(refresh(Answer::new(400, &[], text)).await, Err(OAuthError::Refused { .. })));
}

#[tokio::test]
async fn whoever_gives_tokens_has_not_refused_whatever_stands_beside_them() {
    for error in [r#""""#, r#""ok""#, "null", "false"] {
        for refresh_token in [r#""r2""#, "7"] {
            let text = format!(r#"{{"access_token":"a","refresh_token":{refresh_token},"error":{error}}}"#);
            assert_eq!(refresh(Answer::new(200, &[], text)).await.unwrap().access.expose(), "a", "{error}");
        }
    }
    for status in [400, 500] {
        let text = r#"{"access_token":"a","refresh_token":"r2","error":"x"}"#;
        let told = refresh(Answer::new(status, &[], text)).await;
        assert!(matches!(told, Err(OAuthError::Unreadable)), "{status}: {told:?}");
    }
    for given in
        [r#""access_token":"","refresh_token":"r2""#, r#""refresh_token":"r2""#, r#""access_token":5"#]
    {
        let told = refresh(Answer::new(200, &[], format!(r#"{{{given},"error":"invalid_grant"}}"#))).await;
        assert!(matches!(told, Err(OAuthError::Unreadable)), "{given}: {told:?}");
    }
}

#[tokio::test]
async fn what_surely_left_a_refresh_token_unused_is_told_from_what_did_not() {
    let denied = r#"{"error":"invalid_scope","error_description":"<b>not this</b>"}"#;
    for (status, text, untouched, sentence) in [
        (401, denied, true, "the provider refused with invalid_scope, status 401"),
        (200, denied, true, "the provider refused with invalid_scope, status 200"),
        (403, "<html>", true, "the provider refused with status 403"),
        (302, "", true, "the provider refused with status 302"),
        (429, "", true, "the provider wants to be asked later, status 429"),
        (503, "<html>", true, "the provider wants to be asked later, status 503"),
        (503, r#"{"error":"invalid_grant"}"#, true, "the provider wants to be asked later, status 503"),
        (500, r#"{"error":"server_error"}"#, false, "the provider failed with status 500"),
        (500, denied, false, "the provider failed with status 500"),
        (500, r#"{"error":"invalid_grant"}"#, false, "the provider failed with status 500"),
        (502, "", false, "the provider failed with status 502"),
        (504, "", false, "the provider failed with status 504"),
        (507, "", false, "the provider failed with status 507"),
        (408, "", false, "the provider failed with status 408"),
        (200, "<html>", false, "the provider's answer cannot be read"),
        (200, "{}", false, "the provider's answer cannot be read"),
        (200, r#"{"access_token":""}"#, false, "the provider's answer cannot be read"),
        (200, r#"{"access_token":"a\nb"}"#, false, "the provider's answer cannot be read"),
        (
            400,
            r#"{"error":"invalid_grant"}"#,
            false,
            "the provider says that the grant is not valid: invalid_grant, status 400",
        ),
        (
            403,
            r#"{"error":"Interaction_Required"}"#,
            false,
            "the provider says that the grant is not valid: interaction_required, status 403",
        ),
        (
            400,
            r#"{"status":"BAD_REFRESH_TOKEN"}"#,
            false,
            "the provider says that the grant is not valid: bad_refresh_token, status 400",
        ),
    ] {
        let error = refresh(Answer::new(status, &["location: http://127.0.0.1:1/"], text)).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.left_untouched()), (sentence, untouched), "{text}");
    }
    let (api, client) = saying(Answer::new(200, &[], "")).await;
    drop(api);
    let unused = client.refresh(&"r".into()).await.unwrap_err();
    assert!(unused.left_untouched(), "{unused:?}");
}

#[tokio::test]
async fn a_status_that_came_counts_though_its_body_does_not_come() {
    for (status, untouched, sentence) in [
        (503, true, "the provider wants to be asked later, status 503"),
        (429, true, "the provider wants to be asked later, status 429"),
        (401, true, "the provider refused with status 401"),
        (500, false, "the provider failed with status 500"),
        (200, false, "the provider did not answer"),
    ] {
        let head = format!("HTTP/1.1 {status} Said So\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\n{{");
        let too_long = Answer::new(status, &[], " ".repeat((1 << 20) + 1));
        for answer in [Answer::Bytes(head.clone().into_bytes()), Answer::Stall(head.into_bytes()), too_long] {
            let hasty =
                EgressSettings { api_timeout: Duration::from_millis(200), ..EgressSettings::default() };
            let (_api, client) = saying_to(hasty, answer).await;
            let error = client.refresh(&"r".into()).await.unwrap_err();
            assert_eq!((error.to_string().as_str(), error.left_untouched()), (sentence, untouched));
        }
    }
}

#[tokio::test]
async fn a_provider_has_little_time_and_little_room() {
    let provider = FakeProvider::start().await;
    provider.plan([Fault::RotateAndStall]);
    let hasty = EgressSettings { api_timeout: Duration::from_millis(30), ..EgressSettings::default() };
    let slow = sign_in(&client(&provider.settings(), hasty), "good code").await.unwrap_err();
    assert!(matches!(slow, OAuthError::NoAnswer(EgressError::Timeout)), "{slow:?}");
    let long = refresh(Answer::new(200, &[], " ".repeat((1 << 20) + 1))).await.unwrap_err();
    assert!(matches!(long, OAuthError::NoAnswer(EgressError::TooLarge { .. })), "{long:?}");
}

#[tokio::test]
async fn a_lifetime_is_taken_in_every_form_in_which_it_makes_sense() {
    let day = Some(Duration::from_secs(86_400));
    for (text, expected) in [
        ("86400", day),
        ("86400.0", day),
        (r#""86400""#, day),
        ("0", None),
        ("-5", None),
        ("null", None),
        (r#""soon""#, None),
        ("1e300", Some(Duration::from_secs(10 * 366 * 86_400))),
    ] {
        let provider = FakeProvider::start().await;
        provider.plan([Fault::Lifetime(text)]);
        assert_eq!(sign_in(&provider.client(), "good code").await.unwrap().lifetime, expected, "{text}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_cannot_be_used_is_not_taken_for_none() {
    let answer = |token: &str| format!(r#"{{"access_token":"a","refresh_token":{token}}}"#);
    let longest = "r".repeat(64 * 1024);
    for (written, expected) in [
        ("null", None),
        ("false", None),
        (r#""""#, None),
        (r#""with a blank~""#, Some("with a blank~")),
        (&*format!("\"{longest}\""), Some(&*longest)),
    ] {
        let tokens = refresh(Answer::new(200, &[], answer(written))).await.unwrap();
        assert_eq!(tokens.refresh.as_ref().map(SecretText::expose), expected);
        assert!(tokens.unusable_refresh.is_none(), "{tokens:?}");
    }
    for (written, text) in [
        ("7", "7"),
        (r#"{"a": 1}"#, r#"{"a":1}"#),
        ("[]", "[]"),
        ("true", "true"),
        (r#""a\tb""#, "a\tb"),
        (r#""ü""#, "ü"),
    ] {
        let tokens = refresh(Answer::new(200, &[], answer(written))).await.unwrap();
        let unusable = tokens.unusable_refresh.as_ref().map(SecretText::expose);
        assert_eq!((tokens.access.expose(), tokens.refresh.is_none(), unusable), ("a", true, Some(text)));
    }
    let unread = refresh(Answer::new(200, &[], answer(&format!("\"r{longest}\"")))).await.unwrap_err();
    assert!(matches!(unread, OAuthError::Unreadable), "{unread:?}");
}

#[tokio::test]
async fn what_was_sent_is_not_in_the_text_of_what_came_back() {
    let told = json!({
        "error": "no-rt-1/2",
        "error_description": format!("rt-1/2 as rt-1%2F2 of {CLIENT_SECRET} or rt-1 is in use"),
    });
    let (_api, client) = saying(Answer::new(400, &[], told.to_string())).await;
    let said = client.refresh(&"rt-1/2".into()).await.unwrap_err().words();
    assert_eq!(said, "the provider refused: … … is in use");
    let said = sign_in(&client, "rt-1/2").await.unwrap_err().words();
    assert_eq!(said, "the provider refused: … … is in use");
    let revoke = async |access: &str, refresh: &str| {
        client.revoke(&access.into(), Some(&refresh.into())).await.unwrap_err().words()
    };
    for (access, refresh) in [("rt-1/2", "other"), ("other", "rt-1/2")] {
        assert_eq!(revoke(access, refresh).await, "the provider refused with status 400");
    }
    let client = {
        let told = json!({"error": format!("wrong {CLIENT_SECRET}")});
        saying(Answer::new(400, &[], told.to_string())).await
    };
    let said = client.1.revoke(&"access".into(), None).await.unwrap_err().words();
    assert_eq!(said, "the provider refused: wrong …");
    let (_api, client) = saying(Answer::new(200, &[], told.to_string())).await;
    let said = client.probe(&"rt-1/2".into()).await.unwrap_err().words();
    assert_eq!(said, "the provider refused with status 200");
}

#[tokio::test]
async fn of_what_a_provider_says_a_log_has_a_documented_code_and_the_status() {
    let listed = "invalid-client-secret-token";
    let described = format!("The scope of the request is unknown, as is {listed}");
    for (status, error, code) in [
        (400, "invalid_request", "invalid_request"),
        (401, "incorrect_client_credentials", "incorrect_client_credentials"),
        (403, "admin_policy_enforced", "admin_policy_enforced"),
        (400, "invalid_auth", "invalid_auth"),
        (400, listed, "a code of its own"),
        (400, "invalid client", "a code of its own"),
        (400, "Invalid_Client", "invalid_client"),
        (418, "", "a code of its own"),
    ] {
        let told = json!({"error": error, "error_description": described}).to_string();
        let (_api, client) = saying(Answer::new(status, &[], told)).await;
        let refused = client.refresh(&listed.into()).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("the provider refused with {code}, status {status}"));
        assert!(!format!("{refused:?}").contains("scope"), "{refused:?}");
        assert!(refused.words().contains("The scope of the request"), "{}", refused.words());
    }
}

#[tokio::test]
async fn nor_is_it_there_as_it_was_sent() {
    let proof = STANDARD.encode("id:canary-client-secret%26%3D%25%2F%C3%BC");
    let long = format!("{} {CLIENT_SECRET}", "x".repeat(190));
    for (described, expected) in [(&*proof, "…"), (&*long, "…")] {
        let told = json!({"error": "no", "error_description": described}).to_string();
        let (_api, client) = saying(Answer::new(400, &[], told)).await;
        let said = client.refresh(&"refresh-1".into()).await.unwrap_err().words();
        assert_eq!(said, format!("the provider refused: no {expected}"));
    }
}

#[tokio::test]
async fn an_account_that_is_called_like_its_token_is_shown_without() {
    let told = r#"{"id": 7, "name": "canary of access%2D1", "access_token": "access-1", "more": {"access-1": ["access-1"]}}"#;
    let (_api, client) = saying(Answer::new(200, &[], told)).await;
    let tokens = client.refresh(&"refresh-1".into()).await.unwrap();
    let account = client.account(&tokens).await.unwrap();
    assert_eq!(account.username.as_deref(), Some("canary of [redacted]"));
    assert_eq!(account.extras["more"], json!({"[redacted]": ["[redacted]"]}));
}

#[tokio::test]
async fn an_account_id_is_text_or_an_integer_and_nothing_else() {
    for id in ["{}", "[1]", "null", "true", "1.5", "1e3", r#""""#, r#"" ""#] {
        let (_api, client) =
            saying(Answer::new(200, &[], format!(r#"{{"id":{id},"access_token":"a"}}"#))).await;
        let tokens = client.refresh(&"r".into()).await.unwrap();
        assert!(matches!(client.account(&tokens).await, Err(OAuthError::AccountId(_))), "{id}");
    }
    let text = |text: &str| ResourceOwnerId::Text(text.to_owned());
    for (written, id) in [
        (r#""42""#, text("42")),
        ("-42", ResourceOwnerId::Number(-42)),
        ("9007199254740991", ResourceOwnerId::Number(9_007_199_254_740_991)),
        ("9007199254740993", text("9007199254740993")),
        ("1180591620717411303424", text("1180591620717411303424")),
    ] {
        let (_api, client) =
            saying(Answer::new(200, &[], format!(r#"{{"id":{written},"access_token":"a"}}"#))).await;
        let tokens = client.refresh(&"r".into()).await.unwrap();
        assert_eq!(client.account(&tokens).await.unwrap().id, id, "{written}");
    }
}

#[tokio::test]
async fn an_access_token_can_be_tried() {
    let provider = FakeProvider::start().await;
    let client = provider.client();
    let tokens = sign_in(&client, "good code").await.unwrap();
    assert_eq!(client.probe(&tokens.access).await.unwrap(), Probe::Good);
    provider.expire(tokens.access.expose());
    assert_eq!(client.probe(&tokens.access).await.unwrap(), Probe::Rejected);
    let (_api, client) = saying(Answer::new(200, &[], r#"{"ok":false,"error":"invalid_auth"}"#)).await;
    assert_eq!(client.probe(&"a".into()).await.unwrap(), Probe::Rejected);
}

#[tokio::test]
async fn an_access_token_is_neither_good_nor_bad_where_the_provider_says_nothing_of_it() {
    for (status, said) in [
        (502, ""),
        (200, r#"{"ok":false,"error":"internal_error"}"#),
        (200, r#"{"id":7,"ok":false}"#),
        (200, r#"{"id":7,"error":{"code":500}}"#),
        (200, r#"{"errors":[{"message":"Bad credentials"}],"data":null}"#),
        (200, "[]"),
    ] {
        let (_api, client) = saying(Answer::new(status, &[], said)).await;
        assert!(client.probe(&"a".into()).await.is_err(), "{status} {said}");
    }
}

#[tokio::test]
async fn both_tokens_are_revoked_in_the_body_of_a_request() {
    let provider = FakeProvider::start().await;
    let (access, refresh) = provider.grant();
    let client = provider.client();
    let revoked = client.revoke(&(*access).into(), Some(&SecretText::from(&*refresh))).await.unwrap();
    assert_eq!(revoked, Revoked::Done);
    assert!(!provider.takes(&refresh));
    assert_eq!(client.probe(&(*access).into()).await.unwrap(), Probe::Rejected);
    let hints: Vec<_> =
        provider.api.seen()[..2].iter().map(|seen| form(seen)["token_type_hint"].clone()).collect();
    assert_eq!(hints, ["refresh_token", "access_token"]);
}

#[tokio::test]
async fn what_a_provider_answers_to_a_revocation_is_told() {
    for (status, text, expected) in [
        (200, "", Some(Revoked::Done)),
        (204, "", Some(Revoked::Done)),
        (404, "", None),
        (401, "", None),
        (401, r#"{"message":"Bad credentials"}"#, None),
        (400, r#"{"error":"invalid_token"}"#, Some(Revoked::Unknown)),
        (200, r#"{"ok":false,"error":"token_revoked"}"#, Some(Revoked::Unknown)),
        (200, "{}", Some(Revoked::Done)),
        (202, "", Some(Revoked::Done)),
        (200, r#"{"ok":true,"error":null}"#, Some(Revoked::Done)),
        (200, r#"{"success":true,"error":false}"#, Some(Revoked::Done)),
        (200, r#"{"revoked":true}"#, Some(Revoked::Done)),
        (200, "gone", Some(Revoked::Done)),
        (200, r#"{"error":{"code":500,"message":"backend"}}"#, None),
        (202, r#"{"error":7}"#, None),
        (200, r#"{"ok":false}"#, None),
        (200, r#"{"success":false,"errors":["x"]}"#, None),
        (200, r#"{"ok":true,"revoked":false}"#, None),
        (400, r#"{"error":"unsupported_token_type"}"#, None),
        (500, "", None),
        (403, "", None),
    ] {
        let (_api, client) = saying(Answer::new(status, &[], text)).await;
        assert_eq!(client.revoke(&"a".into(), None).await.ok(), expected, "{status} {text}");
    }
    for (kind, text) in [
        ("text/html; charset=utf-8", "Sign in"),
        ("application/xhtml+xml", "<?xml version='1.0'?>"),
        ("application/json", "\n<!DOCTYPE html><title>Sign in</title>"),
        ("text/plain", "<HTML>Sign in</HTML>"),
    ] {
        let page = Answer::new(200, &[&format!("content-type: {kind}")], text);
        let (_api, asked) = saying(page).await;
        let error = asked.revoke(&"a".into(), None).await.unwrap_err();
        assert_eq!(error.to_string(), "the provider answered with a page for people", "{kind} {text}");
    }
    let (_api, ignored) = saying(Answer::new(200, &["content-type: text/plain"], "OK <html>")).await;
    assert_eq!(ignored.revoke(&"a".into(), None).await.unwrap(), Revoked::Done);
    let settings = config::Source {
        provider: Some("spotify".to_owned()),
        client_id: Some("id".to_owned()),
        client_secret: Some("secret".to_owned().into()),
        ..config::Source::default()
    };
    let spotify = client(&settings, EgressSettings::default());
    assert_eq!(spotify.revoke(&"a".into(), None).await.unwrap(), Revoked::Impossible);
}

#[tokio::test]
async fn an_access_token_that_ended_with_the_refresh_token_is_not_called_unknown() {
    for (answers, expected) in [
        ([(200, ""), (400, r#"{"error":"invalid_token"}"#)], Some(Revoked::Done)),
        ([(400, r#"{"error":"invalid_token"}"#), (200, "")], Some(Revoked::Done)),
        ([(400, r#"{"error":"invalid_token"}"#); 2], Some(Revoked::Unknown)),
        ([(200, ""), (503, "")], None),
        ([(503, ""), (200, "")], None),
    ] {
        let provider = FakeProvider::start().await;
        provider.revocation_meets(answers.map(|(status, text)| Answer::new(status, &[], text)));
        let revoked = provider.client().revoke(&"a".into(), Some(&"r".into())).await;
        assert_eq!((revoked.ok(), provider.ended()), (expected, vec!["r".to_owned(), "a".to_owned()]));
    }
}
