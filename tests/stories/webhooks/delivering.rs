//! What was accepted for a device's server reaches it, or is kept as a dead letter.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::Timestamp;
use endo::message::DeliveryId;
use endo::store::Ending;
use tokio::sync::Semaphore;

use super::*;
use crate::support::log;

#[tokio::test]
async fn a_webhook_gets_the_message_as_it_was_with_the_headers_of_the_protocol() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let mut entry = hook(&api);
    entry["headers"] = json!({"X-Own": "kept", "Accept": "text/html", "X-MESHBLU-UUID": "forged", "Content-Type": "text/plain"});
    let (sender, device) = (post.bus.device(json!({})).await, post.hooked(entry).await);
    let body = json!({"z": 1, "devices": [device.uuid], "a": {"y": 1.5, "b": "ü"}});
    post.send(&sender, &body).await;
    let call = calls.recv().await.unwrap();
    assert_eq!((call.method.as_str(), call.target.as_str()), ("POST", "/in"));
    assert_eq!(String::from_utf8(call.body.clone()).unwrap(), body.to_string());
    let route = json!([
        {"from": sender.uuid, "to": device.uuid, "type": "message.received"},
        {"from": device.uuid, "to": device.uuid, "type": "message.received"},
    ]);
    for (name, value) in [
        ("content-type", "application/json"),
        ("accept", "text/html"),
        ("x-meshblu-message-type", "message.received"),
        ("x-meshblu-uuid", &device.uuid),
        ("x-meshblu-route", &route.to_string()),
        ("x-own", "kept"),
        ("prefer", "respond-async, wait=10"),
    ] {
        assert_eq!(call.header(name), [value], "{name}");
    }
    assert_eq!(call.header("x-meshblu-delivery-id").len(), 1);
    assert!(call.header("authorization").is_empty());
    post.until_nothing_waits().await;
    assert!(post.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_header_and_a_token_that_are_not_ascii_arrive_in_latin_1() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let mut entry = hook(&api);
    entry["headers"] = json!({"X-Own": "für"});
    entry["auth"] = json!({"bearer": "schlüssel"});
    let device = post.hooked(entry).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let call = calls.recv().await.unwrap();
    assert_eq!(call.header("x-own"), ["für"]);
    assert_eq!(call.header("authorization"), ["Bearer schlüssel"]);
}

#[tokio::test]
async fn an_address_is_called_as_node_js_calls_it_whatever_it_holds() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200; 12]).await;
    // What `url.parse` of Node.js 22 makes of each.
    let addresses = [
        ("/a b", "/a%20b"),
        ("/blank ", "/blank"),
        ("/escaped%20b", "/escaped%20b"),
        ("/?x=a b", "/?x=a%20b"),
        (r#"/?x={"y":1}"#, "/?x=%7B%22y%22:1%7D"),
        ("/a`b", "/a%60b"),
        ("/a<b>", "/a%3Cb%3E"),
        (r"/a\b", "/a/b"),
        (r"/?q=a|b\c^", "/?q=a%7Cb%5Cc%5E"),
        ("/{{id}}'", "/%7B%7Bid%7D%7D%27"),
        ("/x[]#f r", "/x[]"),
        ("/a\tb", "/a%09b"),
    ];
    let entries: Vec<_> =
        addresses.iter().map(|(address, _)| json!({"type": "webhook", "url": api.url(address)})).collect();
    let device = post.hooked(hook(&api)).await;
    let update = json!({"$set": {"meshblu.forwarders.message.received": entries}});
    send(post.bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid)).json(&update)).await.is(204, "");
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let mut called = Vec::new();
    for _ in addresses {
        called.push(calls.recv().await.unwrap().target);
    }
    called.sort();
    let mut expected = addresses.map(|(_, target)| target);
    expected.sort();
    assert_eq!(called, expected);
}

