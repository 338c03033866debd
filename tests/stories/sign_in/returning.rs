//! Whoever has to sign in at the API again comes back to what that was for.

use std::time::Duration;

use super::House;
use super::at_the_api::Place;
use super::pages::{address, at_home};
use crate::support::browser::{Browser, callback, come_back, depart, hidden, led_on, state_of};
use crate::support::bus::send;
use crate::support::provider::FakeProvider;

#[tokio::test]
async fn a_sign_in_that_an_end_demands_leads_back_to_the_step_where_it_is_confirmed() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    for end in ["/cut-off", "/cut-off-all", "/forget"] {
        place.house.wait(Duration::from_secs(301));
        let step = address(&browser.get(&home).await, end);
        let asked = browser.get(&step).await;
        let to = asked.text.split('"').find(|text| text.starts_with("/auth/api?")).unwrap();
        let state = depart(&mut browser, &to.replace("&amp;", "&")).await;
        let back = come_back(&mut browser, &state).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, Some(&*step)), "{back:?}");
        let confirm = browser.get(&step).await;
        assert!(confirm.text.contains("<button class=\"button strong danger\">"), "{confirm:?}");
    }
}

#[tokio::test]
async fn a_sign_in_leads_to_pages_of_the_gateway_alone() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let elsewhere = [
        "https://elsewhere.example/console",
        "//elsewhere.example/console",
        "/console\\..\\\\elsewhere.example",
        "/consoles",
        "/auth/api",
        "/sign-out",
    ];
    for next in elsewhere {
        let next = next.replace('\\', "%5C");
        let state = depart(&mut browser, &format!("/auth/api?next={next}")).await;
        let back = come_back(&mut browser, &state).await;
        assert_eq!(back.header("location"), Some(&*home), "{next}: {back:?}");
    }
}

#[tokio::test]
async fn a_link_elsewhere_or_in_a_letter_leads_nobody_to_the_api_who_did_not_press_the_button() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    place.house.wait(Duration::from_secs(301));
    let credentials = home.rsplit('/').next().unwrap();
    let path = format!("/auth/api?credentials={credentials}&next=%2Fconsole");
    for site in ["cross-site", "same-site", "none", "no word"] {
        let asked = match site {
            "no word" => browser.get_silently(&path).await,
            site => browser.get_from(site, &path).await,
        };
        assert_eq!((asked.status.as_u16(), asked.header("location")), (200, None), "{asked:?}");
        assert!(browser.flows().is_empty(), "nothing is under way");
        let action = asked.text.split("action=\"/auth/api").nth(1).unwrap().split('"').next().unwrap();
        let action = format!("/auth/api{action}");
        let fields = hidden(&asked, &action);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut presser = browser.clone();
        let forged = presser.form(&path, &[]);
        assert_eq!(presser.send(forged).await.status, 403, "the button holds a proof");
        let pressed = presser.form(&action.replace("&amp;", "&"), &fields);
        let pressed = presser.send(pressed).await;
        let to: reqwest::Url = led_on(&pressed).parse().unwrap();
        assert!(to.as_str().starts_with(&place.provider.api.url("/")), "{to}");
        let state = to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let back = come_back(&mut presser, &state).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, Some("/console")), "{back:?}");
        assert!(place.is_proved(credentials).await);
        place.house.wait(Duration::from_secs(301));
        browser = presser;
    }
}

/// Where a sign-in with the bus leads that `site` began, as browsers tell: a browser on its way, and the address.
async fn over_the_bus(place: &Place, site: &str, wish: &str) -> (Browser, String) {
    let device = place.house.stranger().await;
    let mut browser = place.house.browser();
    let start = browser.get_from(site, &format!("/auth/octoblu{wish}")).await;
    let back = place.house.at_the_bus(start.header("location").unwrap(), &device).await;
    // The bus is another origin of this site, and redirects of redirects stay what led to the first.
    let answer = browser.get_from("same-site", &back).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let to = answer.header("location").unwrap().to_owned();
    (browser, to)
}

