//! The routes that receivers see (`spec/meshblu.md` 4.3), as the header has them.

use serde_json::{Value, json};

use super::wires::Wires;

/// `"A>B message.sent, B>B message.received"` as the header writes it.
fn route(hops: &str) -> String {
    let hop = |hop: &str| {
        let (way, kind) = hop.trim().split_once(' ').unwrap();
        let (from, to) = way.split_once('>').unwrap();
        format!(r#"{{"from":"{from}","to":"{to}","type":"{kind}"}}"#)
    };
    format!("[{}]", hops.split(',').map(hop).collect::<Vec<_>>().join(","))
}

/// Exactly one thing arrived: there, on that route, with this body.
async fn arrives(wires: &Wires, at: &str, hops: &str, body: Value) {
    let arrived = wires.arrived().await;
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert_eq!((&*arrived[0].at, arrived[0].route.as_deref()), (at, Some(&*route(hops))));
    let kind = hops.rsplit(' ').next().unwrap();
    assert_eq!(arrived[0].kind, kind);
    assert_eq!(arrived[0].forwarded, None);
    if !body.is_null() {
        assert_eq!(arrived[0].body, body.to_string());
    }
}

async fn silence(wires: &Wires) {
    assert_eq!(wires.arrived().await, []);
}

#[tokio::test]
async fn a_direct_message_names_its_sender_first_and_ends_with_the_receiver_s_own_hop() {
    let mut wires = Wires::open().await;
    wires.devices(["F", "D"]).await;
    wires.grant("D", "message.from", "F").await;
    let message = json!({"z": 1, "devices": ["{D}"], "a": {"y": [], "b": null}});
    wires.call("F", "POST /messages", message.clone()).await;
    silence(&wires).await;
    wires.hear("D").await;
    wires.call("F", "POST /messages", message).await;
    let body = json!({"z": 1, "devices": ["D"], "a": {"y": [], "b": null}});
    arrives(&wires, "D", "F>D message.received, D>D message.received", body).await;
}

#[tokio::test]
async fn a_route_that_a_client_sends_along_is_not_believed() {
    let mut wires = Wires::open().await;
    wires.devices(["F", "D"]).await;
    wires.grant("D", "message.from", "F").await;
    wires.hear("D").await;
    let forged = json!({"devices": ["{D}"], "metadata": {"route": [{"from": "X"}]}, "fromUuid": "X"});
    wires.call("F", "POST /messages", forged).await;
    arrives(&wires, "D", "F>D message.received, D>D message.received", Value::Null).await;
}

/// Flow, user device, credentials device and service, as the gateway of old wires them.
async fn endo() -> Wires {
    let mut wires = Wires::open().await;
    wires.devices(["flow", "ud", "cred", "svc"]).await;
    for (of, list, to) in [
        ("ud", "message.from", "flow"),
        ("ud", "message.received", "cred"),
        ("ud", "message.as", "cred"),
        ("cred", "message.received", "svc"),
        ("flow", "message.from", "ud"),
    ] {
        wires.grant(of, list, to).await;
    }
    wires.follow("cred", "ud", "message.received").await;
    wires.follow("svc", "cred", "message.received").await;
    wires.hear("svc").await;
    wires.hear("flow").await;
    wires
}

#[tokio::test]
async fn a_message_reaches_the_service_by_way_of_the_credentials_device() {
    let wires = endo().await;
    wires.call("flow", "POST /messages", json!({"devices": ["{ud}"], "n": 1})).await;
    let way = "flow>ud message.received, ud>cred message.received, cred>svc message.received, \
        svc>svc message.received";
    arrives(&wires, "svc", way, json!({"devices": ["ud"], "n": 1})).await;
}

#[tokio::test]
async fn a_reply_names_the_user_device_and_hides_the_credentials_device() {
    let wires = endo().await;
    let reply = ("POST /messages", json!({"devices": ["{flow}"], "metadata": {"to": 1}}));
    wires.call_as("cred", "ud", reply).await;
    arrives(&wires, "flow", "ud>flow message.received, flow>flow message.received", Value::Null).await;
}

#[tokio::test]
async fn whoever_is_taken_off_a_list_hears_nothing_from_then_on() {
    let wires = endo().await;
    for (device, list, entry) in
        [("ud", "received", "cred"), ("cred", "received", "svc"), ("ud", "from", "flow")]
    {
        let place = format!("meshblu.whitelists.message.{list}");
        let entry = json!({"uuid": format!("{{{entry}}}")});
        let call = format!("PUT /v2/devices/{{{device}}}");
        wires.call(device, &call, json!({"$pull": {place.clone(): entry}})).await;
        wires.call("flow", "POST /messages", json!({"devices": ["{ud}"]})).await;
        silence(&wires).await;
        wires.call(device, &call, json!({"$addToSet": {place: entry}})).await;
        wires.call("flow", "POST /messages", json!({"devices": ["{ud}"]})).await;
        assert_eq!(wires.arrived().await.len(), 1);
    }
}

#[tokio::test]
async fn a_follower_of_what_is_sent_sees_two_hops_for_one_way() {
    let mut wires = Wires::open().await;
    wires.devices(["A", "B"]).await;
    wires.grant("A", "message.sent", "B").await;
    wires.follow("B", "A", "message.sent").await;
    wires.hear("B").await;
    wires.call("A", "POST /messages", json!({"devices": ["nobody"]})).await;
    let way = "A>B message.sent, A>B message.received, B>B message.received";
    arrives(&wires, "B", way, json!({"devices": ["nobody"]})).await;
}

#[tokio::test]
async fn a_follower_of_what_is_received_sees_the_way_through_the_receiver() {
    let mut wires = Wires::open().await;
    wires.devices(["A", "B", "C"]).await;
    wires.grant("C", "message.from", "A").await;
    wires.grant("C", "message.received", "B").await;
    wires.follow("B", "C", "message.received").await;
    wires.hear("B").await;
    wires.call("A", "POST /messages", json!({"devices": "{C}"})).await;
    let way = "A>C message.received, C>B message.received, B>B message.received";
    arrives(&wires, "B", way, json!({"devices": "C"})).await;
}

#[tokio::test]
async fn broadcasts_changes_and_removals_reach_a_follower_on_routes_alike() {
    for (event, list, call, body) in [
        ("broadcast", "broadcast.sent", "POST /messages", json!({"devices": ["*"]})),
        ("configure", "configure.sent", "PATCH /v2/devices/{A}", json!({"name": "new"})),
        ("unregister", "configure.sent", "DELETE /devices/{A}", json!({})),
    ] {
        let mut wires = Wires::open().await;
        wires.devices(["A", "B"]).await;
        wires.grant("A", list, "B").await;
        wires.follow("B", "A", &format!("{event}.sent")).await;
        wires.hear("B").await;
        wires.call("A", call, body).await;
        let arrived = wires.arrived().await;
        let way = format!("A>B {event}.sent, A>B {event}.received, B>B {event}.received");
        assert_eq!(arrived.len(), 1, "{event}: {arrived:?}");
        assert_eq!((&*arrived[0].at, arrived[0].route.as_deref()), ("B", Some(&*route(&way))));
        assert_eq!(arrived[0].kind, format!("{event}.received"));
        let body: Value = serde_json::from_str(&arrived[0].body).unwrap();
        match event {
            "broadcast" => assert_eq!(body, json!({"devices": ["*"]})),
            _ => assert_eq!((&body["uuid"], body.get("token")), (&json!("A"), None)),
        }
        assert_eq!(body["name"], if event == "configure" { json!("new") } else { Value::Null });
    }
}

#[tokio::test]
async fn two_devices_that_follow_each_other_hear_a_broadcast_once() {
    let mut wires = Wires::open().await;
    wires.devices(["A", "B"]).await;
    wires.grant("A", "broadcast.sent", "B").await;
    wires.grant("A", "broadcast.received", "B").await;
    wires.grant("B", "broadcast.received", "A").await;
    wires.follow("B", "A", "broadcast.sent").await;
    wires.follow("A", "B", "broadcast.received").await;
    wires.follow("B", "A", "broadcast.received").await;
    wires.hear("A").await;
    wires.call("A", "POST /messages", json!({"devices": "*"})).await;
    let way = "A>B broadcast.sent, A>B broadcast.received, B>A broadcast.received, A>A broadcast.received";
    arrives(&wires, "A", way, json!({"devices": "*"})).await;
}

#[tokio::test]
async fn what_devices_send_on_to_each_other_carries_the_routes_before_it() {
    let mut wires = Wires::open().await;
    wires.devices(["D", "E"]).await;
    for (one, other) in [("D", "E"), ("E", "D")] {
        wires.grant(one, "broadcast.sent", other).await;
        wires.follow(other, one, "broadcast.sent").await;
        wires.hear(one).await;
        let on = json!({"$push": {"meshblu.forwarders.broadcast.received": {"type": "meshblu"}}});
        wires.call(one, &format!("PUT /v2/devices/{{{one}}}"), on).await;
    }
    wires.call("D", "POST /broadcasts", json!({"n": 1})).await;
    let there = route("D>E broadcast.sent, D>E broadcast.received, E>E broadcast.received");
    let back = route("E>D broadcast.sent, E>D broadcast.received, D>D broadcast.received");
    let mut arrived: Vec<_> =
        wires.arrived().await.into_iter().map(|one| (one.at, one.route.unwrap(), one.forwarded)).collect();
    arrived.sort_by_key(|(_, _, forwarded)| forwarded.as_ref().map(String::len));
    let expected = [
        ("E", &there, None),
        ("D", &back, Some(format!("[{there}]"))),
        ("E", &there, Some(format!("[{there},{back}]"))),
    ];
    assert_eq!(arrived, expected.map(|(at, route, forwarded)| (at.to_owned(), route.clone(), forwarded)));
}
