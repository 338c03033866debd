//! One gateway under several addresses: cookies of one are not known at another.

use std::net::{Ipv4Addr, SocketAddr};

use regex::Regex;
use reqwest::Url;

use super::{House, at_the_bus};
use crate::support::browser::{Browser, HTML, hidden};
use crate::support::bus::send;

#[tokio::test]
async fn who_comes_by_another_name_of_this_machine_is_told_where_to_begin_before_signing_in() {
    let house = House::open().await;
    let address = format!("{}/sign-in?next=/console/receipts", house.url());
    let says = format!("<a href=\"{address}\">begin there</a>");
    let page = house.browser().get(&address).await;
    assert!(page.status == 200 && !page.text.contains("begin there"), "{page:?}");
    let mut elsewhere = Browser::at(&house.url().replace("127.0.0.1", "localhost"));
    let page = elsewhere.get("/sign-in?next=/console/receipts").await;
    assert!(page.status == 200 && page.text.contains(&says), "{page:?}");
}

#[tokio::test]
async fn the_link_of_the_terminal_opened_elsewhere_leads_to_where_its_cookies_are_kept() {
    let house =
        House::with(|config| config.listen.public_url = Some("https://endo.example.org".to_owned())).await;
    let link = house.link();
    let page = house.browser().get(link.strip_prefix("https://endo.example.org").unwrap()).await;
    assert!(page.text.contains(&format!("<a href=\"{link}\">open the link there</a>")), "{page:?}");
    let house = House::open().await;
    let page = house.browser().get(&house.link()).await;
    assert!(page.status == 200 && !page.text.contains("open the link there"), "{page:?}");
}

#[tokio::test]
async fn the_page_says_where_the_first_owner_finds_what_the_bus_asks_for() {
    let house = House::open().await;
    let page = house.browser().get("/sign-in").await;
    assert!(page.text.contains("<code>owner.json</code>"), "{page:?}");
}

