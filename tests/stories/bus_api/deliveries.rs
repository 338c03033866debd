//! What each whitelist lets another device hear: one list at a time, every delivery tried (`spec/meshblu.md` 3.1).

use std::collections::BTreeSet;

use endo::bus::embedded::whitelist::List;
use serde_json::json;

use super::wires::Wires;

/// What a list lets X hear of T, by the first hop from T to X; `message.from` lets T hear X.
fn granted(list: &str) -> BTreeSet<String> {
    let kinds: &[&str] = match list {
        "message.from" | "message.sent" | "message.received" | "broadcast.sent" | "broadcast.received" => {
            &[list]
        }
        "configure.sent" => &["configure.sent", "unregister.sent"],
        "configure.received" => &["configure.received", "unregister.received"],
        _ => &[],
    };
    kinds.iter().map(|kind| (*kind).to_owned()).collect()
}

/// T, and X who follows it in everything; O may send to T, and T follows Z and Y.
async fn world() -> Wires {
    let mut wires = Wires::open().await;
    wires.devices(["T", "X", "O", "Z", "Y"]).await;
    wires.hear("T").await;
    wires.hear("X").await;
    wires.grant("T", "message.from", "O").await;
    for (emitter, list, kind) in [
        ("Z", "broadcast.sent", "broadcast.sent"),
        ("Z", "configure.sent", "configure.sent"),
        ("Y", "configure.sent", "unregister.sent"),
    ] {
        wires.grant(emitter, list, "T").await;
        wires.follow("T", emitter, kind).await;
    }
    for event in ["message", "broadcast", "configure", "unregister"] {
        wires.follow("X", "T", &format!("{event}.sent")).await;
        wires.follow("X", "T", &format!("{event}.received")).await;
    }
    wires
}

/// Everything that T can send and receive happens once; what X hears of it, and T of X.
async fn heard(wires: &Wires) -> BTreeSet<String> {
    wires.arrived().await;
    for (by, call, body) in [
        ("T", "POST /messages", json!({"devices": ["{Z}"]})),
        ("O", "POST /messages", json!({"devices": ["{T}"]})),
        ("X", "POST /messages", json!({"devices": ["{T}"], "by": "X"})),
        ("T", "POST /broadcasts", json!({})),
        ("Z", "POST /broadcasts", json!({})),
        ("T", "PATCH /v2/devices/{T}", json!({"a": 1})),
        ("Z", "PATCH /v2/devices/{Z}", json!({"a": 1})),
        ("Y", "DELETE /devices/{Y}", json!({})),
        ("T", "DELETE /devices/{T}", json!({})),
    ] {
        wires.call(by, call, body).await;
    }
    let mut heard = BTreeSet::new();
    for arrived in wires.arrived().await {
        let route = arrived.route.unwrap();
        let first = route.split_once(r#"{"from":"T","to":"X","type":""#);
        match first {
            Some((_, rest)) if arrived.at == "X" => {
                assert!(heard.insert(rest.split_once('"').unwrap().0.to_owned()), "twice: {route}");
            }
            _ if arrived.body.contains(r#""by":"X""#) => {
                assert_eq!(arrived.at, "T");
                heard.insert("message.from".to_owned());
            }
            _ => assert_ne!(arrived.at, "X", "{route}"),
        }
    }
    heard
}

#[tokio::test]
async fn each_list_grants_its_deliveries_and_no_other() {
    for list in List::ALL {
        let (group, name) = list.place();
        let list = format!("{group}.{name}");
        let wires = world().await;
        wires.grant("T", &list, "X").await;
        assert_eq!(heard(&wires).await, granted(&list), "{list}");
    }
}

#[tokio::test]
async fn without_a_list_nothing_is_heard() {
    assert_eq!(heard(&world().await).await, BTreeSet::new());
}
