//! Webhooks that lend their device's token to whoever is called.

use tokio::net::{TcpSocket, TcpStream};

use super::*;

#[tokio::test]
async fn a_call_that_lends_a_token_and_is_not_answered_in_time_is_not_made_again() {
    let egress = EgressSettings { webhook_timeout: Duration::from_millis(50), ..loopback() };
    let post = Post::open(egress).await;
    let silent = FakeApi::silent().await;
    for (lends, attempts) in [(true, 1), (false, SETTINGS.attempts)] {
        let mut entry = hook(&silent);
        entry["generateAndForwardMeshbluCredentials"] = json!(lends);
        let device = post.hooked(entry).await;
        post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
        post.until_nothing_waits().await;
        let letters = post.dead_letters().await;
        let letter = letters.iter().find(|letter| letter.delivery.device.as_str() == device.uuid).unwrap();
        assert_eq!((letter.reason.as_str(), letter.attempts), ("timeout", attempts));
    }
}

#[tokio::test]
async fn a_call_that_lends_a_token_and_finds_nobody_is_made_again() {
    let limits = (Duration::from_millis(20), Duration::from_secs(60));
    let egress = EgressSettings { connect_timeout: limits.0, webhook_timeout: limits.1, ..loopback() };
    let post = Post::open(egress).await;
    // Nobody answers whoever comes while another waits to be let in.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let _waits = TcpStream::connect(address).await.unwrap();
    let entry = json!({
        "type": "webhook", "url": format!("http://{address}/in"), "method": "POST",
        "generateAndForwardMeshbluCredentials": true,
    });
    let device = post.hooked(entry).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    let letter = post.first_dead_letter().await;
    assert_eq!((letter.reason.as_str(), letter.attempts), ("connect", SETTINGS.attempts));
}

#[tokio::test]
async fn a_token_that_a_killed_process_lent_is_over_though_the_webhook_was_taken_away() {
    let post = Post::to_loopback().await;
    let silent = FakeApi::start(|_| Answer::Stall(Vec::new())).await;
    let mut entry = hook(&silent);
    entry["generateAndForwardMeshbluCredentials"] = json!(true);
    let device = post.hooked(entry).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    while silent.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    let update = json!({"meshblu.forwarders.message.received": []});
    let change = post.bus.by(&device, &format!("PATCH /v2/devices/{}", device.uuid));
    send(change.json(&update)).await.is(204, "");
    let post = post.killed().await;
    assert_eq!(post.first_dead_letter().await.reason, "webhook removed");
    let tokens = send(post.bus.by(&device, "POST /search/tokens")).await.json();
    assert_eq!(tokens, json!([{"uuid": device.uuid, "root": true, "metadata": {}}]));
}
