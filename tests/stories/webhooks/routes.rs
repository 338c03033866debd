//! How an event came to the owner of a webhook, as its request tells.

use super::signatures::{judged, trusting};
use super::*;

#[tokio::test]
async fn what_a_device_sends_on_tells_the_routes_it_came_by_before() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let kind = "broadcast.received";
    let meshblu = json!({
        "version": "2.0.0",
        "whitelists": {"broadcast": {"sent": [{"uuid": "*"}]}},
        "forwarders": {"broadcast": {"received": [{"type": "meshblu"}], "sent": [signed_hook(&api)]}},
    });
    let relay = post.bus.register(json!({"meshblu": meshblu})).await;
    let meshblu = json!({"version": "2.0.0", "forwarders": {"broadcast": {"received": [signed_hook(&api)]}}});
    let last = post.bus.register(json!({"meshblu": meshblu})).await;
    let first = post.bus.device(json!({"broadcast": {"sent": [{"uuid": "*"}]}})).await;
    for (subscriber, emitter) in [(&relay, &first), (&last, &relay)] {
        post.bus.subscribe(subscriber, emitter, "broadcast.sent").await;
        post.bus.subscribe(subscriber, subscriber, kind).await;
    }
    post.send(&first, &json!({"devices": ["*"]})).await;
    let hop =
        |from: &Device, to: &Device, kind: &str| json!({"from": from.uuid, "to": to.uuid, "type": kind});
    let way = |from, to| json!([hop(from, to, "broadcast.sent"), hop(from, to, kind), hop(to, to, kind)]);
    let before = json!([way(&first, &relay)]).to_string();
    for _ in 0..2 {
        let call = calls.recv().await.unwrap();
        assert_eq!(call.header("x-meshblu-forwarded-routes"), [&before]);
        if call.header("x-meshblu-uuid") == [&relay.uuid] {
            assert!(call.header("x-meshblu-route").is_empty());
            continue;
        }
        assert_eq!(call.header("x-meshblu-route"), [&way(&relay, &last).to_string()]);
        let now = Clock::system().now();
        let signed = judged(&trusting(&post.bus).await, &call, now, |verified| {
            verified.signed("x-meshblu-forwarded-routes").map(str::to_owned)
        });
        assert_eq!(signed, Ok(Some(before.clone())));
    }
}

#[tokio::test]
async fn an_event_that_was_not_sent_on_tells_of_no_routes_before() {
    let post = Post::to_loopback().await;
    let (api, mut calls) = server(&[200]).await;
    let device = post.hooked(hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    assert!(calls.recv().await.unwrap().header("x-meshblu-forwarded-routes").is_empty());
}
