//! Whoever has to sign in at the API again comes back to what that was for.

use std::time::Duration;

use super::at_the_api::{Place, come_back, depart};
use super::pages::{address, at_home};

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
async fn a_page_elsewhere_sends_nobody_on_to_the_api_who_did_not_press_the_button() {
    let place = Place::open().await;
    let (mut browser, home, _) = at_home(&place).await;
    let credentials = home.rsplit('/').next().unwrap();
    let path = format!("/auth/api?credentials={credentials}&next=%2Fconsole");
    for site in ["cross-site", "same-site"] {
        let asked = browser.get_from(site, &path).await;
        assert_eq!((asked.status.as_u16(), asked.header("location")), (200, None), "{asked:?}");
        assert!(!browser.cookies.contains_key("endo_flow"), "nothing is under way");
        let button = asked.text.split('"').find(|text| text.starts_with("/auth/api?")).unwrap();
        let button = button.replace("&amp;", "&");
        assert!(button.starts_with(&format!("/auth/api?credentials={credentials}&next=")), "{button}");
        assert_eq!(browser.clone().get_from("same-origin", &button).await.status, 302);
    }
}
