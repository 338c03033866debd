//! One gateway under several addresses: cookies of one are not known at another.

use super::House;
use crate::support::browser::Browser;

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
