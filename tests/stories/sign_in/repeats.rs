//! Forms that browsers send again: by a reload, by two clicks, by going back.

use serde_json::json;

use super::at_the_api::Place;
use super::jobs::{Desk, EVENTS, USERNAME};
use super::pages::{address, another_owner, at_home, share};
use crate::support::browser::{Browser, come_back, depart};

#[tokio::test]
async fn a_form_that_added_a_device_adds_no_other_when_it_is_sent_again() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let add = format!("{home}/add-me");
    let added = browser.submit(&page, &add, &[]).await;
    assert_eq!(added.status, 201, "{added:?}");
    let codes: Vec<&str> =
        added.text.split("<code>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    let [device, token] = codes[..] else { panic!("a device and its token: {codes:?}") };

    let again = browser.submit(&page, &add, &[]).await;
    assert_eq!(again.status, 409, "{again:?}");
    assert!(again.text.contains(&format!("The device <code>{device}</code> was added")), "{again:?}");
    assert!(again.text.contains(&format!("href=\"{home}\"")) && !again.text.contains(token), "{again:?}");
    let page = browser.get(&home).await;
    assert_eq!(page.text.matches("/cut-off\"").count(), 1, "{page:?}");

    // The page that is loaded anew has a form of its own.
    assert_eq!(browser.submit(&page, &add, &[]).await.status, 201);
    assert_eq!(browser.get(&home).await.text.matches("/cut-off\"").count(), 2);
}

#[tokio::test]
async fn of_two_clicks_on_send_one_sends_a_message_and_both_lead_to_its_reply() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let form = desk.form();
    let page = desk.browser.get(&form).await;
    let first = desk.browser.submit(&page, &form, &[(USERNAME, "octocat")]).await;
    let second = desk.browser.submit(&page, &form, &[(USERNAME, "octocat")]).await;
    let to = first.header("location").unwrap();
    assert_eq!(second.header("location"), Some(&*format!("{to}&repeat=1")), "{second:?}");
    let shown = desk.browser.get(second.header("location").unwrap()).await;
    assert!(shown.text.contains("nothing was sent again"), "{shown:?}");
    assert!(shown.text.contains("octo/&lt;cat&gt;"), "{shown:?}");
    assert_eq!(desk.house.api.seen().len(), 1);

    // Whoever goes back and changes what they typed sends another message.
    let other = desk.browser.submit(&page, &form, &[(USERNAME, "hubot")]).await;
    let shown = desk.browser.get(other.header("location").unwrap()).await;
    assert!(!shown.text.contains("nothing was sent again"), "{shown:?}");
    assert_eq!(desk.house.api.seen().len(), 2);
}

#[tokio::test]
async fn a_form_that_came_to_nothing_may_be_sent_again() {
    let mut desk = Desk::answering(200, EVENTS).await;
    let (form, device) = (desk.form(), desk.chain.user.uuid.clone());
    let (gateway, credentials) = (&desk.house.gateway, &desk.chain.credentials);
    let page = desk.browser.get(&form).await;
    for (hearers, status) in [(json!([]), 403), (json!([{"uuid": credentials}]), 303)] {
        let heard_by = json!({"$set": {"meshblu.whitelists.message.received": hearers}});
        gateway.update(&gateway.owner(), device.as_str(), heard_by).await;
        let sent = desk.browser.submit(&page, &form, &[(USERNAME, "octocat")]).await;
        assert_eq!(sent.status, status, "{sent:?}");
    }
}

#[tokio::test]
async fn who_presses_a_button_twice_that_ends_something_is_told_twice_what_it_did() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let (_, mut other) = another_owner(&place, &home).await;
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let cut_off = address(&browser.get(&home).await, "/cut-off");
    let asked = [cut_off, format!("{home}/leave"), format!("{home}/forget")];
    let says = ["Cut off <code>", "You left:", "The secret of <bdi>octocat</bdi> was forgotten"];
    for (at, (form, says)) in asked.iter().zip(says).enumerate() {
        let mut presser = if at == 1 { other.clone() } else { browser.clone() };
        let page = presser.get(form).await;
        let first = presser.submit(&page, form, &[]).await;
        let again = presser.submit(&page, form, &[]).await;
        for answer in [&first, &again] {
            assert_eq!((answer.status, answer.header("location")), (first.status, first.header("location")));
            assert_eq!(answer.status, 303, "{form}: {answer:?}");
        }
        let told = presser.follow(again).await;
        assert!(told.status == 200 && told.text.contains(says), "{form}: {told:?}");
        // A form that nobody made for the viewer tells nothing, nor does what somebody else did.
        let forged = presser.form(form, &[]);
        assert_eq!(presser.send(forged).await.status, 403);
    }
    let page = other.get("/console").await;
    let fields = crate::support::browser::hidden(&page, "/sign-out");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let theirs = other.form(&asked[2], &fields);
    assert_eq!(
        other.send(theirs).await.header("location"),
        Some(&*format!("/console?left={}", home.rsplit('/').next().unwrap()))
    );
}

