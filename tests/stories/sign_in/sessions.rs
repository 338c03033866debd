//! Sessions, their cookies, and the forms of their pages.

use std::time::Duration;

use serde_json::{Value, json};

use super::{House, must_sign_in};
use crate::support::browser::Browser;
use crate::support::bus::{Device, WithJson, send};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn browsers_without_a_session_are_sent_to_sign_in_and_programs_are_told_401() {
    let house = House::open().await;
    let mut browser = house.browser();
    for path in ["/console", "/CONSOLE/"] {
        let answer = browser.get(path).await;
        must_sign_in(&answer);
        assert_eq!(answer.status, 302, "{answer:?}");
    }
    let answer = browser.get("/console?x=1").await;
    assert_eq!(answer.header("location"), Some("/sign-in?next=%2Fconsole%3Fx%3D1"));
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for accept in ["application/json", "*/*"] {
        let url = format!("{}/console", house.url());
        let answer = client.get(url).header("accept", accept).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(problem["type"], "/problems/not-authenticated");
    }
}

#[tokio::test]
async fn the_start_leads_browsers_to_the_sign_in_or_to_their_credentials() {
    let house = House::open().await;
    let answer = house.browser().get("/").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (302, Some("/sign-in")));
    let answer = house.signed_in().await.get("/").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (302, Some("/console")));
}

