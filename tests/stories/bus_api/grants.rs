//! What each whitelist lets another device do: one list at a time, every operation tried (`spec/meshblu.md` 3.1).

use endo::bus::embedded::whitelist::List;
use endo::store::{StoreError, Work};
use serde_json::{Value, json};

use crate::support::bus::{Device, TestBus, WithJson, send};

/// An operation: the list of T that grants it, whether it is done as T, the call and its body. `T` is the device with
/// the list, `Z` a third one that lets T do everything to it.
type Operation = (&'static str, bool, &'static str, &'static str);

/// In an order in which each can still work after those before it.
const OPERATIONS: [Operation; 27] = [
    ("message.from", false, "POST /messages", r#"{"devices":["T"]}"#),
    ("message.as", true, "POST /messages", r#"{"devices":["Z"]}"#),
    ("broadcast.as", true, "POST /messages", r#"{"devices":["*"]}"#),
    ("broadcast.as", true, "POST /broadcasts", "{}"),
    ("discover.view", false, "GET /v2/devices/T", ""),
    ("discover.view", false, "GET /v3/devices/T", ""),
    ("discover.view", false, "GET /devices/T", ""),
    ("discover.view", false, "POST /search/devices", r#"{"uuid":"T"}"#),
    ("discover.view", false, "GET /v2/devices?uuid=T", ""),
    ("discover.as", true, "GET /v3/devices/Z", ""),
    ("discover.as", true, "POST /search/devices", r#"{"uuid":"T"}"#),
    ("configure.update", false, "PUT /v2/devices/T", r#"{"$set":{"a":1}}"#),
    ("configure.update", false, "PUT /v2/devices/T/find-and-update", r#"{"$set":{"a":2}}"#),
    ("configure.update", false, "PATCH /v2/devices/T", r#"{"a":3}"#),
    ("configure.update", false, "POST /devices/T/tokens", ""),
    ("configure.update", false, "DELETE /devices/T/tokens/some", ""),
    ("configure.update", false, "DELETE /devices/T/tokens?tag=some", ""),
    ("configure.update", false, "GET /v2/devices/T/subscriptions", ""),
    ("configure.update", false, "POST /v2/devices/T/subscriptions/Z/message.sent", ""),
    ("configure.update", false, "DELETE /v2/devices/T/subscriptions/Z/message.sent", ""),
    ("configure.as", true, "PUT /v2/devices/Z", r#"{"$set":{"a":1}}"#),
    ("configure.as", true, "POST /devices/Z/tokens", ""),
    ("configure.as", true, "POST /v2/devices/Z/subscriptions/T/message.sent", ""),
    ("configure.as", true, "POST /search/tokens", "{}"),
    ("configure.as", true, "DELETE /devices/Z", ""),
    ("configure.update", false, "POST /devices/T/token", ""),
    ("configure.update", false, "DELETE /devices/T", ""),
];

struct Stage {
    bus: TestBus,
    asking: Device,
    granting: Device,
    third: Device,
}

impl Stage {
    /// Three devices; T grants the asking one this list.
    async fn with(list: &str) -> Self {
        let bus = TestBus::open().await;
        let asking = bus.device(json!({})).await;
        let granting = hooked(&bus).await;
        let third = hooked(&bus).await;
        let entry = |device: &Device| json!({"uuid": device.uuid});
        let mut ours = json!({"meshblu.whitelists.broadcast.sent": [entry(&third)]});
        match &mut ours[format!("meshblu.whitelists.{list}")] {
            Value::Array(entries) => entries.push(entry(&asking)),
            absent => *absent = json!([entry(&asking)]),
        }
        let lists = ["discover.view", "configure.update", "message.from"];
        let theirs = lists.map(|list| (format!("meshblu.whitelists.{list}"), json!([entry(&granting)])));
        for (device, properties) in [(&granting, ours), (&third, Value::from_iter(theirs))] {
            let call = format!("PATCH /v2/devices/{}", device.uuid);
            send(bus.by(device, &call).json(&properties)).await.is(204, "");
        }
        bus.subscribe(&third, &granting, "broadcast.sent").await;
        Self { bus, asking, granting, third }
    }

    fn filled(&self, text: &str) -> String {
        let uuid = |text: String, name: &str, device: &Device| {
            let quoted = text.replace(&format!("\"{name}\""), &format!("\"{}\"", device.uuid));
            let in_query = quoted.replace(&format!("={name}"), &format!("={}", device.uuid));
            in_query.replace(&format!("/{name}"), &format!("/{}", device.uuid))
        };
        uuid(uuid(text.to_owned(), "T", &self.granting), "Z", &self.third)
    }

    /// Whether the operation is done: refusals of messages show at the recipient alone, those of searches in that
    /// nothing is found.
    async fn does(&self, (_, borrows, call, body): Operation) -> bool {
        let mut request = self.bus.by(&self.asking, &self.filled(call));
        if borrows {
            request = request.header("x-meshblu-as", &self.granting.uuid);
        }
        if !body.is_empty() {
            request = request.json(&serde_json::from_str(&self.filled(body)).unwrap());
        }
        let before = self.delivered().await;
        let answer = send(request).await;
        if ["POST /messages", "POST /broadcasts"].contains(&call) {
            answer.is(204, "");
            return self.delivered().await > before;
        }
        let refused = [403, 404].contains(&answer.status.as_u16()) || answer.text == "[]";
        assert!(refused || answer.status.is_success(), "{call}: {answer:?}");
        !refused
    }

    /// How much was accepted for the webhooks of T and Z.
    async fn delivered(&self) -> u64 {
        let store = self.bus.bus.store();
        store.read::<_, StoreError, _>(|view| view.waiting(Work::Webhook)).await.unwrap()
    }
}

/// A device that hears itself and has a webhook for the messages and broadcasts that it receives.
async fn hooked(bus: &TestBus) -> Device {
    let hook = json!([{"type": "webhook", "url": "https://x.test/", "method": "POST"}]);
    let forwarders = json!({"message": {"received": hook}, "broadcast": {"received": hook}});
    let device = bus.register(json!({"meshblu": {"version": "2.0.0", "forwarders": forwarders}})).await;
    for kind in ["message.received", "broadcast.received"] {
        bus.subscribe(&device, &device, kind).await;
    }
    device
}

fn lists() -> impl Iterator<Item = String> {
    List::ALL.into_iter().map(|list| format!("{}.{}", list.place().0, list.place().1))
}

#[tokio::test]
async fn each_list_grants_its_operations_and_no_other() {
    for list in lists() {
        let stage = Stage::with(&list).await;
        for operation in OPERATIONS {
            let (granted_by, _, call, _) = operation;
            assert_eq!(stage.does(operation).await, granted_by == list, "{list}: {call}");
        }
    }
}

#[tokio::test]
async fn a_device_does_everything_to_itself() {
    let stage = Stage::with("message.from").await;
    let itself = Stage { asking: stage.granting.clone(), ..stage };
    // A new root token would end the one in use.
    for operation in OPERATIONS.into_iter().filter(|(_, _, call, _)| *call != "POST /devices/T/token") {
        assert!(itself.does(operation).await, "{operation:?}");
    }
}

#[tokio::test]
async fn nothing_that_a_device_lends_can_be_used_on_the_device_itself() {
    for list in lists() {
        let stage = Stage::with(&list).await;
        for (_, _, call, body) in OPERATIONS.into_iter().filter(|(_, _, call, _)| call.contains("devices/T"))
        {
            assert!(!stage.does(("", true, call, body)).await, "{list}: {call}");
        }
    }
}
