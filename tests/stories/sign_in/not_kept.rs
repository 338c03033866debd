//! Sign-ins that worked at the API and whose secret is not kept: what the API gave ends there.

use std::sync::Arc;
use std::time::Duration;

use endo::bus::embedded::BusError;
use endo::store::{StoreError, Transaction};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::House;
use super::at_the_api::Place;
use crate::support::browser::{callback, come_back};
use crate::support::provider::{FakeProvider, Fault};

/// Registers devices until the database takes nothing new.
async fn fill(house: &House) {
    loop {
        let register = |bus: &endo::bus::embedded::EmbeddedBus, transaction: &Transaction<'_>| {
            bus.register(transaction, json!({"text": "x".repeat(9000)})).map(drop)
        };
        match house.gateway.gateway.bus.embedded().unwrap().change(register).await {
            Ok(()) => {}
            Err(BusError::Store(StoreError::Full)) => return,
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn where_the_database_is_full_by_then_the_tokens_end_at_the_api() {
    let provider = FakeProvider::start().await;
    let source = provider.settings();
    let house = House::with(|config| {
        config.source = source;
        config.store.max_pages = 300;
    })
    .await;
    let place = Place { house, provider };
    let (mut browser, state) = place.under_way("/auth/api").await;
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let filled_meanwhile = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while place.provider.token_requests() == 0 {
            ticks.tick().await;
        }
        fill(&place.house).await;
        gate.add_permits(1);
    };
    let (answer, ()) = tokio::join!(come_back(&mut browser, &state), filled_meanwhile);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.text.contains("could not be kept; begin again"), "{answer:?}");
    assert_eq!(place.provider.ended(), ["refresh-1", "access-1"]);
}

#[tokio::test]
async fn what_a_browser_that_hangs_up_signed_in_for_is_kept_all_the_same() {
    let place = Place::open().await;
    let (mut browser, state) = place.under_way("/auth/api").await;
    let gate = Arc::new(Semaphore::new(0));
    place.provider.plan([Fault::Slow(Arc::clone(&gate))]);
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let gateway = place.house.gateway.running.gateway();
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {gateway}\r\ncookie: {}\r\n\r\n",
        callback(&state),
        cookies.join("; ")
    );
    let mut connection = TcpStream::connect(gateway).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while place.provider.token_requests() == 0 {
        ticks.tick().await;
    }
    connection.set_zero_linger().unwrap();
    drop(connection);
    // Answered by the same worker after it was told of the end, if it has to hear of that.
    assert_eq!(browser.get("/console").await.status, 200);
    gate.add_permits(1);
    while !browser.get("/console").await.text.contains("/console/credentials/") {
        ticks.tick().await;
    }
}
