//! Sign-ins of several tabs of one browser, which overlap as they like.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::at_the_api::{Place, refused};
use crate::support::browser::{Browser, come_back, depart, state_of};
use crate::support::provider::Fault;

/// What a browser keeps a pass under that somebody else on this host made up.
fn foreign(port: &str, number: usize) -> (String, String) {
    let pass = "A".repeat(42);
    (format!("endo_flow{port}_{number:->16}"), format!("{pass}A"))
}

#[tokio::test]
async fn two_tabs_of_one_browser_both_come_to_their_end_each_once() {
    let place = Place::open().await;
    let (mut browser, first) = place.under_way("/auth/api").await;
    let second = depart(&mut browser, "/auth/api?next=/console").await;
    let kept = come_back(&mut browser, &first).await;
    assert_eq!(kept.status, 303, "{kept:?}");
    refused(&come_back(&mut browser, &first).await, "finished already");
    let kept = come_back(&mut browser, &second).await;
    assert_eq!((kept.status.as_u16(), kept.header("location")), (303, Some("/console")), "{kept:?}");
    refused(&come_back(&mut browser, &second).await, "finished already");
    assert_eq!(browser.cookies.len(), 1, "nothing is under way any more");
    assert_eq!(place.provider.token_requests(), 2);
}

#[tokio::test]
async fn two_tabs_whose_sign_ins_begin_at_the_same_time_both_come_to_their_end() {
    let place = Place::open().await;
    let mut browser = place.house.signed_in().await;
    let (mut one, mut other) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(one.get("/auth/api"), other.get("/auth/api"));
    browser.take_in(&first);
    browser.take_in(&second);
    for begun in [first, second] {
        assert_eq!(come_back(&mut browser, &state_of(&begun)).await.status, 303);
    }
}

#[tokio::test]
async fn a_sign_in_that_begins_while_another_waits_for_the_api_outlives_the_other_s_end() {
    let place = Place::open().await;
    let (mut browser, first) = place.under_way("/auth/api").await;
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let mut tab = browser.clone();
    let second = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while place.provider.token_requests() == 0 {
            ticks.tick().await;
        }
        let second = depart(&mut browser, "/auth/api").await;
        gate.add_permits(1);
        second
    };
    let (kept, second) = tokio::join!(come_back(&mut tab, &first), second);
    assert_eq!(kept.status, 303, "{kept:?}");
    browser.take_in(&kept);
    assert_eq!(come_back(&mut browser, &second).await.status, 303);
    assert!(browser.flows().is_empty(), "nothing is under way any more");
}

#[tokio::test]
async fn twelve_tabs_all_come_to_their_end_and_of_many_more_the_newest_are_remembered() {
    let place = Place::open().await;
    let mut browser = place.house.signed_in().await;
    let mut tabs = Vec::new();
    for _ in 0..12 {
        tabs.push(depart(&mut browser, "/auth/api").await);
    }
    for state in &tabs {
        assert_eq!(come_back(&mut browser, state).await.status, 303);
    }
    let pushed_out = depart(&mut browser, "/auth/api").await;
    for _ in 0..30 {
        depart(&mut browser, "/auth/octoblu").await;
    }
    assert_eq!(browser.flows().len(), 24);
    refused(&come_back(&mut browser, &pushed_out).await, "begun in too many windows");
    let line = browser.set.iter().rfind(|line| line.starts_with("endo_flow_") && line.ends_with("=600"));
    assert!(line.unwrap().contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"), "{line:?}");
}

#[tokio::test]
async fn cookies_of_others_on_this_host_hide_no_sign_in() {
    let place = Place::open().await;
    let begin = async |browser: &mut Browser| {
        let state = depart(browser, "/auth/api").await;
        (browser.flows().into_iter().find(|name| name.ends_with(&state[..16])).unwrap(), state)
    };
    let mut browser = place.house.signed_in().await;
    let (name, state) = begin(&mut browser).await;
    let port = browser.port();
    let foreign = |number| foreign(&port, number);
    browser.cookies.extend((0..90).map(foreign));
    browser.cookies.insert("a".to_owned(), "x".repeat(4000));
    browser.cookies.insert(format!("endo_flow{port}_"), foreign(0).1);
    // The same name, for a longer path, comes first.
    browser.cookies.insert("b".to_owned(), format!("; {name}={}; {name}=junk", foreign(0).1));
    assert_eq!(come_back(&mut browser, &state).await.status, 303);

    // Where they are there before, they are cleared away bit by bit.
    browser.cookies.shift_remove("b");
    browser.cookies.shift_remove(&format!("endo_flow{port}_"));
    let (_, first) = begin(&mut browser).await;
    let (_, second) = begin(&mut browser).await;
    assert_eq!(browser.flows().len(), 24);
    assert_eq!(come_back(&mut browser, &first).await.status, 303);
    assert_eq!(come_back(&mut browser, &second).await.status, 303);
    refused(&come_back(&mut browser, &second).await, "finished already");
}

#[tokio::test]
async fn two_gateways_on_one_machine_drop_none_of_each_other_s_sign_ins() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let neighbour = Place::open().await;
    let mut there = neighbour.house.signed_in().await;
    // Browsers send the cookies of one port to all.
    there.cookies.extend(browser.cookies.clone());
    for _ in 0..30 {
        depart(&mut there, "/auth/api").await;
    }
    let page = there.get("/console").await;
    there.submit(&page, "/sign-out", &[]).await;
    browser.cookies = there.cookies;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
}
