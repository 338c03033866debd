//! Whom messages and events reach, and on which routes.

use endo::bus::embedded::recipient::{InvalidMessage, Recipient, recipients};
use endo::bus::embedded::routing::{Arrivals, Cut, Event};
use endo::bus::embedded::subscription::SubscriptionType;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::network::{Devices, hops, told};

const RECEIVED: &str = "message.received";

fn flow() -> Devices {
    Devices::default()
        .device("flow", &[("message.from", "ud")])
        .device("ud", &[("message.from", "flow"), ("message.as", "cred"), (RECEIVED, "cred")])
        .device("cred", &[(RECEIVED, "svc")])
        .device("svc", &[])
        .subscribed("cred", "ud", RECEIVED)
        .subscribed("svc", "cred", RECEIVED)
        .subscribed("svc", "svc", RECEIVED)
        .subscribed("flow", "flow", RECEIVED)
}

fn without(devices: &Devices, uuid: &str, list: &str) -> Devices {
    let mut fewer = devices.clone();
    let document = std::sync::Arc::make_mut(fewer.documents.get_mut(uuid).unwrap());
    document["meshblu"]["whitelists"]["message"][list] = json!([]);
    fewer
}

fn routes(devices: &Devices, from: &str, to: &str) -> Value {
    let arrivals = devices.send(from, from, json!([to])).arrivals;
    serde_json::to_value(arrivals.into_iter().map(|arrival| arrival.route).collect::<Vec<_>>()).unwrap()
}

fn hop(from: &str, to: &str, kind: &str) -> Value {
    json!({"from": from, "to": to, "type": kind})
}

#[test]
fn a_direct_message_takes_two_hops() {
    let devices = Devices::default()
        .device("F", &[])
        .device("D", &[("message.from", "F")])
        .subscribed("D", "D", RECEIVED);
    assert_eq!(routes(&devices, "F", "D"), json!([[hop("F", "D", RECEIVED), hop("D", "D", RECEIVED)]]));
}