#[tokio::test]
async fn a_malformed_entry_is_passed_over_with_a_line_in_the_log_that_names_it_and_nothing_of_it() {
    log::capture();
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let (mut list, mut name, mut value) = (hook(&api), hook(&api), hook(&api));
    list["headers"] = json!(["x-canary-of-a-header"]);
    name["headers"] = json!({"bad canary-of-a-header": "x"});
    value["headers"] = json!({"x": "Łódź canary-of-a-header"});
    let host = |host: &str| json!({"type": "webhook", "url": format!("http://{host}/canary-of-a-header")});
    let no_hosts = ["h{st", "a..b", "a*b", &"a".repeat(64)].map(host);
    let device = post.hooked(hook(&api)).await;
    let entries = [json!([list, hook(&api), {"type": "meshblu"}, name, value]), json!(no_hosts)];
    let entries: Vec<_> = entries.iter().flat_map(|entries| entries.as_array().unwrap()).collect();
    let update = json!({"$set": {"meshblu.forwarders.message.received": entries}});
    let call = post.bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid));
    send(call.json(&update)).await.is(204, "");
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    assert_eq!(calls.recv().await.unwrap().header("x-meshblu-uuid"), [&device.uuid]);
    post.until_nothing_waits().await;
    assert!(calls.try_recv().is_err());
    let lines = log::lines_with(&device.uuid);
    let told: Vec<_> = lines.iter().filter(|line| line.contains("are malformed")).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    assert!(told[0].contains("[0, 3, 4, 5, 6, 7, 8]") && told[0].contains("message.received"), "{told:?}");
    assert!(!told[0].contains("canary-of-a-header"));
}

#[tokio::test]
async fn hosts_that_are_slow_get_half_of_all_calls_and_others_are_called_in_time() {
    const SLOW: usize = 10;
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let post = Post::with(clock, loopback(), WebhookSettings { concurrency: 64, ..SETTINGS }).await;
    let sender = post.bus.device(json!({})).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let (api, mut calls) = slow_server(&gate).await;
        let device = post.hooked(hook(&api)).await;
        post.send(&sender, &json!({"devices": vec![&device.uuid; 16]})).await;
        calls.recv().await.unwrap();
        slow.push((api, calls));
    }
    let is_called = async || {
        let (well, mut others) = server(&[200]).await;
        let device = post.hooked(hook(&well)).await;
        post.send(&sender, &json!({"devices": vec![&device.uuid; 3]})).await;
        for _ in 0..3 {
            others.recv().await.unwrap();
        }
    };
    is_called().await;
    let mut in_hand = || slow.iter_mut().map(|(api, _)| api.seen().len()).collect::<Vec<_>>();
    assert_eq!(in_hand(), [1; SLOW]);
    now.fetch_add(1000, Ordering::SeqCst);
    post.bus.bus.webhook_bell().notify_one();
    while in_hand().iter().sum::<usize>() < 32 {
        tokio::task::yield_now().await;
    }
    is_called().await;
    assert_eq!(in_hand().iter().sum::<usize>(), 32);
    assert!(in_hand().iter().all(|calls| *calls <= 8));
    gate.add_permits(16 * SLOW);
    post.until_nothing_waits().await;
    assert!(post.dead_letters().await.is_empty());
}

#[tokio::test]
async fn what_is_large_waits_until_there_is_room_in_memory_and_what_is_small_does_not() {
    const LARGE: usize = 2 << 20;
    let settings = WebhookSettings { bodies_bytes: 3 << 20, ..SETTINGS };
    let post = Post::with(Clock::system(), loopback(), settings).await;
    let sender = post.bus.device(json!({})).await;
    let gate = Arc::new(Semaphore::new(0));
    let message = |device: &Device, bytes: usize| json!({"devices": device.uuid, "text": "x".repeat(bytes)});
    let (first, mut first_calls) = slow_server(&gate).await;
    post.send(&sender, &message(&post.hooked(hook(&first)).await, LARGE)).await;
    first_calls.recv().await.unwrap();
    let (second, mut second_calls) = server(&[200]).await;
    post.send(&sender, &message(&post.hooked(hook(&second)).await, LARGE)).await;
    // Large enough to be counted, it does not go before what waits for room.
    let (third, mut third_calls) = server(&[200]).await;
    post.send(&sender, &message(&post.hooked(hook(&third)).await, LARGE / 4)).await;
    let (small, mut small_calls) = server(&[200]).await;
    post.send(&sender, &message(&post.hooked(hook(&small)).await, 10)).await;
    small_calls.recv().await.unwrap();
    assert_eq!([second.seen().len(), third.seen().len()], [0, 0]);
    gate.add_permits(1);
    assert!(second_calls.recv().await.unwrap().body.len() > LARGE);
    third_calls.recv().await.unwrap();
    post.until_nothing_waits().await;
    assert!(post.dead_letters().await.is_empty());
}

