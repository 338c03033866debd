//! The pages of one account's credentials: who uses them, another device, and the end of a right.

use std::time::Duration;

use super::at_the_api::Place;
use crate::support::browser::{Browser, come_back, depart};
use crate::support::bus::{Answer, Device};

/// An owner's browser on the page of fresh credentials.
pub(super) async fn at_home(place: &Place) -> (Browser, String, Answer) {
    let (mut browser, state) = place.under_way("/auth/api").await;
    let kept = come_back(&mut browser, &state).await;
    let home = kept.header("location").unwrap().to_owned();
    let page = browser.get(&home).await;
    (browser, home, page)
}

/// The same, once a device uses them.
async fn with_a_device(place: &Place) -> (Browser, String, Answer) {
    let (mut browser, home, page) = at_home(place).await;
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let page = browser.get(&home).await;
    (browser, home, page)
}

/// Another owner of these credentials, who signed in as the very account: their device, and their browser.
pub(super) async fn another_owner(place: &Place, home: &str) -> (Device, Browser) {
    let device = place.house.stranger().await;
    let mut browser = place.house.signed_in_with_bus(&device).await;
    share(&mut browser, home).await;
    (device, browser)
}

/// Has whoever is signed in here be one of the owners.
pub(super) async fn share(browser: &mut Browser, home: &str) {
    let state = depart(browser, "/auth/api").await;
    assert_eq!(come_back(browser, &state).await.header("location"), Some(home), "they share them");
}

/// The user device that an address is of.
fn device_of(address: &str) -> &str {
    address.split('/').nth(5).unwrap()
}

/// The first address on the page that ends so.
pub(super) fn address(page: &Answer, end: &str) -> String {
    let mut addresses = page.text.split('"').filter(|text| text.starts_with("/console/"));
    addresses.find(|address| address.ends_with(end)).expect("the page leads there").to_owned()
}

#[tokio::test]
async fn a_sign_in_at_the_api_ends_on_the_page_of_the_credentials() {
    let place = Place::open().await;
    let (_, _, page) = at_home(&place).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains("octocat") && page.text.contains("No device uses these"), "{page:?}");
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
}

#[tokio::test]
async fn an_owner_adds_a_device_sees_its_token_once_and_cuts_it_off() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let added = browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    assert_eq!(added.status, 201, "{added:?}");
    let codes: Vec<&str> =
        added.text.split("<code>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    let [device, token] = codes[..] else { panic!("a device and its token: {codes:?}") };
    let page = browser.get(&home).await;
    assert!(page.text.contains(device) && !page.text.contains(token), "{page:?}");

    let confirm = address(&page, "/cut-off");
    let asked = browser.get(&confirm).await;
    assert!(asked.text.contains("no message of this device can use <bdi>octocat</bdi>"), "{asked:?}");
    let ended = browser.submit(&asked, &confirm, &[]).await;
    assert_eq!(ended.status, 303, "{ended:?}");
    let page = browser.follow(ended).await;
    assert!(page.text.contains("No device uses these"), "{page:?}");
    let notice =
        format!("Cut off <code>{device}</code>: no message of it can use <bdi>octocat</bdi> any more.");
    assert!(page.text.contains(&notice), "{page:?}");
    assert_eq!(browser.get(&confirm).await.status, 404);
}

#[tokio::test]
async fn what_ends_something_asks_first_for_a_sign_in_at_the_api_that_is_not_old() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    place.house.wait(Duration::from_secs(301));
    let page = browser.get(&home).await;
    let forget = address(&page, "/forget");
    let asked = browser.get(&forget).await;
    assert_eq!(asked.status, 200);
    assert!(
        asked.text.contains("/auth/api?credentials=")
            && !asked.text.contains("<button class=\"button strong danger\"")
    );
    // Whoever keeps an old page open and presses its button is asked as well, and nothing ends.
    let csrf = crate::support::browser::hidden(&page, &format!("{home}/add-me"));
    let fields: Vec<(&str, &str)> = csrf.iter().map(|(name, value)| (&**name, &**value)).collect();
    let request = browser.form(&forget, &fields);
    assert_eq!(browser.send(request).await.status, 401);
    assert_eq!(browser.get(&home).await.status, 200);
}

#[tokio::test]
async fn a_form_without_its_proof_ends_nothing_and_others_credentials_are_not_there() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let request = browser.form(&format!("{home}/forget"), &[]);
    let refused = browser.send(request).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(browser.get(&home).await.status, 200);
    assert_eq!(browser.get("/console/credentials/somebody-elses").await.status, 404);
    let stranger = place.house.browser().get(&home).await;
    assert_eq!(stranger.status, 302, "{stranger:?}");
}

