//! Sources without a sign-in at an API: a key that somebody types, or nothing.

use std::time::Duration;

use endo::config::{Config, SourceKind};
use endo::credentials::Account;
use endo::vault::{ResourceOwnerId, SecretText};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::{House, is_told_beside, must_sign_in};
use crate::support::browser::Browser;
use crate::support::bus::{Answer, Device, send};

pub(super) const KEY: &str = "canary-of-an-api-key";

pub(super) fn keys(config: &mut Config) {
    config.source.kind = SourceKind::Static;
    config.source.name = Some("weather".to_owned());
}

fn nothing(config: &mut Config) {
    config.source.kind = SourceKind::Passthru;
}

#[tokio::test]
async fn a_key_is_typed_once_and_never_shown_again() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    assert_eq!(page.status, 200, "{page:?}");
    let answer = browser.submit(&page, "/auth/api", &[("name", "team"), ("key", KEY)]).await;
    let place = answer.header("location").unwrap_or_default().to_owned();
    assert!(answer.status == 303 && place.starts_with("/console/credentials/"), "{answer:?}");
    let device = place.rsplit('/').next().unwrap();
    for path in ["/console", &*place, &*format!("/auth/api?credentials={device}")] {
        assert!(!browser.get(path).await.text.contains(KEY), "{path}");
    }
    assert!(browser.get("/console").await.text.contains("team"));
    for line in browser.set.iter().chain(&browser.visited) {
        assert!(!line.contains(KEY), "{line}");
    }

    // Another key under the same name takes the place of the first.
    let page = browser.get(&format!("/auth/api?credentials={device}")).await;
    assert!(page.text.contains("A new key for team"), "{page:?}");
    let action = format!("/auth/api?credentials={device}");
    let answer = browser.submit(&page, &action, &[("present", KEY), ("key", "another-key")]).await;
    assert_eq!(answer.header("location"), Some(&*place), "{answer:?}");
}

#[tokio::test]
async fn no_page_of_keys_that_are_typed_in_speaks_of_signing_in_at_their_api() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let start = browser.get("/console").await;
    let page = browser.get("/auth/api").await;
    let answer = browser.submit(&page, "/auth/api", &[("name", "team"), ("key", KEY)]).await;
    let place = answer.header("location").unwrap().to_owned();
    house.wait(Duration::from_secs(600));
    let home = browser.get(&place).await;
    let forget = browser.get(&format!("{place}/forget")).await;
    for (page, says) in [
        (&start, "Connect weather to keep some"),
        (&home, "Whoever typed this key in manages it here."),
        (&home, ">Type in a newer key</a>"),
        (&forget, "This needs the present key of <bdi>team</bdi>, typed in within the last 5 minutes."),
        (&forget, ">Type in the present key</a>"),
    ] {
        assert!(page.text.contains(says) && !page.text.contains("in at weather"), "{says}: {page:?}");
    }
}

