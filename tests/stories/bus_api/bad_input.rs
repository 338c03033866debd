//! Whatever strangers send: a clear refusal, nothing lost, and the bus goes on.

use endo::bus::embedded::api::ApiLimits;
use endo::store::{StoreError, Work};
use reqwest::{Body, RequestBuilder};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::bus::{Answer, Device, TestBus, WithJson, send};

fn raw(request: RequestBuilder, body: impl Into<Body>) -> RequestBuilder {
    request.header("content-type", "application/json").body(body)
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.json()["type"], json!(format!("/problems/{kind}")));
}

async fn goes_on(bus: &TestBus, device: &Device) {
    assert_eq!(send(bus.by(device, "GET /v2/whoami")).await.json()["uuid"], json!(device.uuid));
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused_on_every_route() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let bodies: [Vec<u8>; 8] = [
        b"{".to_vec(),
        b"{\"a\":}".to_vec(),
        b"\"\xff\"".to_vec(),
        b"{\"a\":\"\xc3\x28\"}".to_vec(),
        b"{\"a\":\"\\ud800\"}".to_vec(),
        b"{\"a\":1} {".to_vec(),
        deep(200).into_bytes(),
        deep(1_000_000).into_bytes(),
    ];
    for call in [
        "POST /messages".to_owned(),
        "POST /devices".to_owned(),
        "POST /search/devices".to_owned(),
        format!("PUT /v2/devices/{}", device.uuid),
        format!("PATCH /v2/devices/{}", device.uuid),
        format!("POST /devices/{}/tokens", device.uuid),
    ] {
        for body in &bodies {
            let answer = send(raw(bus.by(&device, &call), body.clone())).await;
            is_problem(&answer, 400, "malformed-request");
        }
    }
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn what_is_nested_deep_is_refused_or_readable_again() {
    let bus = TestBus::open().await;
    for levels in [100, 119, 120, 121, 125, 126, 127, 128] {
        let body = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let answer = send(raw(bus.anonymous("POST /devices"), body)).await;
        if answer.status == 201 {
            let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
            goes_on(&bus, &Device { uuid: text("uuid"), token: text("token") }).await;
        } else {
            is_problem(&answer, 400, "malformed-request");
        }
    }
    let device = bus.device(json!({})).await;
    let path = vec!["a"; 130].join(".");
    let update = json!({"$set": {path: 1}});
    let answer = send(bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid)).json(&update)).await;
    answer.is(422, "null");
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn a_name_of_nearly_ten_megabytes_is_a_name_and_a_larger_one_is_too_large() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let name = "n".repeat(9_000_000);
    let call = format!("PATCH /v2/devices/{}", device.uuid);
    for name in [&name, "short again"] {
        send(bus.by(&device, &call).json(&json!({"name": name}))).await.is(204, "");
    }
    let key = json!({"$set": {name.clone(): 1}});
    send(bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid)).json(&key)).await.is(204, "");
    let push = json!({"$push": {name.clone(): 1}});
    let answer = send(bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid)).json(&push)).await;
    answer.is(500, "null");
    assert!(answer.header("x-meshblu-error").unwrap().len() < 8192);
    send(bus.by(&device, "POST /messages").json(&json!({"devices": name}))).await.is(204, "");
    let large = "n".repeat(10_000_001);
    let answer = send(raw(bus.by(&device, "POST /messages"), large.clone())).await;
    is_problem(&answer, 413, "body-too-large");
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(large)]);
    let answer = send(raw(bus.by(&device, "POST /messages"), Body::wrap_stream(chunks))).await;
    is_problem(&answer, 413, "body-too-large");
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn large_bodies_together_have_a_limit_too() {
    let limits = ApiLimits { all_bodies_bytes: 1 << 20, ..ApiLimits::default() };
    let bus = TestBus::with(limits, None).await;
    let device = bus.device(json!({})).await;
    let body = json!({"devices": ["x".repeat(2_000_000)]});
    let answer = send(bus.by(&device, "POST /messages").json(&body)).await;
    answer.is(503, r#"{"error":"Maximum Capacity Exceeded"}"#);
    for _ in 0..3 {
        let body = json!({"devices": ["x".repeat(900_000)]});
        send(bus.by(&device, "POST /messages").json(&body)).await.is(204, "");
    }
}

#[tokio::test]
async fn a_body_is_as_large_as_it_becomes_in_memory() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for piece in [r#"{"":1},"#, "[0],", r#"{"a":[]},"#, "[ {} ] ,", r#"[""],"#] {
        let body = format!("[{}0]", piece.repeat(250_000));
        for request in [bus.by(&device, "POST /messages"), bus.anonymous("POST /devices")] {
            is_problem(&send(raw(request, body.clone())).await, 413, "body-too-large");
        }
    }
    let text = |piece: &str| piece.repeat(6_000_000 / piece.len());
    let numbers = format!("[{}0]", text("-0.12345678901234567,"));
    let texts = json!([text(r#"[{"\\":[1,2]},"#), "[[[[\"{{{{"]).to_string();
    let members = format!("{{{}\"\":0}}", text(&format!(r#""{}":"{}","#, "k".repeat(20), "v".repeat(30))));
    for body in [numbers, texts, members] {
        let message = format!(r#"{{"devices":["x"],"payload":{body}}}"#);
        send(raw(bus.by(&device, "POST /messages"), message)).await.is(204, "");
    }
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn small_values_in_large_bodies_count_together_too() {
    let limits = ApiLimits { all_bodies_bytes: 1 << 20, ..ApiLimits::default() };
    let bus = TestBus::with(limits, None).await;
    let device = bus.device(json!({})).await;
    let body = |arrays: usize| json!({"devices": ["x"], "payload": vec![[0]; arrays]});
    let answer = send(bus.by(&device, "POST /messages").json(&body(5_000))).await;
    answer.is(503, r#"{"error":"Maximum Capacity Exceeded"}"#);
    for _ in 0..3 {
        send(bus.by(&device, "POST /messages").json(&body(2_000))).await.is(204, "");
    }
}

#[tokio::test]
async fn the_last_of_equal_keys_counts() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let body = r#"{"a":1,"b":2,"a":{"x":1,"x":2}}"#;
    send(raw(bus.by(&device, &format!("PATCH /v2/devices/{}", device.uuid)), body)).await.is(204, "");
    let document = send(bus.by(&device, "GET /v2/whoami")).await.json();
    assert_eq!((&document["a"], &document["b"]), (&json!({"x": 2}), &json!(2)));
}

#[tokio::test]
async fn names_that_mean_something_elsewhere_are_names() {
    let bus = TestBus::open().await;
    let names =
        json!({"constructor": {"name": 1}, "toString": "x", "__proto__": {"a": 1}, "hasOwnProperty": 0});
    let mut document = names.clone();
    document["meshblu"] = json!({"version": "2.0.0"});
    let device = bus.register(document).await;
    let read = send(bus.by(&device, "GET /v2/whoami")).await.json();
    for (name, value) in names.as_object().unwrap() {
        assert_eq!(&read[name], value);
        let query = json!({"uuid": device.uuid, name.clone(): {"$exists": true}});
        let found = send(bus.by(&device, "POST /search/devices").json(&query)).await;
        assert_eq!(found.json().as_array().unwrap().len(), 1);
    }
    let other = bus.device(json!({})).await;
    for name in ["constructor", "__proto__", "toString"] {
        let query = json!({"uuid": other.uuid, name: {"$exists": true}});
        send(bus.by(&other, "POST /search/devices").json(&query)).await.is(200, "[]");
        let call = format!("POST /v2/devices/{}/subscriptions/{name}/{name}", other.uuid);
        send(bus.by(&other, &call)).await.is(422, "null");
        send(bus.by(&other, &format!("GET /v3/devices/{name}"))).await.is(403, "null");
        send(bus.by(&other, "POST /messages").json(&json!({"devices": [name]}))).await.is(204, "");
    }
}

#[tokio::test]
async fn dollars_in_odd_places_are_refused_or_kept_but_never_obeyed() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"$set": {"a": 1}, "meshblu": {"version": "2.0.0"}})).await;
    let call = format!("PUT /v2/devices/{}", device.uuid);
    let refs = json!({"$set": {"z": {"$ref": "x", "$in": [1]}}});
    send(bus.by(&device, &call).json(&refs)).await.is(204, "");
    let document = send(bus.by(&device, "GET /v2/whoami")).await.json();
    assert_eq!(document["z"], json!({"$ref": "x", "$in": [1]}));
    for odd in [json!({"$set": {"$where": 1}}), json!({"$set": {"a.$[].b": 1}}), json!({"$inc": 5})] {
        let answer = send(bus.by(&device, &call).json(&odd)).await;
        answer.is(422, "null");
    }
    send(bus.by(&device, &format!("PATCH /v2/devices/{}", device.uuid)).json(&json!({"$unset": {"z": 1}})))
        .await
        .is(422, "null");
    for odd in [json!({"uuid": {"$gt": ""}}), json!({"$nor": []}), json!({"a": {"$set": 1}})] {
        let status = send(bus.by(&device, "POST /search/devices").json(&odd)).await.status.as_u16();
        assert!([200, 422, 500].contains(&status), "{odd}");
    }
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn a_full_database_refuses_writes_and_still_reads() {
    let bus = TestBus::with(ApiLimits::default(), Some(120)).await;
    let device = bus.listener().await;
    let hook = json!({"type": "webhook", "url": "https://x.test/", "method": "POST"});
    let call = format!("PUT /v2/devices/{}", device.uuid);
    let wire = json!({"$set": {"meshblu.forwarders.message.received": [hook]}});
    send(bus.by(&device, &call).json(&wire)).await.is(204, "");
    let body = json!({"devices": [device.uuid], "data": "x".repeat(20_000)});
    let mut accepted = 0;
    let refused = loop {
        let answer = send(bus.by(&device, "POST /messages").json(&body)).await;
        if answer.status != 204 {
            break answer;
        }
        accepted += 1;
    };
    refused.is(503, r#"{"error":"Maximum Capacity Exceeded"}"#);
    let large = json!({"x": "x".repeat(100_000)});
    send(bus.anonymous("POST /devices").json(&large))
        .await
        .is(503, r#"{"error":"Maximum Capacity Exceeded"}"#);
    goes_on(&bus, &device).await;
    let query = json!({"uuid": device.uuid});
    let found = send(bus.by(&device, "POST /search/devices").json(&query)).await;
    assert_eq!(found.json().as_array().unwrap().len(), 1);
    let store = bus.bus.store();
    let waiting = store.read::<_, StoreError, _>(|view| view.waiting(Work::Webhook)).await.unwrap();
    assert!(accepted > 0 && waiting == accepted);
    let unknown = json!({"devices": ["nobody"]});
    send(bus.by(&device, "POST /messages").json(&unknown)).await.is(204, "");
}

#[tokio::test]
async fn long_headers_are_read() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let request = bus.by(&device, "GET /v2/whoami").header("x-meshblu-route", "r".repeat(20 << 10));
    assert_eq!(send(request).await.status, 200);
}

#[tokio::test]
async fn what_is_no_http_ends_its_connection_alone() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    for nonsense in [&b"\x00\x01\x02\r\n\r\n"[..], b"GET / HTTP/9.9\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n"] {
        let mut socket = TcpStream::connect(bus.address).await.unwrap();
        socket.write_all(nonsense).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    }
    for path in ["/v2/devices/%ff%fe", "/v2/devices/%", "/v2/devices/%00", "/v2/devices/a%2fb"] {
        let mut socket = TcpStream::connect(bus.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let mut limits = ApiLimits::default();
    limits.terms.request_within = std::time::Duration::from_millis(50);
    let bus = TestBus::with(limits, None).await;
    let mut socket = TcpStream::connect(bus.address).await.unwrap();
    let head =
        b"POST /devices HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    socket.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    let mut byte = [0; 1024];
    while !answer.windows(15).any(|window| window == b"request-timeout") {
        let read = socket.read(&mut byte).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&byte[..read]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 408"));
}

/// What the bus answers to these bytes; then it hangs up.
async fn raw_answer(bus: &TestBus, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(bus.address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn headers_that_are_too_long_or_too_many_have_their_own_status() {
    let bus = TestBus::open().await;
    let device = bus.device(json!({})).await;
    let mut long = b"GET /v2/whoami HTTP/1.1\r\nhost: x\r\nx-long: ".to_vec();
    long.resize(128 << 10, b'x');
    let many = "x-many: 1\r\n".repeat(100);
    let many = format!("GET /v2/whoami HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    let field = "x".repeat(140_000);
    let whole = format!("GET /v2/whoami HTTP/1.1\r\nhost: x\r\nx-long: {field}\r\nconnection: close\r\n\r\n");
    for request in [&long[..], many.as_bytes(), whole.as_bytes()] {
        let answer = raw_answer(&bus, request).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let address = "x".repeat(66_000);
    let address = format!("GET /{address} HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = raw_answer(&bus, address.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    goes_on(&bus, &device).await;
}

#[tokio::test]
async fn queries_that_would_take_long_are_refused_or_answered_soon() {
    let bus = TestBus::open().await;
    let device = bus.register(json!({"text": "a".repeat(50_000), "meshblu": {"version": "2.0.0"}})).await;
    let nested = |levels| (0..levels).fold(json!({"a": 1}), |inner, _| json!({"$or": [inner]}));
    for (query, status) in [
        (json!({"text": {"$regex": "(a+)+$b"}}), 200),
        (json!({"text": {"$regex": "(a|a)*(a|a)*(a|a)*c"}}), 200),
        (json!({"text": {"$regex": "(?=a)"}}), 422),
        (json!({"text": {"$regex": "(a{1000}){1000}"}}), 422),
        (json!({"text": {"$regex": "a".repeat(100_000)}}), 422),
        (nested(10), 200),
        (nested(50), 422),
        (json!({"uuid": {"$in": vec!["x"; 100_000]}}), 422),
        (json!({"$and": vec![json!({"a": 1}); 100_000]}), 422),
        (json!({vec!["a"; 1000].join("."): 1}), 422),
    ] {
        let answer = send(bus.by(&device, "POST /search/devices").json(&query)).await;
        assert_eq!(answer.status, status, "{:.200}", query.to_string());
    }
    let brackets = format!("GET /v2/devices?a{}=1", "[a]".repeat(1000));
    send(bus.by(&device, &brackets)).await.is(200, "[]");
    let pairs = format!("GET /v2/devices?{}", "a[]=1&".repeat(5000));
    assert_eq!(send(bus.by(&device, &pairs)).await.status, 200);
    for odd in ["?[]=1", "?[$in]=1", "?a[$in]=1", "?a[=1", "?=", "?&&&", "?%ff=%fe", "?a[$regex]=("] {
        let status = send(bus.by(&device, &format!("GET /v2/devices{odd}"))).await.status.as_u16();
        assert!([200, 422, 500].contains(&status), "{odd}: {status}");
    }
    goes_on(&bus, &device).await;
}