#[tokio::test]
async fn the_name_that_somebody_gave_a_device_is_one_short_line_that_turns_no_words_around() {
    let place = Place::open().await;
    let (mut browser, home, page) = with_a_device(&place).await;
    let cut_off = address(&page, "/cut-off");
    let device = device_of(&cut_off);
    let name = format!("gnit\u{200b}irw\u{feff} \u{202e}backwards\u{2066}\n{}", "x".repeat(100_000));
    let rename = serde_json::json!({"$set": {"name": name}});
    place.house.gateway.update_itself(device, &rename).await;
    for path in [&home, &cut_off, &format!("{home}/cut-off-all"), &format!("{home}/forget")] {
        let page = browser.get(path).await;
        assert!(page.text.contains("gnitirw backwards xxx") && page.text.contains("xx…"), "{path}");
        assert!(page.text.len() < 10_000, "{path}: {} bytes", page.text.len());
    }
    assert_eq!(browser.get(&format!("{home}/add-me")).await.header("location"), Some(&*home));
}

#[tokio::test]
async fn names_keep_what_joins_their_letters_and_pictures() {
    const NAME: &str = "می\u{200c}خواهم 👩🏽\u{200d}💻 ❤\u{fe0f}";
    let place = Place::open().await;
    let (mut browser, home, page) = with_a_device(&place).await;
    let cut_off = address(&page, "/cut-off");
    let device = device_of(&cut_off);
    let name = NAME.replace(' ', "\u{200d} \u{200b}");
    place.house.gateway.update_itself(device, &serde_json::json!({"$set": {"name": name}})).await;
    let page = browser.get(&home).await;
    assert!(page.text.contains(&format!("<bdi>{NAME}</bdi>")), "{page:?}");
}

#[tokio::test]
async fn names_in_a_script_that_is_read_from_the_right_leave_the_words_around_them_in_place() {
    const NAME: &str = "\u{5d7}\u{5ea}\u{5d5}\u{5dc} (2";
    let place = Place::open().await;
    let (mut browser, home, page) = with_a_device(&place).await;
    let (cut_off, jobs) = (address(&page, "/cut-off"), address(&page, "/jobs"));
    let device = device_of(&cut_off);
    place.house.gateway.update_itself(device, &serde_json::json!({"$set": {"name": NAME}})).await;
    let lists = [format!("{home}/cut-off-all"), format!("{home}/forget"), format!("{jobs}/ListEventsByUser")];
    for path in [&home, &cut_off, &jobs].into_iter().chain(&lists) {
        let page = browser.get(path).await;
        let body = page.text.split_once("<body>").unwrap().1;
        let apart = body.matches(&format!("<bdi>{NAME}</bdi>")).count();
        assert!(apart > 0 && apart == body.matches(NAME).count(), "{path}: {page:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_may_be_a_second_old_is_not_said_to_be_good_for_a_minute() {
    let place = Place::with(|config| config.credentials.reauthentication = 1).await;
    let (mut browser, home, _) = at_home(&place).await;
    place.house.wait(Duration::from_secs(2));
    let asked = browser.get(&format!("{home}/forget")).await;
    assert!(asked.text.contains("that is not older than 1 second."), "{asked:?}");
}

#[tokio::test]
async fn nobody_is_asked_to_cut_all_devices_off_where_there_are_none() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let all = format!("{home}/cut-off-all");
    assert!(!page.text.contains(&all), "{page:?}");
    let asked = browser.get(&all).await;
    assert!(asked.text.contains("there is nothing to cut off"), "{asked:?}");
    assert!(!asked.text.contains(&format!("action=\"{all}\"")), "{asked:?}");
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let page = browser.get(&home).await;
    let asked = browser.get(&address(&page, "/cut-off-all")).await;
    assert!(asked.text.contains(&format!("action=\"{all}\"")), "{asked:?}");
}

#[tokio::test]
async fn who_sends_a_form_to_a_page_that_takes_none_is_told_so_in_sentences() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let request = browser.form(&home, &[]);
    let refused = browser.send(request).await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, None), "{refused:?}");
    assert!(refused.text.contains("<h1>This cannot be done here</h1>"), "{refused:?}");
    assert!(
        refused.text.contains("Nothing was done") && !refused.text.contains("Allow tells"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_sends_more_than_the_gateway_takes_is_told_what_to_do() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let long = "x".repeat(2 << 20);
    let refused = browser.submit(&page, &format!("{home}/add-me"), &[("name", &long)]).await;
    assert_eq!(refused.status, 413, "{refused:?}");
    for says in
        ["<h1>This is too much at once</h1>", "Nothing was done", "Go back, shorten what you filled in"]
    {
        assert!(refused.text.contains(says), "{refused:?}");
    }
    assert!(browser.get(&home).await.text.contains("No device uses these"));
}

#[tokio::test]
async fn every_page_says_who_is_signed_in() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let who = format!("Signed in as <span class=\"code\">{}</span>", place.house.gateway.owner().uuid);
    for page in [page, browser.get("/console").await, browser.get(&format!("{home}/forget")).await] {
        assert!(page.text.contains(&who), "{page:?}");
    }
}
