//! Tokens that the API gave and that no credentials come to hold: they end there.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use endo::store::StoreError;
use tokio::sync::Semaphore;

use super::at_the_api::Place;
use crate::support::browser::{Browser, callback, come_back, depart};
use crate::support::bus::Answer as HttpAnswer;
use crate::support::fake_api::Answer;
use crate::support::provider::{FakeProvider, Fault};
use crate::support::shell::Shell;
use crate::support::terminal::AtTerminal;

/// What the first sign-in brings.
const PAIR: &str = r#"{"access_token": "access-1", "refresh_token": "refresh-1"}"#;
/// What an API gives that counts it to a grant whose refresh token it gave before.
const ALONE: &str = r#"{"access_token": "access-9"}"#;

impl Place {
    /// Until the API was asked for this.
    pub(super) async fn asked(&self, target: &str) {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while !self.provider.api.seen().iter().any(|seen| seen.target == target) {
            ticks.tick().await;
        }
    }

    /// Until no tokens wait for their end, of which the running gateway looks once a second what is due.
    pub(super) async fn until_nothing_waits(&self) {
        let store = &self.house.gateway.gateway.store;
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        while !store.read::<_, StoreError, _>(|view| view.revocations(9)).await.unwrap().is_empty() {
            self.house.wait(Duration::from_secs(31));
            ticks.tick().await;
        }
    }
}

fn says_that_they_are_ended(answer: &HttpAnswer) {
    assert_eq!(answer.status, 502, "{answer:?}");
    let said = "nothing was kept here, and the tokens that it gave are ended";
    assert!(answer.text.contains(said), "{answer:?}");
}

