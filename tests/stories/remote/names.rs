//! Whoever brings a message chooses names, and a secret may have the shape of one: the log has none that nobody confirmed.

use endo::message::{DeliveryId, DeviceUuid};
use serde_json::{Value, json};

use crate::support::log;
use crate::support::meshblu::{
    CREDENTIALS, FakeMeshblu, RemoteGateway, SERVICE, SigningBus, json_answer, say_hello,
};

#[tokio::test]
async fn the_name_of_a_delivery_is_logged_by_its_fingerprint_that_dead_letters_show() {
    log::capture();
    let secret = "5ec2e7a1-0000-4000-8000-00000de11e01";
    let bus = SigningBus::start().await;
    let refusal = json_answer(403, &Value::Null);
    bus.meshblu.answer("POST /messages", [refusal.clone(), refusal]);
    let (gateway, _directory) = bus.gateway().await;
    assert_eq!(bus.deliver(&gateway, secret, &say_hello()).await.status, 403);
    assert_eq!(gateway.dead_letters().await[0].delivery.id.as_str(), secret);
    assert!(log::lines_with(secret).is_empty(), "{:?}", log::lines_with(secret));
    let lines = log::lines_with(&DeliveryId::from(secret).fingerprint());
    assert!(lines.iter().any(|line| line.contains("a delivery was given up")), "{lines:?}");
}

#[tokio::test]
async fn those_who_are_named_in_a_route_are_logged_by_their_fingerprint_where_no_right_is_known() {
    log::capture();
    let [sender, user] = ["5ec2e7a1-0000-4000-8000-00000005e4de", "5ec2e7a1-0000-4000-8000-0000000005e4"];
    let meshblu = FakeMeshblu::start().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let hop = |from, to| json!({"from": from, "to": to, "type": "message.received"});
    let route = json!([hop(sender, user), hop(user, CREDENTIALS), hop(CREDENTIALS, SERVICE)]).to_string();
    assert_eq!(gateway.webhook_by(&route, &say_hello()).await.status, 403);
    for secret in [sender, user] {
        assert!(log::lines_with(secret).is_empty(), "{:?}", log::lines_with(secret));
    }
    let lines = log::lines_with(&DeviceUuid::from(user).fingerprint());
    assert!(lines.iter().any(|line| line.contains("there are no credentials to use")), "{lines:?}");
}
