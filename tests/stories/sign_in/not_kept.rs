//! Sign-ins that worked at the API and whose secret is not kept: what the API gave ends there.

use std::sync::Arc;
use std::time::Duration;

use endo::config::{Config, RevocationEnds};
use rusqlite::Connection;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::House;
use super::at_the_api::Place;
use super::no_room::fill;
use super::pages::at_home;
use crate::support::browser::{callback, come_back, depart};
use crate::support::fake_api::Answer as ApiAnswer;
use crate::support::provider::{FakeProvider, Fault};

#[tokio::test]
async fn where_the_database_is_full_by_then_the_tokens_end_at_the_api() {
    let provider = FakeProvider::start().await;
    let source = provider.settings();
    let house = House::with(|config| {
        config.source = source;
        config.store.max_pages = 300;
    })
    .await;
    let place = Place { house, provider };
    let (mut browser, state) = place.under_way("/auth/api").await;
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let filled_meanwhile = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while place.provider.token_requests() == 0 {
            ticks.tick().await;
        }
        fill(&place.house).await;
        gate.add_permits(1);
    };
    let (answer, ()) = tokio::join!(come_back(&mut browser, &state), filled_meanwhile);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.text.contains("could not be kept; begin again"), "{answer:?}");
    assert_eq!(place.provider.ended(), ["refresh-1", "access-1"]);
}

#[tokio::test]
async fn what_a_browser_that_hangs_up_signed_in_for_is_kept_all_the_same() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let gateway = place.house.gateway.running.gateway();
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {gateway}\r\ncookie: {}\r\n\r\n",
        callback(&state),
        cookies.join("; ")
    );
    let mut connection = TcpStream::connect(gateway).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while place.provider.token_requests() == 0 {
        ticks.tick().await;
    }
    connection.set_zero_linger().unwrap();
    drop(connection);
    // Answered by the same worker after it was told of the end, if it has to hear of that.
    assert_eq!(browser.get("/console").await.status, 200);
    gate.add_permits(1);
    let kept = loop {
        let page = browser.get("/console").await;
        match page.text.split_once("/console/credentials/") {
            Some((_, rest)) => break rest.split('"').next().unwrap().to_owned(),
            None => drop(ticks.tick().await),
        }
    };
    // The browser has the pass of before, as may somebody else: nothing is proved where nobody got another.
    assert!(!place.is_proved(&kept).await);
}

impl Place {
    /// From now on nothing can be noted that is to end.
    fn breaks(&self) {
        self.refuses("INSERT ON revocations");
    }

    /// From now on the database does not do this.
    fn refuses(&self, what: &str) {
        let file = self.house.gateway.gateway.config.data_dir.join("endo.db");
        let broken = format!("CREATE TRIGGER broken BEFORE {what} BEGIN SELECT RAISE(ABORT, 'broken'); END");
        Connection::open(file).unwrap().execute_batch(&broken).unwrap();
    }
}

#[tokio::test]
async fn tokens_that_cannot_even_be_noted_are_ended_at_once() {
    for (answer, fate) in [
        (ApiAnswer::new(200, &[], ""), "the tokens that it gave are ended"),
        (ApiAnswer::new(500, &[], ""), "the tokens that it gave stay good until they end, or you end"),
    ] {
        let place = Place::open().await;
        let (mut browser, state) = place.under_way("/auth/api").await;
        place.breaks();
        place.provider.revocation_meets([answer]);
        let answer = come_back(&mut browser, &state).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.text.contains("could not be kept; begin again"), "{answer:?}");
        assert!(answer.text.contains(fate), "{answer:?}");
        assert_eq!(place.provider.ended(), ["refresh-1", "access-1"]);
    }
}

#[tokio::test]
async fn tokens_that_cannot_even_be_noted_stay_where_credentials_here_hold_them() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    place.breaks();
    place.provider.plan([Fault::Say(200, r#"{"access_token": "access-1", "refresh_token": "refresh-1"}"#)]);
    let state = depart(&mut browser, "/auth/api").await;
    let answer = come_back(&mut browser, &state).await;
    assert!(answer.text.contains("the tokens that it gave stay good"), "{answer:?}");
    assert_eq!(place.provider.ended(), Vec::<String>::new());
}

#[tokio::test]
async fn of_tokens_that_cannot_even_be_noted_the_access_token_ends_where_credentials_here_hold_the_other() {
    let settle = |config: &mut Config| config.source.revocation_ends = RevocationEnds::Token;
    let place = Place::with(settle).await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    place.breaks();
    for (access, fate, ended) in [
        ("access-9", "the tokens that it gave are ended", vec!["access-9"]),
        ("access-1", "the tokens that it gave stay good", vec!["access-9"]),
    ] {
        let answer = format!(r#"{{"access_token": "{access}", "refresh_token": "refresh-1"}}"#);
        place.provider.plan([Fault::Say(200, Box::leak(answer.into_boxed_str()))]);
        let state = depart(&mut browser, "/auth/api").await;
        let answer = come_back(&mut browser, &state).await;
        assert!(answer.text.contains(fate), "{answer:?}");
        assert_eq!(place.provider.ended(), ended);
    }
}

#[tokio::test]
async fn a_sign_in_proves_nothing_where_its_session_would_keep_the_pass_of_before() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    place.house.wait(Duration::from_secs(301));
    let credentials = home.rsplit('/').next().unwrap();
    let state = depart(&mut browser, &format!("/auth/api?credentials={credentials}")).await;
    place.refuses("UPDATE OF fingerprint ON sessions");
    let answer = come_back(&mut browser, &state).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.text.contains("sign in again before you end something"), "{answer:?}");
    assert!(!place.is_proved(credentials).await);
}

#[tokio::test]
async fn a_sign_in_proves_nothing_where_its_session_was_signed_out_meanwhile() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    place.house.wait(Duration::from_secs(301));
    let credentials = home.rsplit('/').next().unwrap();
    let state = depart(&mut browser, &format!("/auth/api?credentials={credentials}")).await;
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let asked = place.provider.token_requests();
    let mut other_tab = browser.clone();
    let signed_out_meanwhile = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while place.provider.token_requests() == asked {
            ticks.tick().await;
        }
        let answer = other_tab.submit(&page, "/sign-out", &[]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        gate.add_permits(1);
    };
    let (answer, ()) = tokio::join!(come_back(&mut browser, &state), signed_out_meanwhile);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(!place.is_proved(credentials).await);
}
