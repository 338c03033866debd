//! Programs that sign in at the API by the login that they have at the bus, as with the original.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::at_the_api::Place;
use super::must_sign_in;
use crate::support::browser::{HTML, callback, state_of};
use crate::support::bus::{Answer, Device, send};

/// What a program at this place asks, which keeps no cookies.
async fn ask(place: &Place, path: &str, headers: &[(&str, &str)]) -> Answer {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.get(format!("{}{path}", place.house.url()));
    send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

fn login(scheme: &str, device: &Device) -> String {
    format!("{scheme} {}", STANDARD.encode(format!("{}:{}", device.uuid, device.token)))
}

#[tokio::test]
async fn a_program_signs_in_at_the_api_by_its_login_and_needs_no_cookie() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    for scheme in ["Basic", "Bearer"] {
        let login = login(scheme, &device);
        let start = ask(&place, "/auth/api", &[("authorization", &login)]).await;
        assert_eq!((start.status.as_u16(), start.header("set-cookie")), (302, None), "{start:?}");
        let back = callback(&state_of(&start));
        let kept = ask(&place, &back, &[("authorization", &login)]).await;
        assert_eq!((kept.status.as_u16(), kept.header("set-cookie")), (201, None), "{kept:?}");
        let uuid = kept.json()["uuid"].as_str().unwrap().to_owned();
        kept.is(201, &json!({"uuid": uuid}).to_string());
        let path = format!("/credentials/{uuid}/owners");
        ask(&place, &path, &[("authorization", &login)])
            .await
            .is(200, &json!([{"uuid": device.uuid}]).to_string());
        let again = ask(&place, &back, &[("authorization", &login)]).await;
        assert_eq!(again.status, 403, "{again:?}");
    }
}

#[tokio::test]
async fn a_login_that_a_browser_may_repeat_by_itself_proves_nothing() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let credentials = &place.house.gateway.gateway.credentials;
    for (scheme, is_proved) in [("Basic", false), ("Bearer", true)] {
        let login = login(scheme, &device);
        let start = ask(&place, "/auth/api", &[("authorization", &login)]).await;
        let kept = ask(&place, &callback(&state_of(&start)), &[("authorization", &login)]).await;
        let uuid = kept.json()["uuid"].as_str().unwrap().into();
        let age = Duration::from_secs(300);
        let proved = credentials.is_proved(&device.uuid.as_str().into(), &uuid, age).await.unwrap();
        assert_eq!(proved, is_proved, "{scheme}");
    }
}

#[tokio::test]
async fn what_one_program_began_another_or_a_browser_does_not_finish() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let other = place.house.stranger().await;
    let (own, theirs) = (login("Basic", &device), login("Basic", &other));
    let start = ask(&place, "/auth/api", &[("authorization", &own)]).await;
    let back = callback(&state_of(&start));
    let answer = ask(&place, &back, &[("authorization", &theirs)]).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(ask(&place, &back, &[]).await.status, 401);
    let mut browser = place.house.signed_in().await;
    assert_eq!(browser.get(&back).await.status, 403);
    assert_eq!(ask(&place, &back, &[("authorization", &own)]).await.status, 201, "nothing used it up");
}

#[tokio::test]
async fn a_browser_that_sends_a_login_along_is_no_program() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let own = login("Basic", &device);
    must_sign_in(&ask(&place, "/auth/api", &[("authorization", &own), ("accept", HTML)]).await);
    let led = ask(&place, "/auth/api", &[("authorization", &own), ("sec-fetch-site", "cross-site")]).await;
    assert_eq!(led.status, 401, "{led:?}");
    let unknown = Device { uuid: device.uuid.clone(), token: "wrong".to_owned() };
    let answer = ask(&place, "/auth/api", &[("authorization", &login("Basic", &unknown))]).await;
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[tokio::test]
async fn a_program_is_told_that_there_is_nothing_to_sign_in_again() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let login = login("Bearer", &device);
    let told = ask(&place, "/auth/api?credentials=unknown", &[("authorization", &login)]).await;
    assert_eq!(told.status, 404, "{told:?}");
    assert!(
        told.json()["detail"].as_str().unwrap().contains("There is nothing to sign in again"),
        "{told:?}"
    );
}