#[tokio::test]
async fn tokens_whose_account_the_api_does_not_tell_are_ended_there() {
    for profile in [
        Answer::new(500, &[], ""),
        Answer::new(401, &[], ""),
        Answer::new(200, &[], "<html>"),
        Answer::Bytes(Vec::new()),
        Answer::new(200, &[], r#"{"account": {"id": null}}"#),
    ] {
        let place = Place::open().await;
        let (mut browser, state) = place.under_way("/auth/api").await;
        place.provider.profile_meets([profile]);
        let answer = come_back(&mut browser, &state).await;
        says_that_they_are_ended(&answer);
        assert_eq!(place.provider.ended(), ["refresh-1", "access-1"]);
    }
}

#[tokio::test]
async fn tokens_of_which_one_cannot_be_used_are_ended_there() {
    for (given, text) in [("7", "7"), (r#"{"a": 1}"#, r#"{"a":1}"#)] {
        let place = Place::open().await;
        let (mut browser, state) = place.under_way("/auth/api").await;
        let answer: &'static str = Box::leak(
            format!(r#"{{"access_token": "access-1", "refresh_token": {given}}}"#).into_boxed_str(),
        );
        place.provider.plan([Fault::Say(200, answer)]);
        let answer = come_back(&mut browser, &state).await;
        says_that_they_are_ended(&answer);
        assert_eq!(place.provider.ended(), [text, "access-1"]);
    }
}

#[tokio::test]
async fn where_the_api_ends_no_tokens_people_are_told_that_they_stay() {
    let provider = FakeProvider::start().await;
    let source = endo::config::Source { revocation_url: None, ..provider.settings() };
    let house = super::House::with(|config| config.source = source).await;
    let place = Place { house, provider };
    let (mut browser, state) = place.under_way("/auth/api").await;
    place.provider.profile_meets([Answer::new(500, &[], "")]);
    let answer = come_back(&mut browser, &state).await;
    assert!(answer.text.contains("the tokens that it gave stay good until they end"), "{answer:?}");
}

#[tokio::test]
async fn tokens_that_the_api_hands_out_again_are_not_ended_whosever_they_are_said_to_be() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let kept = come_back(&mut browser, &state).await;
    let device = kept.header("location").unwrap().rsplit('/').next().unwrap().to_owned();
    let again = format!("/auth/api?credentials={device}");
    for (tokens, profile, status) in [
        (PAIR, Answer::new(500, &[], ""), 502),
        (PAIR, Answer::new(200, &[], r#"{"account": {"id": "octocat"}}"#), 403),
        (ALONE, Answer::new(500, &[], ""), 502),
    ] {
        let state = depart(&mut browser, &again).await;
        place.provider.plan([Fault::Say(200, tokens)]);
        place.provider.profile_meets([profile]);
        assert_eq!(come_back(&mut browser, &state).await.status, status);
        assert_eq!(place.provider.ended(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_record_is_opened_once_for_all_strays_until_there_is_a_newer_one() {
    let place = Place::open().await;
    let gateway = &place.house.gateway.gateway;
    let owner = gateway.owner.as_ref().unwrap().uuid.clone();
    for id in 0..5 {
        gateway.credentials.keep(place.house.gateway.account(id, &owner)).await.unwrap();
    }
    let operations_for = async |access: &str, refresh: &str| {
        let before = gateway.vault.private_key_operations();
        let arrival = gateway.credentials.arrival(None).await;
        let stray =
            gateway.credentials.note_stray(arrival, &access.into(), Some(&refresh.into())).await.unwrap();
        assert!(gateway.credentials.give_up(stray, None).await);
        gateway.vault.private_key_operations() - before
    };
    let first = operations_for("stray-1", "refresh-1").await;
    let second = operations_for("stray-2", "refresh-2").await;
    assert_eq!(first - second, 5);
    let mut account = place.house.gateway.account(3, &owner);
    account.refresh_token = Some("kept-since".into());
    gateway.credentials.keep(account).await.unwrap();
    assert_eq!(operations_for("stray-3", "kept-since").await, second, "the store tells who holds that");
    assert_eq!(operations_for("stray-4", "refresh-4").await - second, 1);
    assert_eq!(
        place.provider.ended(),
        ["refresh-1", "stray-1", "refresh-2", "stray-2", "refresh-4", "stray-4"],
        "a record holds the third"
    );
}

#[tokio::test]
async fn tokens_that_another_sign_in_brings_as_well_are_not_ended() {
    let place = Place::open().await;
    let (mut first, first_state) = place.under_way("/auth/api").await;
    let (mut second, second_state) = place.under_way("/auth/api").await;
    let gate = Arc::new(Semaphore::new(0));
    let profile = Answer::new(200, &[], r#"{"account": {"id": 42, "login": "octocat"}}"#);
    place.provider.profile_meets([profile.behind(&gate), Answer::new(500, &[], "")]);
    let failing = async {
        place.asked("/me").await;
        place.provider.plan([Fault::Say(200, PAIR)]);
        let failed = come_back(&mut second, &second_state).await;
        gate.add_permits(1);
        failed
    };
    let (kept, failed) = tokio::join!(come_back(&mut first, &first_state), failing);
    assert_eq!((kept.status.as_u16(), failed.status.as_u16()), (303, 502), "{kept:?} {failed:?}");
    place.until_nothing_waits().await;
    assert_eq!(place.provider.ended(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_came_just_before_the_program_was_killed_are_ended_by_the_next_start() {
    let (shell, provider) = (Shell::with_key(), FakeProvider::start().await);
    std::fs::write(shell.data().join("endo.toml"), provider.settings_text()).unwrap();
    let listen = ["serve", "--listen", "127.0.0.1:0", "--bus-listen", "127.0.0.1:0"];
    let mut command = shell.command(&listen);
    command.stderr(Stdio::null());
    let mut program = AtTerminal::start(command);
    let mut browser = Browser::at(program.link.split("/sign-in").next().unwrap());
    let page = browser.get(&program.link).await;
    browser.submit(&page, "/sign-in", &[]).await;
    let state = depart(&mut browser, "/auth/api").await;

    provider.profile_meets([Answer::Stall(Vec::new())]);
    let gateway = program.link.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {gateway}\r\ncookie: {}\r\n\r\n",
        callback(&state),
        cookies.join("; ")
    );
    let mut connection = std::net::TcpStream::connect(&gateway).unwrap();
    std::io::Write::write_all(&mut connection, request.as_bytes()).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while !provider.api.seen().iter().any(|seen| seen.target == "/me") {
        ticks.tick().await;
    }
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    assert_eq!(provider.ended(), Vec::<String>::new());

    let served = shell.serve(&[]);
    while provider.ended().len() < 2 {
        ticks.tick().await;
    }
    assert_eq!(provider.ended(), ["refresh-1", "access-1"]);
    assert_eq!(provider.token_requests(), 1);
    drop(served);
}
