//! However many strangers begin to sign in, those who are on their way come to their end.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use endo::ambient::Timestamp;
use endo::store::{MostSessions, StoreError, Transaction};
use reqwest::{Client, Url};
use tokio::task::JoinSet;

use super::at_the_api::Place;
use super::{leads_to_the_console, must_sign_in, session_of_a_stranger};
use crate::support::browser::come_back;

/// As many as were ever remembered, and some.
const STRANGERS: usize = 10_050;
/// How many of them come at a time.
const AT_A_TIME: usize = 16;

/// Has them all begin.
async fn crowd(url: &str) {
    let client = Client::builder().no_proxy().tls_certs_only([]);
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut lines = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (client, url) = (client.clone(), format!("{url}/auth/octoblu"));
        lines.spawn(async move {
            for _ in 0..STRANGERS.div_ceil(AT_A_TIME) {
                assert_eq!(client.get(&url).send().await.unwrap().status(), 302);
            }
        });
    }
    lines.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_strangers_who_begin_to_sign_in_end_nobody_s_sign_in() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let (mut at_the_api, state) = place.under_way("/auth/api").await;
    let mut at_the_bus = place.house.browser();
    let start = at_the_bus.get("/auth/octoblu?next=/console").await;
    let back = place.house.at_the_bus(start.header("location").unwrap(), &device).await;
    crowd(&place.house.url()).await;
    let answer = at_the_bus.get(&back).await;
    leads_to_the_console(&answer);
    assert!(at_the_bus.get("/console").await.text.contains(&device.uuid));
    assert_eq!(come_back(&mut at_the_api, &state).await.status, 303);
}

/// As many sessions as there may be, each of another device that nobody knew before.
async fn strangers_sign_in(place: &Place) {
    let now = Timestamp::from_millis(place.house.now.load(Ordering::SeqCst));
    let most = MostSessions { oldest: 3, newest: 13, in_all: 10_000 };
    let sign_in = move |transaction: &Transaction<'_>| {
        for number in 0..most.in_all {
            let mut fingerprint = [0; 32];
            fingerprint[..4].copy_from_slice(&number.to_be_bytes());
            let session = session_of_a_stranger(number, fingerprint, now);
            transaction.add_session(&fingerprint, &session, most)?;
        }
        Ok(())
    };
    place.house.gateway.gateway.store.write::<_, StoreError, _>(sign_in).await.unwrap();
}

#[tokio::test]
async fn ten_thousand_strangers_who_sign_in_end_no_session_of_whoever_keeps_something_here() {
    let place = Place::open().await;
    let (mut owner, state) = place.under_way("/auth/api").await;
    assert_eq!(come_back(&mut owner, &state).await.status, 303);
    strangers_sign_in(&place).await;
    let device = place.house.stranger().await;
    let mut newcomer = place.house.signed_in_with_bus(&device).await;
    assert!(newcomer.get("/console").await.text.contains(&device.uuid));
    let console = owner.get("/console").await;
    assert!(console.status == 200 && console.text.contains("octocat"), "{console:?}");
}

fn query(address: &str) -> HashMap<String, String> {
    address.parse::<Url>().unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn nobody_reads_or_makes_what_a_browser_is_to_bring_back() {
    let place = Place::open().await;
    let mut browser = place.house.browser();
    let start = browser.get("/auth/octoblu?next=/console/receipts").await;
    let told = query(start.header("location").unwrap());
    let other = query(browser.get("/auth/octoblu").await.header("location").unwrap());
    assert_ne!(told["state"], other["state"]);
    assert_ne!(told["code_challenge"], other["code_challenge"]);
    assert!(told["state"].len() < 300, "{told:?}");
    let state = &told["state"];
    let sealed = URL_SAFE_NO_PAD.decode(state).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("console"));

    let mut changed = sealed.clone();
    changed[sealed.len() / 2] ^= 1;
    for bytes in [&*changed, &sealed[1..], &sealed[..20], &[0; 100], b"", "ü".as_bytes()] {
        let state = URL_SAFE_NO_PAD.encode(bytes);
        let answer = browser.get(&format!("/auth/octoblu/callback?code=x&state={state}")).await;
        assert!(answer.text.contains("did not begin that sign-in"), "{state}: {answer:?}");
    }
    must_sign_in(&browser.get("/console").await);
}