#[tokio::test]
async fn quick_hosts_that_stall_one_after_the_other_leave_others_a_call() {
    // Of 64 calls each gets a quarter of what the ones before leave.
    const IN_HAND: [usize; 12] = [16, 12, 9, 7, 5, 4, 3, 2, 2, 1, 1, 1];
    // However slow this machine is, nobody has a call in hand for long.
    let clock = Clock::from_fn(|| Timestamp::from_millis(1_768_478_400_000));
    let post = Post::with(clock, loopback(), WebhookSettings { concurrency: 64, ..SETTINGS }).await;
    let sender = post.bus.device(json!({})).await;
    let gate = Arc::new(Semaphore::new(IN_HAND.len() + 1));
    let mut hosts = Vec::new();
    for _ in 0..=IN_HAND.len() {
        let (api, calls) = slow_server(&gate).await;
        let device = post.hooked(hook(&api)).await;
        post.send(&sender, &json!({"devices": device.uuid})).await;
        hosts.push((api, calls, device));
    }
    post.until_nothing_waits().await;
    let (_well, mut others, well) = hosts.pop().unwrap();
    others.recv().await.unwrap();
    let stalled = || hosts.iter().map(|(api, ..)| api.seen().len() - 1).collect::<Vec<_>>();
    for (place, (.., device)) in hosts.iter().enumerate() {
        post.send(&sender, &json!({"devices": vec![&device.uuid; 32]})).await;
        while stalled()[place] < IN_HAND[place] {
            tokio::task::yield_now().await;
        }
    }
    post.send(&sender, &json!({"devices": well.uuid})).await;
    while others.try_recv().is_err() {
        assert!(stalled().iter().sum::<usize>() < 64, "they have every call in hand");
        tokio::task::yield_now().await;
    }
    assert_eq!(stalled(), IN_HAND);
    gate.add_permits(32 * hosts.len() + 1);
    post.until_nothing_waits().await;
    assert!(post.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_host_that_stalled_gets_few_calls_for_as_long_as_it_held_them_however_quick_it_is_then() {
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let post = Post::with(clock, loopback(), WebhookSettings { concurrency: 64, ..SETTINGS }).await;
    let sender = post.bus.device(json!({})).await;
    let gate = Arc::new(Semaphore::new(1));
    let (api, _calls) = slow_server(&gate).await;
    let device = post.hooked(hook(&api)).await;
    let send_some = async |some: usize| {
        post.send(&sender, &json!({"devices": vec![&device.uuid; some]})).await;
    };
    send_some(1).await;
    post.until_nothing_waits().await;
    let mut done = 1;
    // How long it holds calls, how many of 32 it gets, and after how much time since the ones before.
    for (after, gets, holds) in [(0, 16, 2), (0, 8, 0), (33, 16, 0)] {
        now.fetch_add(1000 * after, Ordering::SeqCst);
        send_some(32).await;
        while api.seen().len() < done + gets {
            tokio::task::yield_now().await;
        }
        let (well, mut others) = server(&[200]).await;
        let other = post.hooked(hook(&well)).await;
        post.send(&sender, &json!({"devices": other.uuid})).await;
        others.recv().await.unwrap();
        assert_eq!(api.seen().len(), done + gets);
        now.fetch_add(1000 * holds, Ordering::SeqCst);
        gate.add_permits(32);
        post.until_nothing_waits().await;
        done += 32;
    }
    assert!(post.dead_letters().await.is_empty());
}

/// A server that answers nothing before the gate has a permit for it.
async fn slow_server(gate: &Arc<Semaphore>) -> (FakeApi, mpsc::UnboundedReceiver<Seen>) {
    let (gate, (sender, calls)) = (Arc::clone(gate), mpsc::unbounded_channel());
    let api = FakeApi::start(move |seen| {
        sender.send(seen.clone()).unwrap();
        Answer::new(200, &[], "").behind(&gate)
    });
    (api.await, calls)
}

#[tokio::test]
async fn a_device_that_does_not_hear_itself_gets_no_call() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let (sender, deaf) = (post.bus.device(json!({})).await, post.hooked(hook(&api)).await);
    let call = format!("DELETE /v2/devices/{0}/subscriptions/{0}/message.received", deaf.uuid);
    send(post.bus.by(&deaf, &call)).await.is(204, "");
    let hearing = post.hooked(hook(&api)).await;
    post.send(&sender, &json!({"devices": [deaf.uuid, hearing.uuid]})).await;
    assert_eq!(calls.recv().await.unwrap().header("x-meshblu-uuid"), [&hearing.uuid]);
    post.until_nothing_waits().await;
    assert!(calls.try_recv().is_err());
}

#[tokio::test]
async fn a_refused_call_is_repeated_under_the_same_id_until_it_is_taken() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[503, 408, 201]).await;
    let device = post.hooked(hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(calls.recv().await.unwrap().header("x-meshblu-delivery-id").concat());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    post.until_nothing_waits().await;
    assert!(calls.try_recv().is_err());
    let id = ids[0].as_str().into();
    let look = move |view: &endo::store::View<'_>| view.outcomes(&id);
    let outcomes = post.bus.bus.store().read::<_, StoreError, _>(look).await.unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.ending).collect::<Vec<_>>(), [Ending::Delivered]);
}

