//! Reading along at what a device receives, sends and broadcasts.

use serde_json::{Value, json};

use crate::support::bus::{Device, TestBus, WithJson, send};

/// The lines that one reader gets.
struct Lines(reqwest::Response);

impl Lines {
    async fn of(bus: &TestBus, reader: &Device, path: &str) -> Self {
        let stream = bus.by(reader, &format!("GET {path}")).send().await.unwrap();
        assert_eq!(stream.status(), 200, "{path}");
        assert_eq!(stream.headers()["content-type"], "application/x-ndjson");
        Self(stream)
    }

    async fn next(&mut self) -> Value {
        let mut text = Vec::new();
        while !text.ends_with(b"\n") {
            text.extend_from_slice(&self.0.chunk().await.unwrap().unwrap());
        }
        serde_json::from_slice(&text).unwrap()
    }

    /// What the lines say up to `last`: each its `n`, and who it is from.
    async fn up_to(&mut self, last: &str) -> Vec<(String, String)> {
        let mut said = Vec::new();
        while said.last().is_none_or(|(name, _)| name != last) {
            let line = self.next().await;
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            said.push((text("n"), text("fromUuid")));
        }
        said
    }
}

/// Whom others may follow in everything.
async fn open_device(bus: &TestBus) -> Device {
    let anybody = json!([{"uuid": "*"}]);
    let lists = json!({
        "message": {"from": anybody, "as": anybody, "sent": anybody, "received": anybody},
        "broadcast": {"sent": anybody},
    });
    let device = bus.device(lists).await;
    bus.subscribe(&device, &device, "message.received").await;
    device
}

async fn say(bus: &TestBus, sender: &Device, to: &str, name: &str) {
    let call = bus.by(sender, "POST /messages");
    send(call.json(&json!({"devices": [to], "n": name}))).await.is(204, "");
}

/// One message of each kind at `device`, and what it is called.
async fn one_of_each(bus: &TestBus, device: &Device, other: &Device) {
    say(bus, other, &device.uuid, "received").await;
    say(bus, device, &other.uuid, "sent").await;
    say(bus, device, "*", "broadcast").await;
    say(bus, other, &device.uuid, "last received").await;
    say(bus, device, &other.uuid, "last").await;
    say(bus, device, "*", "last").await;
    say(bus, other, &device.uuid, "last").await;
}

fn kinds(said: &[(String, String)]) -> Vec<&str> {
    said.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with("last")).collect()
}

#[tokio::test]
async fn a_reader_hears_the_kinds_that_the_address_names() {
    let bus = TestBus::open().await;
    let (device, other) = (open_device(&bus).await, open_device(&bus).await);
    let uuid = &device.uuid;
    let all = ["received", "sent", "broadcast"].as_slice();
    let paths = [
        ("/subscribe".to_owned(), all),
        (format!("/subscribe/{uuid}"), all),
        (format!("/subscribe/{uuid}/received"), &all[..1]),
        (format!("/subscribe/{uuid}/sent"), &all[1..2]),
        (format!("/subscribe/{uuid}/broadcast"), &all[2..]),
        (format!("/subscribe/{uuid}/sent?types=received"), &all[1..2]),
        ("/subscribe?types=sent".to_owned(), &all[1..2]),
        ("/subscribe?types=sent&types=nonsense&types=broadcast".to_owned(), &all[1..]),
        (format!("/subscribe/{uuid}?types[]=received&types[]=broadcast"), &[all[0], all[2]]),
    ];
    let mut streams = Vec::new();
    for (path, _) in &paths {
        streams.push(Lines::of(&bus, &device, path).await);
    }
    one_of_each(&bus, &device, &other).await;
    for ((path, expected), mut stream) in paths.into_iter().zip(streams) {
        let said = stream.up_to("last").await;
        assert_eq!(kinds(&said), expected, "{path}");
        let from = |name: &str| if name.contains("received") { &other.uuid } else { &device.uuid };
        assert!(said.iter().all(|(name, sender)| name == "last" || sender == from(name)), "{said:?}");
    }
}

