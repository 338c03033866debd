//! Signing in on the page: who may, how often, how long, and from which page.

use std::time::Duration;

use super::World;
use super::person::{Person, query};
use crate::support::bus::{Device, send};

fn is_signed_in(answer: &crate::support::bus::Answer) -> bool {
    answer.text.contains("act as your device?")
}

#[tokio::test]
async fn a_wrong_token_signs_nobody_in_and_is_not_shown_again() {
    let world = World::open().await;
    let mut person = world.person();
    let page = person.get(&world.authorize("")).await;
    let first = person.cookie.clone();
    for (uuid, token) in
        [(&*world.user.uuid, "wrong-token"), ("nobody", &*world.user.token), ("", ""), ("\"><b>", "x")]
    {
        let device = Device { uuid: uuid.to_owned(), token: token.to_owned() };
        let answer = person.try_to_sign_in(&page, &device).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, None));
        assert!(answer.text.contains("not one of its own"));
        assert!(!answer.text.contains("wrong-token") && !answer.text.contains("<b>"));
        assert!(!answer.text.contains(&world.user.token));
    }
    assert_eq!(person.cookie, first);
    assert!(!is_signed_in(&person.get(&world.authorize("")).await));
}

#[tokio::test]
async fn ten_wrong_tokens_a_minute_are_told_so_and_more_are_429() {
    let world = World::open().await;
    let mut person = world.person();
    let page = person.get(&world.authorize("")).await;
    let wrong = Device { token: "wrong".to_owned(), ..world.user.clone() };
    for _ in 0..10 {
        assert_eq!(person.try_to_sign_in(&page, &wrong).await.status, 403);
    }
    let refused = person.try_to_sign_in(&page, &wrong).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, Some("60")));
    world.wait(Duration::from_secs(60));
    assert_eq!(person.try_to_sign_in(&page, &wrong).await.status, 403);
}

#[tokio::test]
async fn nobody_s_wrong_tokens_keep_out_who_has_the_right_one() {
    let world = World::open().await;
    let (mut stranger, mut person) = (world.person(), world.person());
    let page = stranger.get(&world.authorize("")).await;
    let wrong = Device { token: "wrong".to_owned(), ..world.user.clone() };
    while stranger.try_to_sign_in(&page, &wrong).await.status != 429 {}
    assert!(is_signed_in(&person.sign_in(&world.authorize(""), &world.user).await));
    assert_eq!(stranger.try_to_sign_in(&page, &wrong).await.status, 429);
}

#[tokio::test]
async fn a_sign_in_lasts_an_hour_under_a_cookie_that_nobody_knew_before() {
    let world = World::open().await;
    let mut person = world.person();
    let page = person.get(&world.authorize("")).await;
    let before = person.cookie.clone().unwrap();
    let answer = person.try_to_sign_in(&page, &world.user).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("endo-sign-in="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_ne!(person.cookie, Some(before));
    assert!(is_signed_in(&person.get(&world.authorize("")).await));
    world.wait(Duration::from_millis(60 * 60 * 1000 - 1));
    assert!(is_signed_in(&person.get(&world.authorize("")).await));
    world.wait(Duration::from_millis(1));
    assert!(!is_signed_in(&person.get(&world.authorize("")).await));
}

#[tokio::test]
async fn away_from_the_bus_s_own_machine_the_cookie_is_for_https_alone() {
    let world = World::open().await;
    for (host, is_own) in [
        ("bus.example", false),
        ("10.0.0.1:3000", false),
        ("127.0.0.1.bus.example", false),
        ("localhost:3000", true),
        ("[::1]:3000", true),
    ] {
        let request = world.bus.anonymous(&format!("GET {}", world.authorize(""))).header("host", host);
        let answer = send(request).await;
        let cookie = answer.header("set-cookie").unwrap();
        assert_eq!(
            cookie.starts_with("__Host-endo-sign-in=") && cookie.ends_with("; Secure"),
            !is_own,
            "{cookie}"
        );
        let error = format!("GET {}&response_type=x", world.authorize(""));
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let url = format!("http://{}{}", world.bus.address, error.trim_start_matches("GET "));
        let answers = query(&send(client.get(url).header("host", host)).await);
        let scheme = if is_own { "http" } else { "https" };
        assert_eq!(answers["iss"], format!("{scheme}://{host}"));
    }
}

#[tokio::test]
async fn a_person_can_become_another_device() {
    let world = World::open().await;
    let mut person = world.person();
    let consent = person.sign_in(&world.authorize(""), &world.user).await;
    let cookie = person.cookie.clone();
    person.press(&consent, "leave").await;
    assert!(!is_signed_in(&person.get(&world.authorize("")).await));
    person.cookie = cookie;
    assert!(!is_signed_in(&person.get(&world.authorize("")).await));
}

#[tokio::test]
async fn another_page_cannot_answer_in_a_person_s_name() {
    let world = World::open().await;
    let mut person = world.person();
    let consent = person.sign_in(&world.authorize(""), &world.user).await;
    let mut attacker = world.person();
    let theirs =
        attacker.sign_in(&world.authorize(""), &world.bus.register(serde_json::json!({})).await).await;
    let ticket = |page: &crate::support::bus::Answer| {
        let begin = page.text.split("name=\"ticket\" value=\"").nth(1).unwrap();
        begin.split('"').next().unwrap().to_owned()
    };
    let other_request = person.get(&world.authorize("&state=other")).await;
    let (own, foreign, other) = (ticket(&consent), ticket(&theirs), ticket(&other_request));
    for fields in [
        vec![("answer", "allow")],
        vec![("answer", "allow"), ("ticket", "")],
        vec![("answer", "allow"), ("ticket", &foreign)],
        vec![("answer", "allow"), ("ticket", &other)],
        vec![("answer", "leave"), ("ticket", &foreign)],
    ] {
        let request = person.form(&world.authorize(""), &fields);
        let answer = person.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (403, None), "{fields:?}");
    }
    for site in ["cross-site", "same-site", "none"] {
        let request = person.form(&world.authorize(""), &[("answer", "allow"), ("ticket", &own)]);
        assert_eq!(person.send(request.header("sec-fetch-site", site)).await.status, 403);
    }
    let request = person.form(&world.authorize(""), &[("answer", "allow"), ("ticket", &own)]);
    assert_eq!(person.send(request.header("origin", "https://elsewhere.example")).await.status, 403);
    let mut without_cookie = Person::at(&format!("http://{}", world.bus.address));
    let request = without_cookie.form(&world.authorize(""), &[("answer", "allow"), ("ticket", &own)]);
    assert_eq!(without_cookie.send(request).await.status, 403);
    let request = person.form(&world.authorize(""), &[("answer", "allow"), ("ticket", &own)]);
    let good = person.send(request.header("sec-fetch-site", "same-origin")).await;
    assert!(query(&good).contains_key("code"));
}

#[tokio::test]
async fn an_answer_after_the_sign_in_is_over_asks_again() {
    let world = World::open().await;
    let mut person = world.person();
    let consent = person.sign_in(&world.authorize("&state=s"), &world.user).await;
    world.wait(Duration::from_secs(60 * 60));
    let answer = person.press(&consent, "allow").await;
    let location = answer.header("location").unwrap().to_owned();
    assert!(location.starts_with("authorize?") && location.contains("state=s"), "{answer:?}");
    assert!(!is_signed_in(&person.get(&location).await));
}
