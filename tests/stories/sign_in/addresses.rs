//! One gateway under several addresses: cookies of one are not known at another.

use super::House;
use crate::support::browser::{Browser, HTML};
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