#[tokio::test]
async fn by_a_plain_address_elsewhere_where_no_browser_stays_signed_in_nobody_is_signed_in() {
    const SAYS: &str = "Browsers keep no sign-in at this address";
    let house =
        House::with(|config| config.listen.public_url = Some("http://endo.example.org".to_owned())).await;
    let link = house.link();
    assert!(link.starts_with(&house.url()), "the secret does not leave the machine in clear: {link}");
    let path = link.strip_prefix(&house.url()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let elsewhere = async |request: reqwest::RequestBuilder| {
        send(request.header("host", "endo.example.org").header("accept", HTML)).await
    };
    let page = elsewhere(client.get(&link)).await;
    assert!(page.text.contains(SAYS) && !page.text.contains("<form"), "{page:?}");
    assert!(page.text.contains(&format!("<a href=\"{link}\">open the link there</a>")), "{page:?}");
    let ways = elsewhere(client.get(format!("{}/sign-in", house.url()))).await;
    assert!(ways.text.contains(SAYS), "{ways:?}");
    let once = path.split_once("once=").unwrap().1;
    let request = client.post(format!("{}/sign-in", house.url())).body(format!("once={once}"));
    let refused = elsewhere(request.header("content-type", "application/x-www-form-urlencoded")).await;
    assert!(refused.status == 403 && refused.text.contains(SAYS), "{refused:?}");

    let mut here = house.browser();
    let page = here.get(&link).await;
    assert!(!page.text.contains(SAYS) && !page.text.contains("open the link there"), "{page:?}");
    let answer = here.submit(&page, "/sign-in", &[]).await;
    assert_eq!(answer.header("location"), Some("/console"), "{answer:?}");
    assert_eq!(here.get("/console").await.status, 200, "nothing used it up");
}

#[tokio::test]
async fn a_gateway_that_listens_at_all_addresses_leads_browsers_to_this_machine() {
    let all: SocketAddr = (Ipv4Addr::UNSPECIFIED, 0).into();
    let house = House::with(|config| (config.listen.gateway, config.listen.bus) = (all, all)).await;
    let here = |address: SocketAddr| format!("http://127.0.0.1:{}", address.port());
    let (gateway, bus) = (house.gateway.running.gateway(), house.gateway.running.bus().unwrap());
    let mut browser = Browser::at(&here(gateway));
    let page = browser.get("/sign-in").await;
    assert!(!page.text.contains("0.0.0.0") && !page.text.contains("begin there"), "{page:?}");
    let start = browser.get("/auth/octoblu?next=/console").await;
    let to: Url = start.header("location").unwrap().parse().unwrap();
    assert!(to.as_str().starts_with(&format!("{}/authorize?", here(bus))), "{to}");
    let back = format!("{}/auth/octoblu/callback", here(gateway));
    assert!(to.query_pairs().any(|(name, value)| name == "redirect_uri" && value == back), "{to}");
    let device = house.stranger().await;
    let back = at_the_bus(&mut Browser::at(&here(bus)), to.as_str(), &device).await;
    let answer = browser.get(&back).await;
    assert_eq!(answer.header("location"), Some("/console"), "{answer:?}");
    assert_eq!(browser.get("/console").await.status, 200);

    // By a name that others know, of which the gateway was told nothing.
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = client.get(format!("{}/sign-in", here(gateway))).header("host", "192.0.2.7:8080");
    let page = send(request.header("accept", HTML)).await;
    assert!(page.text.contains("to set listen.public_url to its https address"), "{page:?}");
}

/// What a proxy passes on that takes off the path which its address ends with; everything else it has not.
fn passed_on(address: &str) -> &str {
    address.strip_prefix("/base").filter(|rest| rest.starts_with('/')).unwrap_or_else(|| panic!("{address}"))
}

#[tokio::test]
async fn where_the_public_address_has_a_path_all_links_forms_and_ways_begin_with_it() {
    let at = |config: &mut endo::config::Config| {
        config.listen.public_url = Some("https://endo.example.org/base/".to_owned());
    };
    let house = House::with(at).await;
    let chain = house.gateway.chain(42).await;
    let mut browser = house.browser();
    let to_sign_in = browser.get("/console/receipts").await;
    let ways = to_sign_in.header("location").unwrap();
    assert_eq!(ways, "/base/sign-in?next=%2Fconsole%2Freceipts");
    let link = house.link();
    let page = browser.get(passed_on(link.strip_prefix("https://endo.example.org").unwrap())).await;
    let fields = hidden(&page, "/base/sign-in");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let request = browser.form("/sign-in", &fields);
    let answer = browser.send(request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, Some("/base/console")),
        "{answer:?}"
    );

    // With the path, too: some proxies leave it, and some browsers come by another way.
    let home = format!("/console/credentials/{}", chain.credentials);
    let links = Regex::new(r##"(?:href|action)="([^"#][^"]*)""##).unwrap();
    for path in ["/console".to_owned(), "/base/console".to_owned(), home.clone(), format!("{home}/nothing")] {
        let page = browser.get(&path).await;
        let led: Vec<_> = links.captures_iter(&page.text).map(|found| found[1].to_owned()).collect();
        assert!(led.len() >= 3 && led.contains(&"/base/console/style.css".to_owned()), "{page:?}");
        for to in led {
            assert!(passed_on(&to).starts_with('/') && !to.starts_with("/base/base"), "{to}");
        }
    }
    assert_eq!(browser.get("/base/console/style.css").await.status, 200);
    let device = house.stranger().await;
    let start = house.browser().get("/base/auth/octoblu?next=/console").await;
    let back = house.at_the_bus(start.header("location").unwrap(), &device).await;
    assert!(back.starts_with("https://endo.example.org/base/auth/octoblu/callback?"), "{back}");
}

#[tokio::test]
async fn a_path_of_the_public_address_that_is_also_one_of_the_gateways_leads_nobody_in_circles() {
    let house =
        House::with(|config| config.listen.public_url = Some("https://endo.example.org/console".to_owned()))
            .await;
    let answer = house.browser().get("/console").await;
    assert_eq!(answer.header("location"), Some("/console/sign-in?next=%2Fconsole"));
}