#[tokio::test]
async fn a_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http() {
    let house = House::open().await;
    let browser = house.signed_in().await;
    let line = browser.set.last().unwrap();
    assert!(
        line.starts_with(&format!("{}=", browser.session_cookie()))
            && line.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{line}"
    );

    // Behind a proxy that speaks TLS, the browser calls the gateway by another name.
    let mut browser = house.browser();
    let page = browser.get(&house.link()).await;
    let fields = crate::support::browser::hidden(&page, "/sign-in");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let request = browser.form("/sign-in", &fields).header("host", "endo.example");
    assert_eq!(browser.send(request).await.status, 303);
    let line = browser.set.last().unwrap();
    assert!(line.starts_with("__Host-endo_session="), "{line}");
    assert!(line.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{line}");
}

#[tokio::test]
async fn no_cookie_is_for_plain_http_where_the_gateway_is_served_by_https_whatever_host_a_proxy_passes_on() {
    let house = House::with(|config| {
        config.listen.public_url = Some("HTTPS://endo.example.org".to_owned());
        config.bus.oauth_url = Some("https://bus.example.org".to_owned());
    })
    .await;
    // This browser asks for 127.0.0.1, as does a proxy that does not say what it was asked for.
    let mut browser = house.browser();
    assert_eq!(browser.get("/auth/octoblu").await.status, 302);
    let link = house.link();
    let page = browser.get(link.split_once("example.org").unwrap().1).await;
    let console = browser.submit(&page, "/sign-in", &[]).await;
    assert_eq!(browser.follow(console).await.status, 200);
    let names: Vec<_> = browser.cookies.keys().collect();
    assert!(names[0].starts_with("__Host-endo_flow_") && names[1] == "__Host-endo_session", "{names:?}");
    assert!(browser.set.iter().all(|line| line.contains("; Secure")), "{:?}", browser.set);

    // What a neighbour on the same host could have set is none.
    let pass = browser.cookies.shift_remove("__Host-endo_session").unwrap();
    browser.cookies.insert(browser.session_cookie(), pass);
    must_sign_in(&browser.get("/console").await);
}

#[tokio::test]
async fn a_sign_in_gives_a_new_session_and_ends_the_one_before() {
    let house = House::open().await;
    let mut browser = house.signed_in().await;
    let before = browser.clone();
    let page = browser.get(&house.link()).await;
    browser.submit(&page, "/sign-in", &[]).await;
    assert_ne!(browser.cookies[&browser.session_cookie()], before.cookies[&browser.session_cookie()]);
    must_sign_in(&before.clone().get("/console").await);
    assert_eq!(browser.get("/console").await.status, 200);
}

#[tokio::test]
async fn a_session_that_a_stranger_chose_is_not_taken_over() {
    let house = House::open().await;
    let mut browser = house.browser();
    let planted = "A".repeat(43);
    browser.cookies.insert(browser.session_cookie(), planted.clone());
    let page = browser.get(&house.link()).await;
    browser.submit(&page, "/sign-in", &[]).await;
    assert_ne!(browser.cookies[&browser.session_cookie()], planted);
    let mut thief = house.browser();
    thief.cookies.insert(thief.session_cookie(), planted);
    must_sign_in(&thief.get("/console").await);
}

#[tokio::test]
async fn a_stolen_cookie_is_worth_nothing_after_the_sign_out() {
    let house = House::open().await;
    let mut browser = house.signed_in().await;
    let mut thief = browser.clone();
    assert_eq!(thief.get("/console").await.status, 200);
    let page = browser.get("/console").await;
    let answer = browser.submit(&page, "/sign-out", &[]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert!(browser.follow(answer).await.text.contains("You are signed out"));
    must_sign_in(&thief.get("/console").await);
    must_sign_in(&browser.get("/console").await);
}

/// How many tokens of this device the gateway was granted.
async fn granted(house: &House, device: &Device) -> usize {
    let service = house.gateway.gateway.bus.embedded().unwrap().service();
    let search = house.gateway.by(device, "POST /search/tokens");
    let found = send(search.json(&json!({"metadata.client_id": service}))).await;
    found.json().as_array().unwrap().len()
}

async fn sign_out(browser: &mut Browser) {
    let page = browser.get("/console").await;
    assert_eq!(browser.submit(&page, "/sign-out", &[]).await.header("location"), Some("/sign-in?out"));
    must_sign_in(&browser.get("/console").await);
}

#[tokio::test]
async fn a_sign_out_ends_the_token_that_the_bus_granted_for_it_and_no_other() {
    let house = House::open().await;
    let device = house.stranger().await;
    let mut first = house.signed_in_with_bus(&device).await;
    let mut second = house.signed_in_with_bus(&device).await;
    assert_eq!(granted(&house, &device).await, 2);
    sign_out(&mut first).await;
    assert_eq!(granted(&house, &device).await, 1);
    assert_eq!(second.get("/console").await.status, 200);

    // Whoever signs in anew in the same browser leaves the session before, and its token.
    let page = second.get(&house.link()).await;
    assert_eq!(second.submit(&page, "/sign-in", &[]).await.status, 303);
    assert_eq!(granted(&house, &device).await, 0);
    send(house.gateway.by(&device, "POST /authenticate")).await.is(204, "");

    // The link of the terminal signs in by the owner's own token, which programs use.
    sign_out(&mut second).await;
    send(house.gateway.by(&house.gateway.owner(), "POST /authenticate")).await.is(204, "");
}

#[tokio::test]
async fn a_session_ends_two_hours_after_its_last_use_and_a_day_after_its_beginning() {
    let house = House::open().await;
    let mut idle = house.signed_in().await;
    let mut busy = house.signed_in().await;
    house.wait(119 * MINUTE);
    assert_eq!(busy.get("/console").await.status, 200);
    house.wait(MINUTE);
    must_sign_in(&idle.get("/console").await);
    for _ in 0..22 {
        house.wait(59 * MINUTE);
        assert_eq!(busy.get("/console").await.status, 200);
    }
    house.wait(22 * MINUTE);
    must_sign_in(&busy.get("/console").await);
}

#[tokio::test]
async fn a_session_ends_with_the_token_that_began_it() {
    let house = House::open().await;
    let mut browser = house.signed_in().await;
    let owner = house.gateway.owner();
    let call = format!("POST /devices/{}/token", owner.uuid);
    assert_eq!(crate::support::bus::send(house.gateway.by(&owner, &call)).await.status, 200);
    must_sign_in(&browser.get("/console").await);
}

#[tokio::test]
async fn a_form_without_its_proof_or_from_another_site_does_nothing() {
    let house = House::open().await;
    let mut browser = house.signed_in().await;
    let other = house.signed_in().await.get("/console").await;
    let foreign = crate::support::browser::hidden(&other, "/sign-out").remove(0).1;
    for fields in [vec![], vec![("csrf", "wrong")], vec![("csrf", &*foreign)]] {
        let request = browser.form("/sign-out", &fields);
        let refused = browser.send(request).await;
        assert_eq!(refused.status, 403, "{fields:?}");
        assert!(refused.text.contains("nothing was done"), "{refused:?}");
    }
    let page = browser.get("/console").await;
    let own = crate::support::browser::hidden(&page, "/sign-out").remove(0).1;
    for (name, value) in [("origin", "http://127.0.0.1:1"), ("sec-fetch-site", "same-site")] {
        let request = browser.form("/sign-out", &[("csrf", &own)]).header(name, value);
        assert_eq!(browser.send(request).await.status, 403, "{name}");
    }
    assert_eq!(browser.get("/console").await.status, 200);
    let request = browser.form("/sign-out", &[("csrf", &own)]).header("origin", house.url());
    assert_eq!(browser.send(request).await.status, 303);
}

#[tokio::test]
async fn a_page_lets_a_browser_do_little_and_keep_nothing() {
    let house = House::open().await;
    let mut browser = house.signed_in().await;
    for path in ["/console", "/sign-in?once=x", "/nowhere"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(page.header("access-control-allow-origin"), None, "{path}");
        assert!(!page.text.contains("<script") && !page.text.contains("style=\""), "{path}");
    }
    let style = browser.get("/console/style.css").await;
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
}

#[tokio::test]
async fn the_store_holds_nothing_that_opens_a_session() {
    let house = House::open().await;
    let browser = house.signed_in().await;
    let token = house.gateway.owner().token;
    let mut files = 0;
    for entry in std::fs::read_dir(house.gateway.directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("endo.db") {
            let bytes = std::fs::read(&path).unwrap();
            let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(
                !holds(&browser.cookies[&browser.session_cookie()]) && !holds(&token),
                "{}",
                path.display()
            );
            files += 1;
        }
    }
    assert!(files > 0, "where is the database?");
}

#[tokio::test]
async fn a_button_pressed_after_the_sign_in_was_over_does_nothing_says_so_and_leads_back() {
    let house = House::open().await;
    let chain = house.gateway.chain(42).await;
    let mut browser = house.signed_in().await;
    let home = format!("/console/credentials/{}", chain.credentials);
    let mut asked = Vec::new();
    for step in
        ["add-me".to_owned(), format!("user-devices/{}/cut-off", chain.user.uuid), "forget".to_owned()]
    {
        asked.push(format!("{home}/{step}"));
    }
    let page = browser.get(&home).await;
    house.wait(MINUTE * 120);
    for action in asked {
        let csrf = crate::support::browser::hidden(&page, "/sign-out").remove(0).1;
        let request = browser.form(&action, &[("csrf", &csrf)]);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let ways = browser.get(answer.header("location").unwrap()).await;
        assert!(
            ways.text.contains("Your sign-in was over when you pressed that button: nothing was done"),
            "{ways:?}"
        );
        let next = action.replace('/', "%2F").replace('-', "%2D");
        assert!(ways.text.contains(&format!("href=\"/auth/octoblu?next={next}\"")), "{next}: {ways:?}");
    }
    let answer = browser.submit(&page, "/sign-out", &[]).await;
    assert!(browser.follow(answer).await.text.contains("You are signed out."));
    let devices = house.signed_in().await.get(&home).await;
    assert!(devices.text.contains(chain.user.uuid.as_str()), "{devices:?}");
}

#[tokio::test]
async fn two_gateways_on_one_machine_sign_nobody_out_of_each_other() {
    let (one, other) = (House::open().await, House::open().await);
    let mut browser = one.signed_in().await;
    // Browsers send what one port set to all ports of a host.
    let mut elsewhere = other.browser();
    elsewhere.cookies = browser.cookies.clone();
    let page = elsewhere.get(&other.link()).await;
    let answer = elsewhere.submit(&page, "/sign-in", &[]).await;
    assert_eq!(elsewhere.follow(answer).await.status, 200);
    browser.cookies = elsewhere.cookies.clone();
    assert_eq!(browser.get("/console").await.status, 200);
    let page = browser.get("/console").await;
    browser.submit(&page, "/sign-out", &[]).await;
    elsewhere.cookies = browser.cookies;
    assert_eq!(elsewhere.get("/console").await.status, 200);
}
