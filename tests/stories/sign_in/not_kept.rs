//! Sign-ins that worked at the API and whose secret is not kept: what the API gave ends there.

use std::sync::Arc;
use std::time::Duration;

use endo::bus::embedded::BusError;
use endo::store::{StoreError, Transaction};
use serde_json::json;
use tokio::sync::Semaphore;

use super::House;
use super::at_the_api::Place;
use crate::support::browser::come_back;
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