#[tokio::test]
async fn who_cuts_all_devices_off_in_two_tabs_is_told_twice_that_it_was_done() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let all = format!("{home}/cut-off-all");
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let tabs = [browser.get(&all).await, browser.get(&all).await];
    let mut told = Vec::new();
    for tab in &tabs {
        let done = browser.submit(tab, &all, &[]).await;
        told.push(done.header("location").unwrap_or_default().to_owned());
        let page = browser.follow(done).await;
        assert!(page.text.contains("All devices were cut off: none of them can use"), "{page:?}");
    }
    assert_eq!(told[0], told[1], "both lead to the one receipt");

    // Of what others ended, whoever presses the button hears that nothing is left.
    let (_, mut other) = another_owner(&place, &home).await;
    let page = other.get(&home).await;
    other.submit(&page, &format!("{home}/add-me"), &[]).await;
    let late = other.get(&all).await;
    let first = browser.get(&all).await;
    assert_eq!(browser.submit(&first, &all, &[]).await.status, 303);
    let nothing = other.submit(&late, &all, &[]).await;
    assert!(nothing.status == 200 && nothing.text.contains("there is nothing to cut off"), "{nothing:?}");
}

#[tokio::test]
async fn what_somebody_ended_long_before_is_not_told_as_done_by_the_button_that_found_nothing() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let mut other = place.house.signed_in_with_bus(&place.house.stranger().await).await;
    for once_ended in ["cut-off-all", "leave"] {
        share(&mut other, &home).await;
        browser.submit(&page, &format!("{home}/add-me"), &[]).await;
        let form = format!("{home}/{once_ended}");
        let asked = other.get(&form).await;
        assert_eq!(other.submit(&asked, &form, &[]).await.status, 303, "{once_ended}");
        let page = browser.get(&home).await;
        browser.submit(&page, &format!("{home}/add-me"), &[]).await;

        // They are there again, and somebody else cuts the devices off before they press the button.
        share(&mut other, &home).await;
        let all = format!("{home}/cut-off-all");
        let late = other.get(&all).await;
        let first = browser.get(&all).await;
        assert_eq!(browser.submit(&first, &all, &[]).await.status, 303);
        let nothing = other.submit(&late, &all, &[]).await;
        let says = nothing.text.contains("there is nothing to cut off");
        assert!(nothing.status == 200 && says, "{once_ended}: {nothing:?}");
    }
}

/// Signs in at the API, by which the session goes on under another pass; answers the page of the credentials.
async fn signs_in_at_the_api(browser: &mut Browser) -> String {
    let pass = browser.cookies[&browser.session_cookie()].clone();
    let state = depart(browser, "/auth/api").await;
    let home = come_back(browser, &state).await.header("location").unwrap().to_owned();
    assert_ne!(browser.cookies[&browser.session_cookie()], pass);
    home
}

#[tokio::test]
async fn a_form_of_before_a_sign_in_at_the_api_that_is_sent_again_does_nothing_and_is_told_what_it_did() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    let add = format!("{home}/add-me");
    assert_eq!(browser.submit(&page, &add, &[]).await.status, 201);
    signs_in_at_the_api(&mut browser).await;
    let again = browser.submit(&page, &add, &[]).await;
    assert!(
        again.status == 409 && again.text.contains("was added when you sent that form first"),
        "{again:?}"
    );

    let cut_off = address(&browser.get(&home).await, "/cut-off");
    for form in [cut_off, format!("{home}/cut-off-all"), format!("{home}/forget")] {
        let page = browser.get(&home).await;
        browser.submit(&page, &add, &[]).await;
        let asked = browser.get(&form).await;
        let first = browser.submit(&asked, &form, &[]).await;
        let home = signs_in_at_the_api(&mut browser).await;
        let page = browser.get(&home).await;
        browser.submit(&page, &format!("{home}/add-me"), &[]).await;
        let devices = browser.get(&home).await.text.matches("/cut-off\"").count();
        let again = browser.submit(&asked, &form, &[]).await;
        assert_eq!(again.status, 303, "{form}: {again:?}");
        assert_eq!(again.header("location"), first.header("location"), "{form}");
        assert_eq!(browser.get(&home).await.text.matches("/cut-off\"").count(), devices, "{form}");
    }
}

#[tokio::test]
async fn a_message_that_was_sent_before_a_sign_in_at_the_api_is_not_sent_again() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let jobs = address(&browser.get(&home).await, "/jobs");
    let form = format!("{jobs}/ListEventsByUser");
    let page = browser.get(&form).await;
    let first = browser.submit(&page, &form, &[(USERNAME, "octocat")]).await;
    signs_in_at_the_api(&mut browser).await;
    let again = browser.submit(&page, &form, &[(USERNAME, "octocat")]).await;
    let to = format!("{}&repeat=1", first.header("location").unwrap());
    assert_eq!(again.header("location"), Some(&*to), "{again:?}");
    let other = browser.submit(&page, &form, &[(USERNAME, "hubot")]).await;
    assert!(other.status == 403 && other.text.contains("nothing was done now"), "{other:?}");
}

#[tokio::test]
async fn a_form_of_before_a_sign_in_that_was_not_sent_then_does_nothing_and_says_so() {
    let place = Place::open().await;
    let (mut browser, home, page) = at_home(&place).await;
    browser.submit(&page, &format!("{home}/add-me"), &[]).await;
    let form = address(&browser.get(&home).await, "/cut-off");
    let asked = browser.get(&form).await;
    signs_in_at_the_api(&mut browser).await;
    let refused = browser.submit(&asked, &form, &[]).await;
    assert!(refused.status == 403 && refused.text.contains("nothing was done now"), "{refused:?}");
    assert_eq!(browser.get(&home).await.text.matches("/cut-off\"").count(), 1);
}
