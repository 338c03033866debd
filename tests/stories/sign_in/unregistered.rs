//! Nobody can sign in at the API of a gateway that is not registered there: whoever runs it ends things, and pages say so.

use serde_json::Value;

use super::House;
use crate::support::bus::send;

/// Ways of its pages that lead nowhere here.
const DEAD_ENDS: [&str; 4] = ["href=\"/auth/api", "/cut-off\"", "/cut-off-all\"", "/forget\""];

#[tokio::test]
async fn pages_leave_out_what_takes_a_sign_in_that_nobody_can_do_and_say_who_ends_it() {
    let house = House::open().await;
    let chain = house.gateway.chain(42).await;
    let mut browser = house.signed_in().await;
    let home = format!("/console/credentials/{}", chain.credentials);
    let console = browser.get("/console").await;
    assert!(console.text.contains("Nobody can sign in at GitHub here"), "{console:?}");
    let add = format!("endo credentials add --id ACCOUNT --owner {}<", house.gateway.owner().uuid);
    assert!(console.text.contains(&add), "{console:?}");
    let page = browser.get(&home).await;
    for page in [&console, &page] {
        for dead_end in DEAD_ENDS {
            assert!(!page.text.contains(dead_end), "{dead_end}: {page:?}");
        }
    }
    let asked = browser.get(&format!("{home}/forget")).await;
    assert!(!asked.text.contains("/auth/api"), "{asked:?}");
    let forget = format!("endo credentials forget {}<", chain.credentials);
    for page in [page, asked] {
        assert!(page.text.contains("endo devices revoke") && page.text.contains(&forget), "{page:?}");
    }
}

#[tokio::test]
async fn a_program_is_told_who_ends_what_it_cannot_prove() {
    let house = House::open().await;
    let chain = house.gateway.chain(42).await;
    let owner = house.gateway.owner();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("{}/credentials/{}", house.url(), chain.credentials);
    let refused = send(client.delete(url).basic_auth(&owner.uuid, Some(&owner.token))).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    let problem = refused.json();
    assert_eq!(
        (&problem["type"], &problem["link"]),
        (&"/problems/reauthentication_required".into(), &Value::Null)
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("endo credentials forget {}", chain.credentials)), "{detail}");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
}

#[tokio::test]
async fn the_last_owner_is_told_who_forgets_the_secret() {
    for (proof_age, instead) in [(300, "by `endo credentials forget "), (0, "; you can forget the secret")] {
        let house = House::with(|config| config.credentials.reauthentication = proof_age).await;
        let chain = house.gateway.chain(42).await;
        let owner = house.gateway.owner();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let url = format!("{}/credentials/{}/owners/me", house.url(), chain.credentials);
        let refused = send(client.delete(url).basic_auth(&owner.uuid, Some(&owner.token))).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        let problem = refused.json();
        assert!(problem["detail"].as_str().unwrap().contains(instead), "{problem}");
    }
}

#[tokio::test]
async fn where_no_proof_is_asked_for_owners_end_things_all_the_same() {
    let house = House::with(|config| config.credentials.reauthentication = 0).await;
    let chain = house.gateway.chain(42).await;
    let mut browser = house.signed_in().await;
    let page = browser.get(&format!("/console/credentials/{}", chain.credentials)).await;
    for way in &DEAD_ENDS[1..] {
        assert!(page.text.contains(way), "{way}: {page:?}");
    }
}