#[tokio::test]
async fn a_sign_in_that_a_page_of_the_gateway_began_runs_through_the_bus_to_the_api() {
    let place = Place::open().await;
    let page = place.house.browser().get("/sign-in?next=/auth/api").await;
    assert!(page.text.contains("Then you go on to") && page.text.contains("and sign in there"), "{page:?}");
    for wish in ["", "?next=%2Fauth%2Fapi%3Fnext%3D%252Fconsole"] {
        let (mut browser, to) = over_the_bus(&place, "same-origin", wish).await;
        let at_the_api = browser.get_from("same-site", &to).await;
        assert_eq!(at_the_api.status, 302, "{at_the_api:?}");
        let kept = browser.get_from("cross-site", &callback(&state_of(&at_the_api))).await;
        let home = kept.header("location").unwrap();
        assert_eq!(home == "/console", !wish.is_empty(), "{kept:?}");
        assert_eq!(browser.get("/console").await.text.matches("octocat").count(), 1);
    }
}

#[tokio::test]
async fn a_page_elsewhere_that_leads_over_the_bus_leads_nobody_to_the_api() {
    let place = Place::open().await;
    let (_, voucher) = over_the_bus(&place, "same-origin", "").await;
    for site in ["cross-site", "same-site", "none"] {
        let (mut browser, to) = over_the_bus(&place, site, "").await;
        assert_eq!(to, "/auth/api?meant=");
        // The bus may be at the gateway's own address, and its page lead back.
        let asked = browser.get_from("same-origin", &to).await;
        assert!(asked.text.contains("no page of this gateway led you here"), "{asked:?}");
        // Nor does it help to know what somebody else was led by, or what this one was, a minute ago.
        for to in [&*to, &voucher, "/auth/api?meant=", "/auth/api?meant=AAAA"] {
            let asked = browser.get_from(site, to).await;
            assert_eq!((asked.status.as_u16(), asked.header("location")), (200, None), "{asked:?}");
            assert!(asked.text.contains("no page of this gateway led you here"), "{asked:?}");
        }
    }
    let (mut browser, late) = over_the_bus(&place, "same-origin", "").await;
    place.house.wait(Duration::from_secs(61));
    assert_eq!(browser.get_from("same-site", &late).await.status, 200);
}

/// Its pages lead wherever the device of somebody there wants people back.
#[tokio::test]
async fn where_the_bus_has_the_gateway_s_address_nobody_is_taken_for_led_by_the_gateway() {
    for (bus, asks) in [("https://endo.example.org", true), ("https://bus.example.org", false)] {
        let place = Place::with(|config| {
            config.listen.public_url = Some("https://endo.example.org".to_owned());
            config.bus.oauth_url = Some(bus.to_owned());
        })
        .await;
        let mut browser = place.house.browser();
        let link = place.house.link();
        let page = browser.get(link.split_once("example.org").unwrap().1).await;
        browser.submit(&page, "/sign-in", &[]).await;
        let answer = browser.get_from("same-origin", "/auth/api").await;
        assert_eq!(answer.status == 200, asks, "{answer:?}");
        assert_eq!(answer.text.contains("no page of this gateway led you here"), asks, "{answer:?}");
    }
}

#[tokio::test]
async fn a_program_that_goes_to_the_api_by_itself_keeps_the_secret_and_proves_nothing() {
    let place = Place::open().await;
    let browser = place.house.signed_in().await;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let ask = async |path: &str, cookies: &str| {
        let request = client.get(format!("{}{path}", place.house.url()));
        send(request.header("accept", "application/json").header("cookie", cookies)).await
    };
    let name = browser.session_cookie();
    let session = format!("{name}={}", browser.cookies[&name]);
    let start = ask("/auth/api", &session).await;
    assert_eq!(start.status, 302, "{start:?}");
    let flow = start.header("set-cookie").unwrap().split(';').next().unwrap();
    let to: reqwest::Url = start.header("location").unwrap().parse().unwrap();
    let state = to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let back = format!("/auth/api/callback?code=good%20code&state={state}");
    let kept = ask(&back, &format!("{session}; {flow}")).await;
    assert_eq!(kept.status, 201, "{kept:?}");
    assert!(!place.is_proved(kept.json()["uuid"].as_str().unwrap()).await);
}

