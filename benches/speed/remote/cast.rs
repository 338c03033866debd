//! Who takes part: a service, one of its recorded credentials devices, a user device, and a flow that asks.

use std::sync::LazyLock;

use endo::message::{Hop, Route};
use serde_json::{Value, json};

/// The flow that sends.
pub(super) const FLOW: &str = "f0000000-0000-4000-8000-000000000001";
/// The device that it sends to.
pub(super) const USER: &str = "d0000000-0000-4000-8000-000000000001";
/// The gateway's own device.
pub(super) const SERVICE: &str = "a1111111-1111-4111-8111-111111111111";
/// That device's token.
pub(super) const SERVICE_TOKEN: &str = "service-token-1";

static RECORDED: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../tests/fixtures/endo-records.json")).unwrap()
});

/// The key that the record was sealed with.
pub(super) fn private_key() -> String {
    RECORDED["privateKeyPem"].as_str().unwrap().to_owned()
}

/// The credentials device with its record, in format 1.
pub(super) fn credentials_device() -> &'static Value {
    &RECORDED["credentialsDevices"][0]["device"]
}

/// Its uuid.
pub(super) fn credentials() -> &'static str {
    credentials_device()["uuid"].as_str().unwrap()
}

/// Its token, which the record holds.
pub(super) fn credentials_token() -> &'static str {
    RECORDED["credentialsDevices"][0]["inputs"]["credentialsDeviceToken"].as_str().unwrap()
}

/// The way of a message from the flow to the service.
pub(super) fn route() -> String {
    let hops = [
        (FLOW, USER, "message.sent"),
        (USER, credentials(), "message.received"),
        (credentials(), credentials(), "message.received"),
        (credentials(), SERVICE, "message.received"),
    ];
    let hop =
        |(from, to, kind): (&str, &str, &str)| Hop { from: from.into(), to: to.into(), kind: kind.into() };
    Route::new(hops.map(hop).to_vec()).to_text()
}

/// What searches for the credentials device.
pub(super) fn search() -> String {
    json!({"uuid": credentials()}).to_string()
}

/// The reply to a message.
pub(super) fn reply() -> String {
    json!({
        "devices": [FLOW],
        "metadata": {"to": 7, "code": 200, "status": "OK"},
        "data": {"greeting": "Hello, octocat"},
    })
    .to_string()
}