#[tokio::test]
async fn a_call_that_is_never_taken_becomes_a_dead_letter() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[503]).await;
    let device = post.hooked(hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid, "n": 1})).await;
    let letter = post.first_dead_letter().await;
    assert_eq!((letter.reason.as_str(), letter.attempts), ("status 503", SETTINGS.attempts));
    assert_eq!(letter.delivery.body, json!({"devices": device.uuid, "n": 1}).to_string());
    for _ in 0..SETTINGS.attempts {
        let call = calls.recv().await.unwrap();
        assert_eq!(call.header("x-meshblu-delivery-id"), [letter.delivery.id.as_str()]);
    }
    assert!(calls.try_recv().is_err());
    assert_eq!(post.waiting().await, 0);
}

#[tokio::test]
async fn a_dead_letter_can_be_sent_again_under_its_id() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[503, 503, 503, 200]).await;
    let device = post.hooked(hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let id = post.first_dead_letter().await.delivery.id;
    replay(&post, id.clone()).await;
    for _ in 0..4 {
        assert_eq!(calls.recv().await.unwrap().header("x-meshblu-delivery-id"), [id.as_str()]);
    }
    post.until_nothing_waits().await;
    assert!(post.dead_letters().await.is_empty());
}

pub(super) async fn replay(post: &Post, id: DeliveryId) {
    let now = Clock::system().now();
    let bell = post.bus.bus.webhook_bell();
    let replay = move |transaction: &endo::store::Transaction<'_>| {
        transaction.after_commit(move || bell.notify_one());
        transaction.replay(&id, now)
    };
    assert!(post.bus.bus.store().write::<_, StoreError, _>(replay).await.unwrap().is_some());
}