#[test]
fn a_route_is_written_with_its_keys_in_order() {
    let text = serde_json::to_string(&flow().send("flow", "flow", json!("ud")).arrivals[0].route).unwrap();
    assert!(text.starts_with(r#"[{"from":"flow","to":"ud","type":"message.received"},{"from":"ud","#));
}

#[test]
fn a_message_reaches_the_gateway_over_the_credentials_device() {
    let expected = json!([[
        hop("flow", "ud", RECEIVED),
        hop("ud", "cred", RECEIVED),
        hop("cred", "svc", RECEIVED),
        hop("svc", "svc", RECEIVED),
    ]]);
    assert_eq!(routes(&flow(), "flow", "ud"), expected);
}

#[test]
fn a_reply_shows_the_user_device_and_hides_the_credentials_device() {
    let arrivals = flow().send("cred", "ud", json!(["flow"]));
    assert_eq!(told(&arrivals), ["flow: ud>flow flow>flow"]);
}

#[test]
fn every_permission_and_subscription_of_the_way_is_needed() {
    let there = |devices: &Devices| told(&devices.send("flow", "flow", json!(["ud"]))).len();
    let back = |devices: &Devices| told(&devices.send("cred", "ud", json!(["flow"]))).len();
    assert_eq!((there(&flow()), back(&flow())), (1, 1));
    let entries = [
        ("flow", "from", (1, 0)),
        ("ud", "from", (0, 1)),
        ("ud", "as", (1, 0)),
        ("ud", "received", (0, 1)),
        ("cred", "received", (0, 1)),
    ];
    for (uuid, list, expected) in entries {
        let devices = without(&flow(), uuid, list);
        assert_eq!((there(&devices), back(&devices)), expected, "{uuid} {list}");
    }
    for (gone, expected) in [(0, (0, 1)), (1, (0, 1)), (2, (0, 1)), (3, (1, 0))] {
        let mut devices = flow();
        devices.subscriptions.remove(gone);
        assert_eq!((there(&devices), back(&devices)), expected, "{gone}");
    }
}

/// Which deliveries happen when T carries these entries, in a network where everything else is granted.
fn deliveries(lists: &[(&str, &str)]) -> Vec<&'static str> {
    let devices = Devices::default()
        .device("T", lists)
        .device("X", &[])
        .device("open", &[("message.from", "*"), ("broadcast.sent", "*"), ("configure.sent", "*")]);
    let kinds = ["message", "broadcast", "configure", "unregister"];
    let devices = kinds.iter().fold(devices, |devices, kind| {
        let (sent, received) = (format!("{kind}.sent"), format!("{kind}.received"));
        let itself = |devices: Devices, uuid| devices.subscribed(uuid, uuid, &received);
        ["T", "X", "open"]
            .into_iter()
            .fold(devices, itself)
            .subscribed("X", "T", &sent)
            .subscribed("X", "T", &received)
            .subscribed("T", "open", &sent)
            .subscribed("open", "T", &sent)
    });
    let reaches = |arrivals: Arrivals, device: &str| {
        arrivals.arrivals.iter().any(|arrival| arrival.device.as_str() == device)
    };
    let all = [
        ("to T", reaches(devices.send("X", "X", json!("T")), "T")),
        ("as T", reaches(devices.send("X", "T", json!("open")), "open")),
        ("T sends", reaches(devices.send("T", "T", json!("open")), "X")),
        ("T receives", reaches(devices.send("F", "F", json!("T")), "X")),
        ("broadcast as T", reaches(devices.send("X", "T", json!("*")), "open")),
        ("T broadcasts", reaches(devices.send("T", "T", json!("*")), "X")),
        ("T receives broadcasts", reaches(devices.send("open", "open", json!("*")), "X")),
        ("T changes", reaches(devices.event(Event::Configure, "T"), "X")),
        ("T receives changes", reaches(devices.event(Event::Configure, "open"), "X")),
        ("T goes", reaches(devices.event(Event::Unregister, "T"), "X")),
        ("T receives goings", reaches(devices.event(Event::Unregister, "open"), "X")),
    ];
    all.into_iter().filter_map(|(delivery, happens)| happens.then_some(delivery)).collect()
}

#[test]
fn each_list_grants_its_delivery_and_no_other() {
    let table: [(&str, &[&str]); 13] = [
        ("discover.view", &[]),
        ("discover.as", &[]),
        ("configure.update", &[]),
        ("configure.as", &[]),
        ("configure.sent", &["T changes", "T goes"]),
        ("configure.received", &["T receives changes", "T receives goings"]),
        ("message.from", &["to T"]),
        ("message.as", &["as T"]),
        ("message.sent", &["T sends"]),
        ("message.received", &["T receives"]),
        ("broadcast.as", &["broadcast as T"]),
        ("broadcast.sent", &["T broadcasts"]),
        ("broadcast.received", &["T receives broadcasts"]),
    ];
    let given = [("message.from", "F"), ("broadcast.sent", "open")];
    for (list, expected) in table {
        let mut lists = given.to_vec();
        lists.push((list, "X"));
        assert_eq!(deliveries(&lists), expected, "{list}");
    }
    assert_eq!(deliveries(&given), [""; 0]);
}

#[test]
fn a_device_that_is_not_subscribed_to_itself_receives_nothing() {
    let devices = Devices::default()
        .device("F", &[])
        .device("D", &[("message.from", "*"), (RECEIVED, "B")])
        .device("B", &[])
        .subscribed("B", "D", RECEIVED);
    assert_eq!(told(&devices.send("F", "F", json!(["D"]))), [""; 0]);
}

#[test]
fn a_follower_of_what_a_device_sends_has_two_hops_for_one_way() {
    let devices = Devices::default()
        .device("A", &[("message.sent", "B")])
        .device("B", &[])
        .subscribed("B", "A", "message.sent")
        .subscribed("B", "B", RECEIVED);
    let expected = json!([[hop("A", "B", "message.sent"), hop("A", "B", RECEIVED), hop("B", "B", RECEIVED)]]);
    assert_eq!(routes(&devices, "A", "nobody"), expected);
    assert_eq!(told(&without(&devices, "A", "sent").send("A", "A", json!(["nobody"]))), [""; 0]);
}

#[test]
fn a_follower_of_what_a_device_receives_sees_both_hops() {
    let devices = Devices::default()
        .device("A", &[])
        .device("C", &[("message.from", "A"), (RECEIVED, "B")])
        .device("B", &[])
        .subscribed("B", "C", RECEIVED)
        .subscribed("B", "B", RECEIVED);
    let expected = json!([[hop("A", "C", RECEIVED), hop("C", "B", RECEIVED), hop("B", "B", RECEIVED)]]);
    assert_eq!(routes(&devices, "A", "C"), expected);
}

fn follower(kind: &str, list: &str) -> Devices {
    Devices::default()
        .device("A", &[(list, "B")])
        .device("B", &[])
        .subscribed("B", "A", &format!("{kind}.sent"))
        .subscribed("B", "B", &format!("{kind}.received"))
}

#[test]
fn broadcasts_and_events_reach_followers() {
    let way = ["B: sent A>B A>B B>B"];
    let broadcast = follower("broadcast", "broadcast.sent").send("A", "A", json!("*"));
    assert_eq!(told(&broadcast), way);
    assert_eq!(broadcast.arrivals[0].kind, SubscriptionType::BroadcastReceived);
    assert_eq!(told(&follower("configure", "configure.sent").event(Event::Configure, "A")), way);
    let unregister = follower("unregister", "configure.sent").event(Event::Unregister, "A");
    assert_eq!(told(&unregister), way);
    let route = serde_json::to_value(&unregister.arrivals[0].route).unwrap();
    assert_eq!(route[0], hop("A", "B", "unregister.sent"));
}

#[test]
fn each_event_needs_its_own_list_and_its_own_subscription() {
    let broadcast = |devices: Devices| told(&devices.send("A", "A", json!("*"))).len();
    assert_eq!(broadcast(follower("broadcast", "message.sent")), 0);
    assert_eq!(broadcast(follower("message", "broadcast.sent")), 0);
    let configure = |devices: Devices| told(&devices.event(Event::Configure, "A")).len();
    assert_eq!(configure(follower("configure", "broadcast.sent")), 0);
    assert_eq!(configure(follower("unregister", "configure.sent")), 0);
    let unregister = |devices: Devices| told(&devices.event(Event::Unregister, "A")).len();
    assert_eq!(unregister(follower("configure", "configure.sent")), 0);
}

#[test]
fn two_devices_that_follow_each_other_end_after_one_round() {
    let kind = "broadcast.received";
    let devices = Devices::default()
        .device("A", &[("broadcast.sent", "B"), (kind, "B")])
        .device("B", &[(kind, "A")])
        .subscribed("B", "A", "broadcast.sent")
        .subscribed("A", "B", kind)
        .subscribed("B", "A", kind)
        .subscribed("A", "A", kind);
    assert_eq!(told(&devices.send("A", "A", json!("*"))), ["A: sent A>B A>B B>A A>A"]);
}

#[test]
fn borrowed_permissions_can_not_be_used_on_their_lender() {
    let devices = Devices::default()
        .device("X", &[("message.as", "A"), ("message.from", "*")])
        .device("A", &[])
        .subscribed("X", "X", RECEIVED);
    assert_eq!(told(&devices.send("A", "X", json!(["X"]))), [""; 0]);
    assert_eq!(told(&devices.send("X", "X", json!(["X"]))), ["X: X>X"]);
    assert_eq!(told(&devices.send("A", "A", json!(["X"]))), ["X: A>X X>X"]);
}

#[test]
fn a_broadcast_as_another_device_needs_its_permission() {
    let devices = |list| {
        Devices::default()
            .device("X", &[(list, "A"), ("broadcast.sent", "B")])
            .device("A", &[])
            .device("B", &[])
            .subscribed("B", "X", "broadcast.sent")
            .subscribed("B", "B", "broadcast.received")
    };
    assert_eq!(told(&devices("broadcast.as").send("A", "X", json!("*"))), ["B: sent X>B X>B B>B"]);
    assert_eq!(told(&devices("message.as").send("A", "X", json!("*"))), [""; 0]);
    assert_eq!(told(&devices("broadcast.as").send("A", "nobody", json!("*"))), [""; 0]);
}

#[test]
fn a_recipient_named_twice_receives_twice() {
    let devices = Devices::default().device("D", &[("message.from", "*")]).subscribed("D", "D", RECEIVED);
    assert_eq!(told(&devices.send("F", "F", json!(["D", "nobody", "D"]))), ["D: F>D D>D"; 2]);
}

#[test]
fn the_webhooks_of_the_sender_fire_for_whoever_shows_the_credentials() {
    let hook = json!({"type": "webhook", "url": "http://127.0.0.1/"});
    let devices = Devices::default()
        .device("X", &[("message.as", "A")])
        .forwarder("X", "message.sent", hook.clone())
        .device("A", &[])
        .forwarder("A", "message.sent", hook);
    let arrivals = devices.send("A", "X", json!(["nobody"]));
    assert_eq!(told(&arrivals), ["A message.sent"]);
    assert_eq!(told(&devices.send("X", "X", json!(["nobody"]))), ["X message.sent"]);
    assert_eq!(told(&without(&devices, "X", "as").send("A", "X", json!(["nobody"]))), [""; 0]);
}

#[test]
fn devices_that_send_on_to_each_other_end_after_one_more_round() {
    let kind = "broadcast.received";
    let on = json!({"type": "meshblu"});
    let devices = Devices::default()
        .device("D", &[("broadcast.sent", "E")])
        .device("E", &[("broadcast.sent", "D")])
        .forwarder("D", kind, on.clone())
        .forwarder("E", kind, on)
        .subscribed("D", "D", kind)
        .subscribed("E", "E", kind)
        .subscribed("E", "D", "broadcast.sent")
        .subscribed("D", "E", "broadcast.sent");
    let arrivals = devices.send("D", "D", json!("*"));
    let (there, back) = ("sent D>E D>E E>E", "sent E>D E>D D>D");
    let expected = [format!("E: {there}"), format!("D: {back}"), format!("E: {there}")];
    assert_eq!(told(&arrivals), expected);
    let before: Vec<Vec<_>> =
        arrivals.arrivals.iter().map(|arrival| arrival.forwarded.iter().map(hops).collect()).collect();
    assert_eq!(before, [vec![], vec![there.to_owned()], vec![there.to_owned(), back.to_owned()]]);
    assert_eq!(arrivals.cut, None);
}

#[test]
fn messages_are_not_sent_on() {
    let devices = Devices::default()
        .device("D", &[("message.from", "*"), ("message.sent", "E")])
        .forwarder("D", RECEIVED, json!({"type": "meshblu"}))
        .device("E", &[])
        .subscribed("D", "D", RECEIVED)
        .subscribed("E", "D", "message.sent")
        .subscribed("E", "E", RECEIVED);
    assert_eq!(told(&devices.send("F", "F", json!(["D"]))), ["D: F>D D>D"]);
}

/// `count` devices, each subscribed to itself and to all others: the number of routes is exponential.
fn dense(count: usize) -> Devices {
    let uuids: Vec<_> = (0..count).map(|number| format!("d{number}")).collect();
    let mut devices = Devices::default();
    for uuid in &uuids {
        devices = devices.device(uuid, &[("message.from", "*"), (RECEIVED, "*")]);
        for emitter in &uuids {
            devices = devices.subscribed(uuid, emitter, RECEIVED);
        }
    }
    devices
}

#[test]
fn a_dense_cyclic_network_ends_at_the_limit_of_steps() {
    let devices = dense(12).limited(64, 10_000);
    let arrivals = devices.send("F", "F", json!(["d0"]));
    assert_eq!(arrivals.cut, Some(Cut::Steps));
    assert!(arrivals.arrivals.len() <= 10_000);
    assert_eq!(told(&arrivals)[0], "d0: F>d0 d0>d0");
    assert!(devices.look_ups.get() <= 26, "each device and its subscribers are looked up once");
}

#[test]
fn a_dense_network_behind_one_recipient_leaves_the_others_their_messages() {
    let devices =
        dense(12).device("D", &[("message.from", "*")]).subscribed("D", "D", RECEIVED).limited(64, 1_000);
    let arrivals = devices.send("F", "F", json!(["d0", "d1", "D"]));
    assert_eq!(arrivals.cut, Some(Cut::Steps));
    assert!(told(&arrivals).contains(&"D: F>D D>D".to_owned()));
}

#[test]
fn more_recipients_than_steps_are_cut_and_the_first_are_served() {
    let devices = Devices::default()
        .device("D", &[("message.from", "*")])
        .subscribed("D", "D", RECEIVED)
        .limited(64, 100);
    let arrivals = devices.send("F", "F", json!(vec!["D"; 1_000]));
    assert_eq!(arrivals.cut, Some(Cut::Steps));
    assert!(arrivals.arrivals.len() >= 25);
}

#[test]
fn a_long_chain_ends_at_the_limit_of_hops() {
    let mut devices = Devices::default().device("d0", &[("message.from", "*"), (RECEIVED, "*")]);
    for number in 1..20 {
        devices = devices.device(&format!("d{number}"), &[(RECEIVED, "*")]);
        devices = devices.subscribed(&format!("d{number}"), &format!("d{}", number - 1), RECEIVED);
    }
    devices = devices.subscribed("d19", "d19", RECEIVED);
    assert_eq!(devices.send("F", "F", json!(["d0"])).arrivals.len(), 1);
    let arrivals = devices.limited(10, 10_000).send("F", "F", json!(["d0"]));
    assert_eq!((arrivals.arrivals.len(), arrivals.cut), (0, Some(Cut::Hops)));
}

#[test]
fn recipients_are_a_list_or_one_text() {
    let device = |uuid: &str| Recipient::Device(uuid.into());
    assert_eq!(recipients(&json!({"devices": "D"})), Ok(vec![device("D")]));
    assert_eq!(
        recipients(&json!({"devices": ["D", "*", "D"]})),
        Ok(vec![device("D"), Recipient::Subscribers, device("D")])
    );
    for body in [
        json!({}),
        json!({"devices": []}),
        json!({"devices": ""}),
        json!({"devices": null}),
        json!({"devices": [5]}),
        json!({"devices": {"D": true}}),
        json!([{"devices": ["D"]}]),
        json!("D"),
        Value::Null,
    ] {
        assert_eq!(recipients(&body), Err(InvalidMessage), "{body}");
    }
}

#[test]
fn every_subscription_type_has_one_name() {
    for kind in SubscriptionType::ALL {
        assert_eq!(SubscriptionType::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(SubscriptionType::parse("message"), None);
    assert_eq!(SubscriptionType::parse("constructor"), None);
}

/// The runs of `spec/meshblu.md` 4.2, word for word, for one direct message among devices that allow everything.
fn by_the_book(devices: &Devices, route: &[(String, String)], from: &str, to: &str) -> Vec<String> {
    let hop = (from.to_owned(), to.to_owned());
    if route.contains(&hop) {
        return Vec::new();
    }
    let longer = [route, &[hop]].concat();
    let mut found = Vec::new();
    let subscribers = devices.subscriptions.iter().filter(|(_, emitter, _)| emitter == to);
    for (subscriber, ..) in subscribers.filter(|(subscriber, ..)| from != to || subscriber == to) {
        if from == to {
            let hops: Vec<_> = longer.iter().map(|(from, to)| format!("{from}>{to}")).collect();
            found.push(format!("{subscriber}: {}", hops.join(" ")));
        }
        found.extend(by_the_book(devices, &longer, to, subscriber));
    }
    found
}

proptest! {
    #[test]
    fn messages_take_the_routes_of_the_specification(pairs in prop::collection::btree_set((0..4usize, 0..4usize), 0..8)) {
        let uuid = |number: usize| format!("d{number}");
        let mut devices = Devices::default().limited(64, 1_000_000);
        for number in 0..4 {
            devices = devices.device(&uuid(number), &[("message.from", "*"), (RECEIVED, "*")]);
        }
        for (subscriber, emitter) in pairs {
            devices = devices.subscribed(&uuid(subscriber), &uuid(emitter), RECEIVED);
        }
        let arrivals = devices.send("F", "F", json!(["d0"]));
        let mut expected = by_the_book(&devices, &[], "F", "d0");
        let mut found = told(&arrivals);
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(arrivals.cut, None);
    }
}
