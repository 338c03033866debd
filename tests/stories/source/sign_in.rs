//! A browser on its way to the provider and back.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use endo::config;
use endo::egress::EgressSettings;
use endo::source::oauth2::{CallbackError, LIFE, OAuthClient};
use sha2::{Digest, Sha256};

use super::NOW;
use crate::support::provider::{client, pending};

const BACK: &str = "https://gateway.example/auth/api/callback";

fn provider() -> OAuthClient {
    let settings = config::Source {
        provider: Some("google".to_owned()),
        client_id: Some("gateway id".to_owned()),
        client_secret: Some("secret".to_owned().into()),
        parameters: vec!["hd=example.org".to_owned()],
        ..config::Source::default()
    };
    client(&settings, EgressSettings::default())
}

fn outcome(iss: &str, answer: impl Fn(&str) -> String) -> Result<String, CallbackError> {
    let client = provider();
    let pending = pending(BACK, NOW);
    let answer = format!("{}{iss}", answer(pending.state.expose()));
    client.settings().code(&pending, &answer, NOW).map(|code| code.expose().to_owned())
}

#[test]
fn the_browser_is_sent_with_state_and_pkce_and_everything_the_entry_says() {
    let client = provider();
    let pending = pending(BACK, NOW);
    let url = client.settings().begin(&pending);
    assert!(url.as_str().starts_with("https://accounts.google.com/o/oauth2/v2/auth?"));
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(pending.verifier.expose()));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "gateway id"),
        ("redirect_uri", BACK),
        ("scope", "openid email profile"),
        ("state", pending.state.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("hd", "example.org"),
    ] {
        assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(query.len(), 10);
    assert!(!format!("{pending:?}").contains(pending.state.expose()));
}

#[test]
fn the_code_of_this_very_sign_in_is_taken() {
    let code = outcome("", |state| format!("code=4%2F0Ab_c&state={state}&scope=openid"));
    assert_eq!(code.unwrap(), "4/0Ab_c");
}

#[test]
fn an_answer_to_another_sign_in_is_refused() {
    for answer in
        [|_: &str| "code=c&state=mine".to_owned(), |_: &str| "code=c".to_owned(), |_: &str| String::new()]
    {
        assert_eq!(outcome("", answer).unwrap_err(), CallbackError::State);
    }
    let longer = outcome("", |state| format!("code=c&state={state}x"));
    assert_eq!(longer.unwrap_err(), CallbackError::State);
    // Not even what it says is believed.
    assert_eq!(outcome("", |_| "error=access_denied&state=x".to_owned()).unwrap_err(), CallbackError::State);
}

#[test]
fn an_issuer_that_is_sent_must_be_the_provider_s() {
    let answer = |state: &str| format!("code=c&state={state}");
    assert!(outcome("&iss=https%3A%2F%2Faccounts.google.com", answer).is_ok());
    for iss in ["https://evil.example", "https://accounts.google.com/", "", "accounts.google.com"] {
        assert_eq!(outcome(&format!("&iss={iss}"), answer).unwrap_err(), CallbackError::Issuer, "{iss}");
    }
}

#[test]
fn where_nobody_knows_the_issuer_it_must_be_at_home_where_browsers_are_sent() {
    let settings = config::Source {
        client_id: Some("id".to_owned()),
        client_secret: Some("secret".to_owned().into()),
        ..config::Source::default()
    };
    let client = client(&settings, EgressSettings::default());
    let pending = pending(BACK, NOW);
    let with = |iss: &str| format!("code=c&state={}&iss={iss}", pending.state.expose());
    let outcome = |iss| client.settings().code(&pending, &with(iss), NOW).map(drop);
    assert_eq!(outcome("https://github.com/login/oauth"), Ok(()));
    assert_eq!(outcome("https://github.com.evil.example"), Err(CallbackError::Issuer));
}

#[test]
fn a_parameter_that_stands_twice_is_refused() {
    for more in ["&code=d", "&state=x", "&iss=https://accounts.google.com&iss=x"] {
        let refusal = outcome(more, |state| format!("code=c&state={state}")).unwrap_err();
        assert_eq!(refusal, CallbackError::Malformed, "{more}");
    }
}

#[test]
fn a_sign_in_is_over_after_ten_minutes_and_before_it_began() {
    let client = provider();
    let pending = pending(BACK, NOW);
    let answer = format!("code=c&state={}", pending.state.expose());
    let at = |now| client.settings().code(&pending, &answer, now).map(drop);
    assert_eq!(at(NOW.plus(LIFE)), Ok(()));
    assert_eq!(at(NOW.plus(LIFE + Duration::from_millis(1))), Err(CallbackError::Over));
    assert_eq!(at(NOW.minus(Duration::from_millis(1))), Err(CallbackError::Over));
}

#[test]
fn a_refusal_of_the_provider_is_told_without_what_could_do_harm() {
    let refusal = outcome("", |state| {
        let text = "%3Cscript%3Ealert(1)%3C/script%3E%0Aline%1B[31m%22quoted%22%20%C3%BC";
        format!("error=access_denied&error_description={text}&state={state}")
    });
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.words(), "the provider says: access_denied script alert … script line …");
    assert_eq!(refusal.to_string(), "the provider says no with access_denied");
    assert_eq!(outcome("", |state| format!("state={state}")).unwrap_err(), CallbackError::NoCode);
    let repeating =
        outcome("", |state| format!("error=no-{state}&error_description=of+{state}&state={state}"));
    let repeating = repeating.unwrap_err();
    assert_eq!(repeating.words(), "the provider says no");
    assert_eq!(repeating.to_string(), "the provider says no with a code of its own");
}
