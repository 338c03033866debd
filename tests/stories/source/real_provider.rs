//! The whole way with a provider that is not ours: npm's `oidc-provider`.

use endo::egress::EgressSettings;
use endo::source::oauth2::{OAuthClient, OAuthError, Probe, Revoked, Tokens};
use endo::vault::ResourceOwnerId;

use super::NOW;
use crate::support::oidc::{RealProvider, say_yes};
use crate::support::provider::{client, pending};
use crate::support::real;

const BACK: &str = "http://127.0.0.1:1/auth/api/callback";

/// Signs in, and tries the code so many times.
async fn sign_in(client: &OAuthClient, times: usize) -> Vec<Result<Tokens, OAuthError>> {
    let begun = pending(BACK, NOW);
    let back = say_yes(client.settings().begin(&begun), BACK).await;
    let answer = back.query().unwrap();
    assert!(answer.contains("iss="), "{answer}");
    let code = client.settings().code(&begun, answer, NOW).unwrap();
    let mut tried = Vec::new();
    for _ in 0..times {
        tried.push(client.exchange(&code, &begun).await);
    }
    tried
}

async fn tokens(client: &OAuthClient) -> Tokens {
    sign_in(client, 1).await.remove(0).unwrap()
}

fn is_bad_grant<T>(outcome: &Result<T, OAuthError>) -> bool {
    matches!(outcome, Err(OAuthError::InvalidGrant { .. }))
}

#[tokio::test]
async fn a_real_provider_takes_codes_with_pkce_rotates_detects_reuse_and_revokes() {
    if !real::on("a_real_provider_takes_codes_with_pkce_rotates_detects_reuse_and_revokes") {
        return;
    }
    let mut provider = RealProvider::start();
    provider.register(BACK);
    let client = client(&provider.settings(), EgressSettings::default());

    // A code serves once; its second use ends what the first had bought.
    let twice = sign_in(&client, 2).await;
    assert!(is_bad_grant(&twice[1]), "{twice:?}");
    let spoilt = twice[0].as_ref().unwrap();
    assert_eq!(client.probe(&spoilt.access).await.unwrap(), Probe::Rejected);

    let bought = tokens(&client).await;
    assert_eq!(bought.lifetime.unwrap().as_secs(), 3600);
    let account = client.account(&bought).await.unwrap();
    assert_eq!(account.id, ResourceOwnerId::Text("octocat".to_owned()));
    assert_eq!(account.username.as_deref(), Some("octocat@example.org"));

    let first = bought.refresh.unwrap();
    let renewed = client.refresh(&first).await.unwrap();
    let second = renewed.refresh.unwrap();
    assert_ne!(first.expose(), second.expose());
    assert_eq!(client.probe(&renewed.access).await.unwrap(), Probe::Good);
    assert!(is_bad_grant(&client.refresh(&first).await));
    assert!(is_bad_grant(&client.refresh(&second).await), "the whole family is over");

    let bought = tokens(&client).await;
    let revoked = client.revoke(&bought.access, bought.refresh.as_ref()).await.unwrap();
    assert_eq!(revoked, Revoked::Done);
    assert_eq!(client.probe(&bought.access).await.unwrap(), Probe::Rejected);
    assert!(is_bad_grant(&client.refresh(&bought.refresh.unwrap()).await));
}
