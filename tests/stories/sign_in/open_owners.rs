//! Devices that everybody has in their hands become no owners; those that are owners end what is theirs all the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use endo::message::DeviceUuid;
use serde_json::json;

use super::House;
use super::at_the_api::{Place, refused};
use crate::support::browser::{callback, come_back, depart, state_of};
use crate::support::bus::{Answer, Device, WithJson, send};
use crate::support::meshblu::{FakeMeshblu, RemoteGateway, SERVICE, json_answer, settings};
use crate::support::provider::FakeProvider;

async fn registered(house: &House) -> Device {
    let nobody = Device { uuid: String::new(), token: String::new() };
    let device = send(house.gateway.by(&nobody, "POST /devices").json(&json!({}))).await.json();
    let text = |name: &str| device[name].as_str().unwrap().to_owned();
    Device { uuid: text("uuid"), token: text("token") }
}

async fn open(house: &House, device: &Device) {
    let everybody = json!({"$set": {"meshblu.whitelists.configure.update": [{"uuid": "*"}]}});
    house.gateway.update(device, &device.uuid, everybody).await;
}

/// What a program at this gateway asks by its login.
async fn ask(url: &str, path: &str, device: &Device) -> Answer {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let login = STANDARD.encode(format!("{}:{}", device.uuid, device.token));
    send(client.get(format!("{url}{path}")).header("authorization", format!("Bearer {login}"))).await
}

async fn owned(house: &House, device: &Device) -> usize {
    let owner = DeviceUuid::from(&*device.uuid);
    house.gateway.gateway.credentials.of_owner(&owner, None).await.unwrap().shown.len()
}

#[tokio::test]
async fn a_program_whose_device_everybody_may_change_becomes_no_owner() {
    let place = Place::open().await;
    let device = registered(&place.house).await;
    let answer = ask(&place.house.url(), "/auth/api", &device).await;
    refused(&answer, "Everybody on the bus may change your device");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    let update = r#"PUT /v2/devices/UUID with {"$pull":{"configureWhitelist":"*"}}"#;
    assert!(detail.contains(&update.replace("UUID", &device.uuid)), "{detail}");
    assert_eq!(place.provider.token_requests(), 0);
    place.house.gateway.update(&device, &device.uuid, json!({"$pull": {"configureWhitelist": "*"}})).await;
    let start = ask(&place.house.url(), "/auth/api", &device).await;
    let kept = ask(&place.house.url(), &callback(&state_of(&start)), &device).await;
    assert_eq!((kept.status.as_u16(), owned(&place.house, &device).await), (201, 1), "{kept:?}");
}

#[tokio::test]
async fn a_device_that_was_opened_on_the_way_to_the_api_becomes_no_owner() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let mut browser = place.house.signed_in_with_bus(&device).await;
    let state = depart(&mut browser, "/auth/api").await;
    open(&place.house, &device).await;
    let answer = come_back(&mut browser, &state).await;
    refused(&answer, "nothing was kept");
    refused(&answer, "whose page closes it");
    assert_eq!((owned(&place.house, &device).await, place.provider.ended().len()), (0, 2));
    refused(&browser.get("/auth/api").await, "Everybody on the bus");
}

#[tokio::test]
async fn an_owner_whose_device_is_open_is_told_so_and_proves_and_ends_what_is_theirs() {
    let place = Place::open().await;
    let device = place.house.stranger().await;
    let mut browser = place.house.signed_in_with_bus(&device).await;
    let state = depart(&mut browser, "/auth/api").await;
    let home = come_back(&mut browser, &state).await.header("location").unwrap().to_owned();
    for path in ["/console", &home] {
        assert!(!browser.get(path).await.text.contains("anybody can be you here"));
    }
    open(&place.house, &device).await;
    for path in ["/console", &home] {
        assert!(browser.get(path).await.text.contains("anybody can be you here"), "{path}");
    }
    let uuid = home.rsplit('/').next().unwrap();
    place.house.wait(std::time::Duration::from_secs(3600));
    let state = depart(&mut browser, &format!("/auth/api?credentials={uuid}")).await;
    assert_eq!(come_back(&mut browser, &state).await.status, 303);
    let page = browser.get(&format!("{home}/forget")).await;
    let ended = browser.submit(&page, &format!("{home}/forget"), &[]).await;
    assert!(ended.header("location").unwrap().starts_with("/console?done="), "{ended:?}");
    assert_eq!(owned(&place.house, &device).await, 0);
}

#[tokio::test]
async fn where_the_bus_alone_says_who_somebody_is_an_open_device_keeps_nothing_either() {
    let house = House::with(|config| config.source.kind = endo::config::SourceKind::Passthru).await;
    let mut browser = house.signed_in().await;
    let page = browser.get("/auth/api").await;
    open(&house, &house.gateway.owner()).await;
    let answer = browser.submit(&page, "/auth/api", &[]).await;
    refused(&answer, "Everybody on the bus may change your device");
}

#[tokio::test]
async fn on_a_meshblu_the_device_says_itself_whether_everybody_may_change_it() {
    let (meshblu, provider) = (FakeMeshblu::start().await, FakeProvider::start().await);
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), &meshblu.url());
    settings.source = provider.settings();
    let gateway = RemoteGateway::with(settings).await.unwrap();
    let url = format!("http://{}", gateway.running.gateway());
    let device = Device { uuid: SERVICE.to_owned(), token: "t".to_owned() };
    for (lists, status) in [(json!(["*"]), 403), (json!(["friend"]), 302)] {
        let shown = json!({"uuid": SERVICE, "configureWhitelist": lists});
        meshblu.answer("GET /v2/whoami", [json_answer(200, &shown)]);
        let answer = ask(&url, "/auth/api", &device).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.text.contains("and end tokens of it that are not yours"), status == 403);
    }
}