#[tokio::test]
async fn a_webhook_on_this_machine_is_refused_at_once_with_the_settings_that_would_allow_it() {
    log::capture();
    let post = Post::open(EgressSettings::default()).await;
    let (api, mut calls) = server(&[200]).await;
    let device = post.hooked(hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let letter = post.first_dead_letter().await;
    let reason = "address not allowed by egress.allowed_hosts or egress.allow_loopback";
    assert_eq!((letter.reason.as_str(), letter.attempts), (reason, 1));
    let lines = log::lines_with(&device.uuid);
    let given_up: Vec<_> = lines.iter().filter(|line| line.contains("a webhook was given up")).collect();
    assert!(given_up.len() == 1 && given_up[0].contains(reason), "{given_up:?}");
    let id = &letter.delivery.id;
    assert!(
        given_up[0].contains(&id.fingerprint()) && log::lines_with(id.as_str()).is_empty(),
        "{given_up:?}"
    );
    assert!(calls.try_recv().is_err());
}

#[tokio::test]
async fn a_listed_host_on_this_machine_is_called() {
    let (api, mut calls) = server(&[200]).await;
    let allowed_hosts = vec![format!("127.0.0.1:{}", api.port)];
    let post = Post::open(EgressSettings { allowed_hosts, ..EgressSettings::default() }).await;
    let device = post.hooked(hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    assert!(calls.recv().await.is_some());
}

#[tokio::test]
async fn a_host_nobody_listens_on_is_a_dead_letter_that_says_so() {
    let post = Post::to_loopback().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let device = post.hooked(json!({"type": "webhook", "url": url, "method": "POST"})).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    assert_eq!(post.first_dead_letter().await.reason, "connect: connection refused");
}

#[tokio::test]
async fn a_server_that_never_answers_holds_up_nobody_else() {
    let post = Post::to_loopback().await;
    let silent = FakeApi::silent().await;
    let (api, mut calls) = server(&[200]).await;
    let (stuck, quick) = (post.hooked(hook(&silent)).await, post.hooked(hook(&api)).await);
    let sender = post.bus.device(json!({})).await;
    let many: Vec<_> = std::iter::repeat_n(&stuck.uuid, 100).collect();
    post.send(&sender, &json!({"devices": many})).await;
    post.send(&sender, &json!({"devices": quick.uuid})).await;
    assert_eq!(calls.recv().await.unwrap().header("x-meshblu-uuid"), [&quick.uuid]);
}

#[tokio::test]
async fn a_webhook_that_asks_for_credentials_gets_a_token_for_that_call_alone() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[503, 200]).await;
    let mut entry = hook(&api);
    entry["generateAndForwardMeshbluCredentials"] = json!(true);
    entry["signRequest"] = json!(true);
    let device = post.hooked(entry).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let mut bearers = Vec::new();
    for _ in 0..2 {
        bearers.push(calls.recv().await.unwrap().header("authorization").concat());
    }
    post.until_nothing_waits().await;
    assert!(bearers.iter().all(|bearer| bearer.starts_with("Bearer ")) && bearers[0] != bearers[1]);
    for bearer in bearers {
        let call = post.bus.anonymous("POST /authenticate").header("authorization", bearer);
        send(call).await.is(403, "null");
    }
    let tokens = send(post.bus.by(&device, "POST /search/tokens")).await.json();
    assert_eq!(tokens, json!([{"uuid": device.uuid, "root": true, "metadata": {}}]));
}

#[tokio::test]
async fn a_device_that_is_gone_lends_no_credentials() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let entry = json!({
        "type": "webhook", "url": api.url("/"), "method": "POST",
        "generateAndForwardMeshbluCredentials": true,
    });
    let meshblu = json!({"version": "2.0.0", "forwarders": {"unregister": {"sent": [entry]}}});
    let device = post.bus.register(json!({"meshblu": meshblu})).await;
    send(post.bus.by(&device, &format!("DELETE /devices/{}", device.uuid))).await;
    assert_eq!(post.first_dead_letter().await.reason, "device unregistered");
    assert!(calls.try_recv().is_err());
}

#[tokio::test]
async fn a_webhook_that_is_taken_off_and_put_back_misses_nothing() {
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let post = Post::with(clock, loopback(), WebhookSettings { concurrency: 1, ..SETTINGS }).await;
    let (gate, (sender, mut busy)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    let opened = Arc::clone(&gate);
    let slow = FakeApi::start(move |seen| {
        sender.send(seen.clone()).unwrap();
        Answer::new(200, &[], "").behind(&opened)
    })
    .await;
    let (api, mut calls) = server(&[200]).await;
    let (other, mut others) = server(&[200]).await;
    let (first, device, last) =
        (post.hooked(hook(&slow)).await, post.hooked(hook(&api)).await, post.hooked(hook(&other)).await);
    let flow = post.bus.device(json!({})).await;
    let change = async |operator: &str| {
        let update = json!({operator: {"meshblu.forwarders.message.received": hook(&api)}});
        let call = post.bus.by(&device, &format!("PUT /v2/devices/{}", device.uuid));
        send(call.json(&update)).await.is(204, "");
    };
    post.send(&flow, &json!({"devices": first.uuid})).await;
    busy.recv().await.unwrap();
    post.send(&flow, &json!({"devices": device.uuid})).await;
    post.send(&flow, &json!({"devices": last.uuid})).await;
    change("$pull").await;
    gate.add_permits(1);
    // One call at a time, in their order: by now it was looked for.
    others.recv().await.unwrap();
    assert!(calls.try_recv().is_err());
    change("$addToSet").await;
    now.fetch_add(1000, Ordering::SeqCst);
    post.bus.bus.webhook_bell().notify_one();
    calls.recv().await.unwrap();
    post.until_nothing_waits().await;
    assert!(post.dead_letters().await.is_empty());
}
