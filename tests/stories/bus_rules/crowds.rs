//! Strangers' subscriptions, however many, leave the others what they came for.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::{Arc, Weak};

use endo::bus::embedded::recipient::recipients;
use endo::bus::embedded::routing::{self, Cut, Event, Limits, Network, Sender};
use endo::message::DeviceUuid;
use serde_json::{Value, json};

use super::network::{Devices, told};

const SENT: &str = "broadcast.sent";
const RECEIVED: &str = "broadcast.received";
const MORE_THAN_STEPS: usize = 10_200;

/// Whatever a device sends and receives, anybody may follow.
const OPEN: [(&str, &str); 3] = [(SENT, "*"), (RECEIVED, "*"), ("message.received", "*")];

fn follower(devices: Devices, uuid: &str, of: &str) -> Devices {
    devices.device(uuid, &OPEN).subscribed(uuid, of, SENT).subscribed(uuid, uuid, RECEIVED)
}

fn strangers(devices: Devices, of: &str, kind: &str) -> Devices {
    (0..MORE_THAN_STEPS).fold(devices, |devices, number| devices.subscribed(&format!("s{number}"), of, kind))
}

#[test]
fn a_subscriber_is_served_however_many_subscribe_after_it() {
    let devices = follower(Devices::default().device("A", &OPEN), "B", "A");
    let arrivals = strangers(devices, "A", SENT).send("A", "A", json!("*"));
    assert_eq!(told(&arrivals), ["B: sent A>B A>B B>B"]);
    assert_eq!(arrivals.cut, Some(Cut::Steps));
    assert!(arrivals.cut_before.unwrap().as_str().starts_with('s'));
}

#[test]
fn a_change_is_told_to_whoever_listened_before_the_crowd_came() {
    let devices = Devices::default()
        .device("A", &[("configure.sent", "*")])
        .device("B", &[])
        .subscribed("B", "A", "configure.sent")
        .subscribed("B", "B", "configure.received");
    let arrivals = strangers(devices, "A", "configure.sent").event(Event::Configure, "A");
    assert_eq!(told(&arrivals), ["B: sent A>B A>B B>B"]);
}

#[test]
fn who_follows_a_follower_is_served_however_many_follow_it_later() {
    let devices = follower(Devices::default().device("A", &OPEN), "B", "A")
        .device("C", &[])
        .subscribed("C", "B", RECEIVED)
        .subscribed("C", "C", RECEIVED);
    let arrivals = strangers(devices, "B", RECEIVED).send("A", "A", json!("*"));
    assert_eq!(told(&arrivals), ["B: sent A>B A>B B>B", "C: sent A>B A>B B>C C>C"]);
}

#[test]
fn a_device_hears_itself_though_a_crowd_followed_it_before() {
    let devices = Devices::default().device("D", &[("message.from", "*"), ("message.received", "*")]);
    let devices = strangers(devices, "D", "message.received").subscribed("D", "D", "message.received");
    assert_eq!(told(&devices.send("F", "F", json!(["D"]))), ["D: F>D D>D"]);
}

#[test]
fn a_follower_is_served_beside_older_ones_that_lead_round_in_circles() {
    let uuids: Vec<_> = (0..12).map(|number| format!("d{number}")).collect();
    let devices = uuids.iter().fold(Devices::default().device("A", &OPEN), |devices, uuid| {
        let devices = devices.device(uuid, &OPEN).subscribed(uuid, "A", SENT);
        uuids.iter().fold(devices, |devices, other| devices.subscribed(uuid, other, RECEIVED))
    });
    let arrivals = follower(devices, "B", "A").send("A", "A", json!("*"));
    assert_eq!(arrivals.cut, Some(Cut::Steps));
    assert!(arrivals.arrivals.len() <= Limits::default().steps);
    assert_eq!(told(&arrivals).last().map(String::as_str), Some("B: sent A>B A>B B>B"));
}

#[test]
fn no_more_recipients_are_looked_up_than_a_message_may_take_steps() {
    let devices = follower(Devices::default().device("A", &[]), "B", "A");
    let mut recipients: Vec<_> = (0..MORE_THAN_STEPS).map(|number| format!("r{number}")).collect();
    recipients.push("B".to_owned());
    let arrivals = devices.send("A", "A", json!(recipients));
    assert!(devices.look_ups.get() < MORE_THAN_STEPS, "{:?}", devices.look_ups);
    assert_eq!((arrivals.cut, arrivals.cut_before), (Some(Cut::Steps), Some("r10000".into())));
}

#[test]
fn a_route_of_16_kilobytes_arrives_whole() {
    let name = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let kind = "message.received";
    let (mut devices, mut number) = (Devices::default(), 0);
    let route = |devices: &Devices| {
        let arrivals = devices.send(&name(0), &name(0), json!([name(1)]));
        arrivals.arrivals.first().map(|arrival| serde_json::to_string(&arrival.route).unwrap().len())
    };
    for last in 1..=138 {
        devices = devices.device(&name(last), &[("message.from", "*"), (kind, "*")]);
        if last > 1 {
            devices = devices.subscribed(&name(last), &name(last - 1), kind);
        }
        number = last;
    }
    devices = devices.subscribed(&name(number), &name(number), kind);
    assert!(route(&devices).unwrap() > 16_000, "{:?}", route(&devices));
    assert_eq!(
        devices.limited(64, 10_000).send(&name(0), &name(0), Value::from(name(1))).cut,
        Some(Cut::Hops)
    );
}

/// Each of them may be as large as one document may be.
#[test]
fn a_walk_holds_one_document_at_a_time() {
    let open = json!({"message": {"from": [{"uuid": "*"}], "received": [{"uuid": "*"}]}});
    let document = json!({"meshblu": {"version": "2.0.0", "whitelists": open}});
    let read: RefCell<Vec<Weak<Value>>> = RefCell::default();
    let device = |_: &DeviceUuid| {
        let document = Arc::new(document.clone());
        let alive = read.borrow().iter().filter(|before| before.strong_count() > 0).count();
        assert_eq!(alive, 0, "of {}", read.borrow().len());
        read.borrow_mut().push(Arc::downgrade(&document));
        Ok::<_, Infallible>(Some(document))
    };
    let subscribers = |emitter: &DeviceUuid, _| Ok(vec![emitter.clone(), DeviceUuid::from("follower")]);
    let network = Network { device: &device, subscribers: &subscribers, limits: Limits::default() };
    let sender = DeviceUuid::from("sender");
    let to: Vec<_> = (0..60).map(|number| format!("d{number}")).collect();
    let to = recipients(&json!({ "devices": to })).unwrap();
    let arrivals = routing::message(&network, Sender { auth: &sender, acting: &sender }, &to).unwrap();
    assert!(arrivals.arrivals.len() >= 60);
    assert!(read.borrow().len() < 200, "each is read a few times at most: {}", read.borrow().len());
    assert!(read.borrow().iter().all(|document| document.strong_count() == 0));
}