#[tokio::test]
async fn what_goes_out_as_a_device_is_heard_where_it_is_sent_and_once_for_each_recipient() {
    let bus = TestBus::open().await;
    let (device, other) = (open_device(&bus).await, open_device(&bus).await);
    let mut of_device = Lines::of(&bus, &other, &format!("/subscribe/{}/sent", device.uuid)).await;
    let mut of_other = Lines::of(&bus, &other, "/subscribe?types=sent").await;
    let acting = bus.by(&other, "POST /messages").header("x-meshblu-as", &device.uuid);
    let body = json!({"devices": [other.uuid, "nobody"], "n": "as"});
    send(acting.json(&body)).await.is(204, "");
    say(&bus, &device, &other.uuid, "last").await;
    say(&bus, &other, "nobody", "last").await;
    let said = of_device.up_to("last").await;
    assert_eq!(said.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["as", "as", "last"]);
    assert!(said.iter().all(|(_, sender)| *sender == device.uuid));
    assert_eq!(of_other.up_to("last").await, [("last".to_owned(), other.uuid)]);
}

#[tokio::test]
async fn a_reader_hears_only_what_the_lists_of_the_device_let_it() {
    let bus = TestBus::open().await;
    let (reader, other) = (bus.device(json!({})).await, open_device(&bus).await);
    let anybody = json!([{"uuid": "*"}]);
    let lists = json!({"message": {"from": anybody, "sent": [{"uuid": reader.uuid}]}});
    let device = bus.device(lists).await;
    bus.subscribe(&device, &device, "message.received").await;
    let path = format!("/subscribe/{}", device.uuid);
    let mut stream = Lines::of(&bus, &reader, &path).await;
    one_of_each(&bus, &device, &other).await;
    assert_eq!(kinds(&stream.up_to("last").await), ["sent"]);
    for refused in ["/received", "/broadcast", "?types=received&types=broadcast"] {
        for method in ["GET", "HEAD"] {
            let answer = send(bus.by(&reader, &format!("{method} {path}{refused}"))).await;
            assert_eq!(answer.status, 403, "{refused}");
        }
    }
    send(bus.by(&reader, &format!("HEAD {path}/sent"))).await.is(200, "");
    send(bus.by(&reader, "HEAD /subscribe")).await.is(200, "");
    let borrowed = bus.by(&reader, &format!("GET {path}/received")).header("x-meshblu-as", &device.uuid);
    send(borrowed).await.is(403, "null");
    send(bus.anonymous("GET /subscribe")).await.is(403, "null");
    let wrong = Device { token: "wrong".into(), ..reader.clone() };
    send(bus.by(&wrong, "GET /subscribe?types=nonsense")).await.is(403, "null");
    send(bus.by(&reader, "GET /subscribe?types=nonsense")).await.is(422, "null");
    send(bus.by(&reader, "GET /subscribe/nobody")).await.is(403, "null");
    let unknown = bus.by(&reader, &format!("GET {path}/everything"));
    assert_eq!(send(unknown).await.status, 404);
}

#[tokio::test]
async fn a_reader_hears_the_topics_it_names_and_not_those_it_leaves_out() {
    let bus = TestBus::open().await;
    let device = open_device(&bus).await;
    let topics = ["device-status", "a-device", "status", "a-status-b", "(", "x".repeat(2000).as_str(), "7"]
        .map(str::to_owned);
    for (query, heard) in [
        ("topics=device-status", vec![0]),
        ("topics=*device*", vec![0, 1]),
        ("topics=-*status*", vec![1, 4, 5, 6, 7]),
        ("topics=*a*&topics=-*-status*", vec![1, 2]),
        ("topics=status&topics=(&topics=st*us", vec![2, 4]),
        ("topics=*-*-*", vec![3]),
        ("topics=7", vec![6]),
        ("topics=x*", vec![]),
        ("topics=*", (0..8).collect()),
        ("topics=", vec![5, 7]),
    ] {
        // Where topics are named, the last message needs a name too.
        let last = if query.contains("=-") && !query.contains('&') { "" } else { "&topics=last" };
        let path = format!("/subscribe/{}/received?{query}{last}", device.uuid);
        let mut stream = Lines::of(&bus, &device, &path).await;
        let mut all: Vec<_> = topics.iter().map(|topic| json!(topic)).collect();
        all[6] = json!(7);
        all.extend([Value::Null, json!("last")]);
        for (n, topic) in all.iter().enumerate() {
            let body = json!({"devices": [device.uuid], "topic": topic, "n": n});
            send(bus.by(&device, "POST /messages").json(&body)).await.is(204, "");
        }
        let mut said = Vec::new();
        while said.last() != Some(&8) {
            said.push(stream.next().await["n"].as_u64().unwrap());
        }
        assert_eq!(said, [heard, vec![8]].concat(), "{query}");
    }
}