#[tokio::test]
async fn whoever_signs_in_again_is_asked_by_the_api_as_the_settings_say() {
    let provider = FakeProvider::start().await;
    let mut source = provider.settings();
    source.parameters = vec!["prompt=consent".to_owned(), "more=1".to_owned()];
    source.reauthentication = vec!["prompt=login".to_owned(), "max_age=0".to_owned()];
    let house = House::with(|config| config.source = source).await;
    let place = Place { house, provider };
    let (mut browser, home, _) = at_home(&place).await;
    let again = format!("/auth/api?credentials={}", home.rsplit('/').next().unwrap());
    for (path, asks) in [
        ("/auth/api", &[("more", "1"), ("prompt", "consent")][..]),
        (&*again, &[("max_age", "0"), ("more", "1"), ("prompt", "login")][..]),
    ] {
        let start = browser.get(path).await;
        let to: reqwest::Url = start.header("location").unwrap().parse().unwrap();
        let mut asked: Vec<_> = to.query_pairs().into_owned().collect();
        asked.retain(|(name, _)| ["max_age", "more", "prompt"].contains(&&**name));
        let asked: Vec<_> = asked.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(asked, asks, "{path}");
    }
}

#[tokio::test]
async fn whoever_signs_in_again_for_what_is_forgotten_is_told_so_and_led_to_begin_anew() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let path = format!("/auth/api?credentials={}", home.rsplit('/').next().unwrap());
    let asked = browser.get_from("cross-site", &path).await;
    assert!(asked.text.contains("no page of this gateway led you here"), "{asked:?}");
    let state = depart(&mut browser, &path).await;
    let forget = format!("{home}/forget");
    let page = browser.get(&forget).await;
    assert_eq!(browser.submit(&page, &forget, &[]).await.status, 303);

    let late = come_back(&mut browser, &state).await;
    let before = browser.flows();
    assert_eq!(late.status, 404, "{late:?}");
    let anew = format!("To connect github anew, begin at {}/auth/api", place.house.url());
    for says in ["There is nothing to sign in again", &anew, "the tokens that it gave are ended"] {
        assert!(late.text.contains(says), "{says}: {late:?}");
    }
    for site in ["same-origin", "cross-site"] {
        let told = browser.get_from(site, &path).await;
        assert_eq!(told.status, 404, "{told:?}");
        assert!(told.text.contains("href=\"/auth/api\">Connect github</a>"), "{told:?}");
        assert_eq!(browser.flows(), before, "nothing more is under way");
    }
    let state = depart(&mut browser, "/auth/api").await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
}

#[tokio::test]
async fn who_presses_the_button_to_the_api_after_the_credentials_were_forgotten_is_told_that_they_are_gone() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let again = format!("/auth/api?credentials={}", home.rsplit('/').next().unwrap());
    let asked = browser.get_from("cross-site", &again).await;
    assert!(asked.text.contains("no page of this gateway led you here"), "{asked:?}");

    let mut tab = browser.clone();
    let forget = format!("{home}/forget");
    let confirm = tab.get(&forget).await;
    assert_eq!(tab.submit(&confirm, &forget, &[]).await.status, 303);
    let pressed = browser.submit(&asked, &again, &[]).await;
    assert!(
        pressed.status == 404 && pressed.text.contains("there is nothing to sign in again"),
        "{pressed:?}"
    );
    assert!(browser.flows().is_empty(), "nothing is under way");
}
