//! The handshake with npm's `passport-octoblu`: the very library that gateways of old sign people in with.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::World;
use super::person::query;
use crate::support::real;

/// One step of the strategy, when the browser asks for the callback with this query.
async fn step(world: &World, query: &HashMap<String, String>) -> Value {
    let input = json!({
        "bus": format!("http://{}", world.bus.address),
        "uuid": world.client.uuid,
        "token": world.client.token,
        "query": query,
    });
    tokio::task::spawn_blocking(move || real::node("octoblu-sign-in.mjs", &input)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passport_octoblu_signs_a_person_in() {
    if !real::on("passport_octoblu_signs_a_person_in") {
        return;
    }
    let world = World::open().await;
    let asked = step(&world, &HashMap::new()).await;
    let authorize = asked["redirect"].as_str().unwrap().to_owned();
    let mut person = world.person();
    let consent = person.sign_in(&authorize, &world.user).await;
    let back = query(&person.press(&consent, "allow").await);
    let signed_in = step(&world, &back).await;
    assert_eq!(signed_in["user"]["uuid"], json!(world.user.uuid), "{signed_in}");
    let bearer = signed_in["user"]["bearerToken"].as_str().unwrap();
    assert_eq!(world.bearer(bearer).await.status, 200);

    let again = step(&world, &back).await;
    assert_eq!(again["error"], "the code cannot be exchanged");
    assert_eq!(world.bearer(bearer).await.status, 403);

    let consent = person.get(&world.authorize("")).await;
    assert!(query(&consent).contains_key("code"), "who said yes is not asked again");
}