#[tokio::test]
async fn a_key_without_a_name_or_with_blanks_is_asked_for_again_without_showing_it() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    for (name, key, says) in
        [("", KEY, "a name"), ("team", "two words", "without blanks"), ("team", "", "Type the key in")]
    {
        let answer = browser.submit(&page, "/auth/api", &[("name", name), ("key", key)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
        assert!(answer.text.contains(says), "{says}: {answer:?}");
        assert!(key.is_empty() || !answer.text.contains(key), "{answer:?}");
        is_told_beside(&answer, if name.is_empty() { "name" } else { "key" });
        assert!(answer.text.contains(&format!("value=\"{name}\"")), "{answer:?}");
    }
}

#[tokio::test]
async fn a_key_that_was_typed_into_its_name_as_well_is_not_kept_there() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    for name in [KEY.to_owned(), format!("my {KEY}, new")] {
        let answer = browser.submit(&page, "/auth/api", &[("name", &name), ("key", KEY)]).await;
        assert!(answer.status == 422 && answer.text.contains("the key itself was in it"), "{answer:?}");
        is_told_beside(&answer, "name");
        assert!(!answer.text.contains(KEY), "{answer:?}");
    }
    assert!(!browser.get("/console").await.text.contains(KEY));
    let answer = browser.submit(&page, "/auth/api", &[("name", "a weekly"), ("key", "week")]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_present_key_stands_beside_it_and_no_key_is_shown() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    browser.submit(&page, "/auth/api", &[("name", "team"), ("key", KEY)]).await;
    let page = browser.get("/auth/api").await;
    for (present, says) in [
        ("", "Type in the present key as well"),
        (
            "a-guess",
            "not the present key of these credentials. Nothing was done. Type in the one that was given last",
        ),
    ] {
        let fields = [("name", "team"), ("present", present), ("key", "another-key")];
        let answer = browser.submit(&page, "/auth/api", &fields).await;
        assert!(answer.status == 422 && answer.text.contains(says), "{answer:?}");
        is_told_beside(&answer, "present");
        assert!(answer.text.contains("value=\"team\""), "{answer:?}");
        for key in ["a-guess", "another-key", KEY] {
            assert!(!answer.text.contains(key), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_key_s_name_is_one_that_people_see_in_whatever_script() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let type_in = async |browser: &mut Browser, name: &str| {
        let page = browser.get("/auth/api").await;
        browser.submit(&page, "/auth/api", &[("name", name), ("key", KEY)]).await
    };
    for (name, says) in [
        ("te\u{200b}am", "its character 3, U+200B,"),
        ("\u{202e}maet", "its character 1, U+202E,"),
        ("te\u{200d}am", "its character 3, U+200D,"),
        ("te\u{7}am", "its character 3, U+0007,"),
    ] {
        let refused = type_in(&mut browser, name).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        assert!(refused.text.contains(says) && refused.text.contains("leave it out"), "{refused:?}");
        let fields = [("name", name), ("key", KEY)];
        let refused = program(&house, (Method::POST, "/auth/api"), &fields).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.text.contains("Type the name in again"), "{refused:?}");
    }
    for name in ["می\u{200c}خواهم", "क्\u{200d}ष", "👩\u{200d}💻 at work", "❤\u{fe0f}\u{200d}🔥"]
    {
        assert_eq!(type_in(&mut browser, name).await.status, 303, "{name}");
        let console = browser.get("/console").await;
        assert!(console.text.contains(&format!("<bdi>{name}</bdi>")), "{name}: {console:?}");
    }
}

#[tokio::test]
async fn a_name_that_looks_like_one_that_is_there_is_that_one() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    let kept = browser.submit(&page, "/auth/api", &[("name", "Zoe\u{308} at  work"), ("key", KEY)]).await;
    let home = kept.header("location").unwrap().to_owned();
    assert!(browser.get(&home).await.text.contains("<bdi>Zo\u{eb} at work</bdi>"));
    for name in ["Zo\u{eb} at work", "Zoe\u{308} at\u{a0}work", " Zo\u{eb}  at work "] {
        let page = browser.get("/auth/api").await;
        let again = browser.submit(&page, "/auth/api", &[("name", name), ("key", "another-key")]).await;
        assert!(again.text.contains("Type in the present key as well"), "{name}: {again:?}");
        let fields = [("name", name), ("present", KEY), ("key", KEY)];
        let again = browser.submit(&page, "/auth/api", &fields).await;
        assert_eq!(again.header("location"), Some(&*home), "{name}: {again:?}");
    }
}

#[tokio::test]
async fn a_key_that_was_kept_before_names_had_one_form_is_found_by_its_name() {
    let house = House::with(keys).await;
    let owner = house.gateway.owner();
    for (kept, typed) in [("Zoe\u{308} at  work", "Zo\u{eb} at work"), ("te\u{200b}am", "te\u{200b}am")] {
        let account = Account {
            id: ResourceOwnerId::Text(format!("{}:{kept}", owner.uuid)),
            username: Some(kept.to_owned()),
            secret: SecretText::from(KEY),
            ..house.gateway.account(0, &owner.uuid.as_str().into())
        };
        let device = house.gateway.gateway.credentials.keep(account).await.unwrap();
        let fields = [("name", typed), ("key", "another-key")];
        let refused = program(&house, (Method::POST, "/auth/api"), &fields).await;
        assert_eq!(refused.status, 401, "the present key is asked for: {refused:?}");
        let fields = [fields, [("present", KEY), ("name", typed)]].concat();
        let given = program(&house, (Method::POST, "/auth/api"), &fields).await;
        assert_eq!(given.json()["uuid"], device.as_str(), "{given:?}");
    }
}

#[tokio::test]
async fn a_key_s_form_needs_its_proof() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let request = browser.form("/auth/api", &[("name", "team"), ("key", KEY)]);
    assert_eq!(browser.send(request).await.status, 403);
    let mut nobody = house.browser();
    let request = nobody.form("/auth/api", &[("name", "team"), ("key", KEY)]);
    must_sign_in(&nobody.send(request).await);
}

#[tokio::test]
async fn where_there_is_no_account_the_bus_says_who_somebody_is() {
    let house = House::with(nothing).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    let first = browser.submit(&page, "/auth/api", &[]).await;
    assert_eq!(first.status, 303, "{first:?}");
    let page = browser.get("/auth/api").await;
    let second = browser.submit(&page, "/auth/api", &[]).await;
    assert_eq!(first.header("location"), second.header("location"), "one person, one device");
}

#[tokio::test]
async fn a_program_keeps_them_with_the_bus_s_bearer() {
    let house = House::with(nothing).await;
    let owner = house.gateway.owner();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("{}/auth/api", house.url());
    let answer = send(client.post(&url).basic_auth(&owner.uuid, Some(&owner.token))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(matches!(answer.json()["uuid"], Value::String(_)), "{answer:?}");
    assert_eq!(send(client.post(&url).basic_auth(&owner.uuid, Some("wrong"))).await.status, 401);
}

#[tokio::test]
async fn who_signed_in_long_ago_does_so_again_to_prove_who_they_are() {
    let house = House::with(nothing).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    let answer = browser.submit(&page, "/auth/api", &[]).await;
    let device = answer.header("location").unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(browser.get(&format!("/auth/api?credentials={device}")).await.status, 200);
    house.wait(Duration::from_secs(301));
    let answer = browser.get(&format!("/auth/api?credentials={device}")).await;
    let to = answer.header("location").unwrap();
    assert!(to.starts_with("/auth/octoblu?next=%2Fauth%2Fapi%3Fcredentials%3D"), "{answer:?}");
}

/// Types this in as a program of the owner's does.
pub(super) async fn program(house: &House, request: (Method, &str), fields: &[(&str, &str)]) -> Answer {
    program_as(house, &house.gateway.owner(), request, fields).await
}

/// The same with this login.
pub(super) async fn program_as(
    house: &House,
    owner: &Device,
    (method, path): (Method, &str),
    fields: &[(&str, &str)],
) -> Answer {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = client.request(method, format!("{}{path}", house.url()));
    let mut body = Url::parse("form:").unwrap();
    body.query_pairs_mut().extend_pairs(fields);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(body.query().unwrap_or_default().to_owned());
    send(request.basic_auth(&owner.uuid, Some(&owner.token))).await
}

#[tokio::test]
async fn a_stolen_token_of_the_bus_neither_replaces_a_key_nor_ends_anything() {
    let house = House::with(keys).await;
    let kept = program(&house, (Method::POST, "/auth/api"), &[("name", "team"), ("key", KEY)]).await;
    let device = kept.json()["uuid"].as_str().unwrap().to_owned();
    let (again, ending) = (format!("/auth/api?credentials={device}"), format!("/credentials/{device}"));
    house.wait(Duration::from_secs(301));
    for (path, fields, status) in [
        (&*again, &[("key", "a-thief-s")][..], 401),
        (&*again, &[][..], 401),
        ("/auth/api", &[("name", "team"), ("key", "a-thief-s")][..], 401),
        (&*again, &[("present", "a-guess"), ("key", "a-thief-s")][..], 403),
        (&*again, &[("present", "a-guess")][..], 403),
    ] {
        let refused = program(&house, (Method::POST, path), fields).await;
        assert_eq!(refused.status, status, "{fields:?}: {refused:?}");
        assert!(!refused.text.contains(KEY), "{refused:?}");
        assert_eq!(program(&house, (Method::DELETE, &ending), &[]).await.status, 401);
    }
    let proved = program(&house, (Method::POST, &again), &[("present", KEY)]).await;
    assert_eq!(proved.status, 201, "the key is still the owner's: {proved:?}");
    assert_eq!(program(&house, (Method::DELETE, &ending), &[]).await.status, 204);
}

#[tokio::test]
async fn a_key_that_was_typed_in_a_moment_ago_is_typed_in_again_to_give_another() {
    for proof_age in [300, 0] {
        let house = House::with(|config| {
            keys(config);
            config.credentials.reauthentication = proof_age;
        });
        let house = house.await;
        let kept = program(&house, (Method::POST, "/auth/api"), &[("name", "team"), ("key", KEY)]).await;
        let again = format!("/auth/api?credentials={}", kept.json()["uuid"].as_str().unwrap());
        for fields in [&[("key", "a-thief-s")][..], &[]] {
            let refused = program(&house, (Method::POST, &again), fields).await;
            assert_eq!(refused.status, 401, "{fields:?}: {refused:?}");
        }
        let mut thief = house.signed_in().await;
        let page = thief.get(&again).await;
        assert!(page.text.contains("Present key"), "{page:?}");
        let refused = thief.submit(&page, &again, &[("key", "a-thief-s")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        let given =
            program(&house, (Method::POST, &again), &[("present", KEY), ("key", "another-key")]).await;
        assert_eq!(given.status, 201, "the key is still the owner's: {given:?}");
    }
}

#[tokio::test]
async fn an_owner_types_the_present_key_in_to_give_another() {
    let house = House::with(keys).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    let kept = browser.submit(&page, "/auth/api", &[("name", "team"), ("key", KEY)]).await;
    let home = kept.header("location").unwrap().to_owned();
    let again = format!("/auth/api?credentials={}", home.rsplit('/').next().unwrap());
    house.wait(Duration::from_secs(301));
    let page = browser.get(&again).await;
    assert!(page.text.contains("Present key"), "{page:?}");
    let refused = browser.submit(&page, &again, &[("present", "a-guess"), ("key", "another-key")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("not the present key"), "{refused:?}");
    let given = browser.submit(&page, &again, &[("present", KEY), ("key", "another-key")]).await;
    assert_eq!((given.status.as_u16(), given.header("location")), (303, Some(&*home)), "{given:?}");

    house.wait(Duration::from_secs(301));
    let forget = format!("{home}/forget");
    let page = browser.get(&again).await;
    let old = browser.submit(&page, &again, &[("present", KEY)]).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY, "{old:?}");
    assert!(browser.get(&forget).await.text.contains("/auth/api?credentials="));
    assert_eq!(browser.submit(&page, &again, &[("present", "another-key")]).await.status, 303);
    let asked = browser.get(&forget).await;
    let forgotten = browser.submit(&asked, &forget, &[]).await;
    assert_eq!(forgotten.status, 303);
    let says = "weather cannot be told: a secret that ended here stays good there until you end it there";
    for page in [browser.follow(forgotten).await, browser.get("/console/receipts").await] {
        assert!(page.text.contains(says), "{page:?}");
    }
}

#[tokio::test]
async fn after_some_wrong_keys_none_is_tried_for_a_minute() {
    let house = House::with(keys).await;
    let kept = program(&house, (Method::POST, "/auth/api"), &[("name", "team"), ("key", KEY)]).await;
    let again = format!("/auth/api?credentials={}", kept.json()["uuid"].as_str().unwrap());
    for _ in 0..5 {
        program(&house, (Method::POST, &again), &[("present", "a-guess")]).await;
    }
    let refused = program(&house, (Method::POST, &again), &[("present", KEY)]).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("none is tried for a minute"), "{refused:?}");
    house.wait(Duration::from_secs(61));
    assert_eq!(program(&house, (Method::POST, &again), &[("present", KEY)]).await.status, 201);
}

#[tokio::test]
async fn whoever_types_wrong_keys_in_with_a_stolen_token_keeps_no_owner_from_ending_anything() {
    let house = House::with(keys).await;
    let kept = program(&house, (Method::POST, "/auth/api"), &[("name", "team"), ("key", KEY)]).await;
    let device = kept.json()["uuid"].as_str().unwrap().to_owned();
    let again = format!("/auth/api?credentials={device}");
    house.wait(Duration::from_secs(301));
    for _ in 0..6 {
        let refused = program(&house, (Method::POST, &again), &[("present", "a-guess")]).await;
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    // As the owner, in another browser.
    let mut thief = house.signed_in().await;
    let page = thief.get(&again).await;
    for _ in 0..6 {
        let refused = thief.submit(&page, &again, &[("present", "a-guess")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    }
    let refused = thief.submit(&page, &again, &[("present", KEY)]).await;
    assert!(refused.text.contains("none is tried for a minute"), "{refused:?}");

    let mut owner = house.signed_in().await;
    let page = owner.get(&again).await;
    let shown = owner.submit(&page, &again, &[("present", KEY)]).await;
    assert_eq!(shown.status, 303, "{shown:?}");
    let forget = format!("/console/credentials/{device}/forget");
    let asked = owner.get(&forget).await;
    assert_eq!(owner.submit(&asked, &forget, &[]).await.status, 303);
}

#[tokio::test]
async fn of_those_who_give_a_new_name_a_key_at_the_same_time_one_is_the_first() {
    let house = House::with(keys).await;
    let keys: Vec<_> = (0..8).map(|number| format!("key-{number}")).collect();
    let posts = keys.iter().map(async |key| {
        let fields = [("name", "team"), ("key", key)];
        program(&house, (Method::POST, "/auth/api"), &fields).await
    });
    let answers = futures_util::future::join_all(posts).await;
    let first: Vec<_> = answers.iter().zip(&keys).filter(|(answer, _)| answer.status == 201).collect();
    assert_eq!(first.len(), 1, "{answers:?}");
    for second in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(second.status, 401, "{second:?}");
        assert!(second.text.contains("in the field `present`"), "{second:?}");
    }
    let shown = [("name", "team"), ("present", &**first[0].1)];
    let shown = program(&house, (Method::POST, "/auth/api"), &shown).await;
    assert_eq!(shown.text, first[0].0.text, "the first one's key is kept");
}

#[tokio::test]
async fn whoever_makes_tokens_with_a_stolen_one_has_no_more_guesses_than_all_tokens_together() {
    let house = House::with(keys).await;
    let kept = program(&house, (Method::POST, "/auth/api"), &[("name", "team"), ("key", KEY)]).await;
    let again = format!("/auth/api?credentials={}", kept.json()["uuid"].as_str().unwrap());
    let owner = house.gateway.owner();
    let mut browser = house.signed_in().await;
    house.wait(Duration::from_secs(600));
    let mut compared = 0;
    for _ in 0..6 {
        let made = house.gateway.by(&owner, &format!("POST /devices/{}/tokens", owner.uuid));
        let token = send(made).await.json()["token"].as_str().unwrap().to_owned();
        let thief = Device { token, ..owner.clone() };
        for _ in 0..5 {
            let guess = [("present", "a-guess")];
            let refused = program_as(&house, &thief, (Method::POST, &again), &guess).await;
            assert_eq!(refused.status, 403, "{refused:?}");
            compared += usize::from(refused.text.contains("not the present key"));
        }
    }
    assert_eq!(compared, 20);
    let refused = program(&house, (Method::POST, &again), &[("present", KEY)]).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text.contains("type the key in in a browser"), "{refused:?}");

    let page = browser.get(&again).await;
    assert_eq!(browser.submit(&page, &again, &[("present", KEY)]).await.status, 303);
    house.wait(Duration::from_secs(601));
    assert_eq!(program(&house, (Method::POST, &again), &[("present", KEY)]).await.status, 201);
}

#[tokio::test]
async fn nobody_comes_back_from_an_api_that_nobody_is_sent_to() {
    for kind in [keys as fn(&mut Config), nothing] {
        let house = House::with(kind).await;
        let answer = house.signed_in().await.get("/auth/api/callback?code=x&state=y").await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(
            answer.text.contains("Nobody is sent to") && !answer.text.contains("client_id"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn where_there_is_no_account_nothing_is_signed_in_again_that_is_not_there() {
    let house = House::with(nothing).await;
    let mut browser = house.signed_in().await;
    let told = browser.get("/auth/api?credentials=unknown").await;
    assert_eq!(told.status, 404, "{told:?}");
    assert!(told.text.contains("href=\"/auth/api\">Connect "), "{told:?}");
}

#[tokio::test]
async fn who_comes_by_the_link_of_the_terminal_is_led_to_the_gateway_s_own_form_without_a_word_of_the_api() {
    for way in [keys as fn(&mut Config), nothing] {
        let house = House::with(way).await;
        let mut browser = house.browser();
        let page = browser.get(&format!("{}&next=/auth/api", house.link())).await;
        let on = browser.submit(&page, "/sign-in", &[]).await;
        assert_eq!((on.status.as_u16(), on.header("location")), (303, Some("/auth/api")), "{on:?}");
        let form = browser.follow(on).await;
        assert!(form.status == 200 && form.text.contains("action=\"/auth/api\""), "{form:?}");
    }
}
