//! Devices that everybody has in their hands: nobody is signed in as one before it is closed.

use serde_json::{Value, json};

use super::World;
use super::person::query;
use crate::support::bus::{Answer, Device, WithJson, send};

const CLOSE: &str = r#"name="answer" value="close""#;

async fn document(world: &World, device: &Device) -> Value {
    send(world.bus.by(device, "GET /v2/whoami")).await.json()
}

#[track_caller]
fn is_refused(page: &Answer, list: &str) {
    assert_eq!(page.status, 403, "{page:?}");
    assert!(page.text.contains(CLOSE) && !page.text.contains("value=\"allow\""), "{page:?}");
    assert!(page.text.contains(&format!("<code>{list}</code>")), "{list}: {page:?}");
}

#[tokio::test]
async fn a_device_that_everybody_may_change_is_closed_before_it_signs_in() {
    let world = World::open().await;
    let open = world.bus.register(json!({"name": "Anna"})).await;
    let stranger = world.bus.register(json!({})).await;
    let stolen = send(world.bus.by(&stranger, &format!("POST /devices/{}/tokens", open.uuid))).await;
    assert_eq!(stolen.status, 201, "clients of Meshblu find it as it is there");
    let mut person = world.person();
    let page = person.sign_in(&world.authorize("&state=s"), &open).await;
    is_refused(&page, "configureWhitelist");
    let asked = person.press(&page, "close").await;
    assert_eq!(asked.status, 303, "{asked:?}");
    let consent = person.get(asked.header("location").unwrap()).await;
    assert!(consent.status == 200 && consent.text.contains("act as your device?"), "{consent:?}");
    assert_eq!(document(&world, &open).await["configureWhitelist"], json!([]));
    assert_eq!(
        document(&world, &open).await["discoverWhitelist"],
        json!(["*"]),
        "nothing else of it changes"
    );
    let granted = person.press(&consent, "allow").await;
    assert!(query(&granted).contains_key("code"), "{granted:?}");
    let stolen =
        Device { uuid: open.uuid.clone(), token: stolen.json()["token"].as_str().unwrap().to_owned() };
    assert_eq!(send(world.bus.by(&stolen, "GET /v2/whoami")).await.status, 403, "made while it was open");
    let again = send(world.bus.by(&stranger, &format!("POST /devices/{}/tokens", open.uuid))).await;
    assert_eq!(again.status, 403);
}

#[tokio::test]
async fn whoever_lets_everybody_act_as_the_device_lets_them_sign_in_too() {
    let world = World::open().await;
    for list in ["configure.update", "configure.as", "discover.as", "message.as"] {
        let (group, name) = list.split_once('.').unwrap();
        let open = world.bus.device(json!({group: {name: [{"uuid": "*"}, {"uuid": "stayed"}]}})).await;
        let mut person = world.person();
        let page = person.sign_in(&world.authorize(""), &open).await;
        is_refused(&page, &format!("meshblu.whitelists.{list}"));
        assert!(page.text.contains("<code>stayed</code>"), "{page:?}");
        person.press(&page, "close").await;
        let left = &document(&world, &open).await["meshblu"]["whitelists"][group][name];
        assert_eq!(*left, json!([{"uuid": "stayed"}]), "{list}");
        assert_eq!(person.get(&world.authorize("")).await.status, 200);
    }
    let of_old = json!({"configureWhitelist": [], "sendAsWhitelist": ["*"]});
    let page = world.person().sign_in(&world.authorize(""), &world.bus.register(of_old).await).await;
    is_refused(&page, "sendAsWhitelist");
    // What everybody may see, send to or hear is in nobody's hands for that, and a list that does not count does not.
    let closed = json!({"configureWhitelist": [], "sendWhitelist": ["*"], "receiveWhitelist": ["*"]});
    let of_new = json!({"configureWhitelist": ["*"], "meshblu": {"version": "2.0.0"}});
    for document in [closed, of_new] {
        let device = world.bus.register(document).await;
        assert_eq!(world.person().sign_in(&world.authorize(""), &device).await.status, 200);
    }
}

#[tokio::test]
async fn a_device_that_was_opened_since_is_not_signed_in_by_a_yes_of_before_or_an_old_page() {
    let world = World::open().await;
    let mut person = world.person();
    let consent = person.sign_in(&world.authorize(""), &world.user).await;
    let open = json!({"$addToSet": {"configureWhitelist": "*"}});
    let call = format!("PUT /v2/devices/{}", world.user.uuid);
    send(world.bus.by(&world.user, &call).json(&open)).await.is(204, "");
    let asked = person.press(&consent, "allow").await;
    assert!(!query_of(&asked).contains("code="), "{asked:?}");
    is_refused(&person.get(&world.authorize("")).await, "configureWhitelist");
    let mut known = world.known_person().await;
    is_refused(&known.get(&world.authorize("")).await, "configureWhitelist");
}

fn query_of(answer: &Answer) -> String {
    answer.header("location").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn nobody_but_the_page_closes_a_device() {
    let world = World::open().await;
    let open = world.bus.register(json!({})).await;
    let mut person = world.person();
    person.sign_in(&world.authorize(""), &open).await;
    for fields in [vec![("answer", "close")], vec![("answer", "close"), ("ticket", "x")]] {
        let request = person.form(&world.authorize(""), &fields);
        assert_eq!(person.send(request).await.status, 403);
    }
    assert_eq!(document(&world, &open).await["configureWhitelist"], json!(["*"]));
}
