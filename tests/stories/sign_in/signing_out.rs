//! Who signs out leaves nothing behind by which the next person at that browser comes in.

use super::{House, at_the_bus, must_sign_in};
use crate::support::browser::Browser;
use crate::support::bus::{Answer, Device, send};

/// One browser, at the gateway and at its bus.
struct Person {
    gateway: Browser,
    bus: Browser,
}

impl Person {
    /// Somebody who signs in with the bus as this device.
    async fn signs_in(house: &House, device: &Device) -> Self {
        let mut person = Self { gateway: house.browser(), bus: house.at_bus() };
        let start = person.gateway.get("/auth/octoblu?next=/console").await;
        let back = at_the_bus(&mut person.bus, start.header("location").unwrap(), device).await;
        person.arrives(&back).await;
        person
    }

    async fn arrives(&mut self, back: &str) {
        let answer = self.gateway.get(back).await;
        assert_eq!(answer.header("location"), Some("/console"), "{answer:?}");
    }

    /// Whether the bus asks who it is that begins a sign-in in this browser; else they are in.
    async fn is_asked(&mut self) -> bool {
        let start = self.gateway.get("/auth/octoblu?next=/console").await;
        let there = self.bus.get(start.header("location").unwrap()).await;
        match there.header("location") {
            Some(back) => {
                self.arrives(back).await;
                false
            }
            None => {
                let asks = |name: &str| there.text.contains(&format!("name=\"{name}\""));
                assert!(there.status == 200 && asks("uuid") && asks("token"), "{there:?}");
                true
            }
        }
    }

    async fn signs_out(&mut self) -> Answer {
        let page = self.gateway.get("/console").await;
        let answer = self.gateway.submit(&page, "/sign-out", &[]).await;
        self.gateway.follow(answer).await
    }
}

#[tokio::test]
async fn whoever_is_next_at_the_browser_of_somebody_who_signed_out_is_asked_by_the_bus_who_they_are() {
    let house = House::open().await;
    let (device, other) = (house.stranger().await, house.stranger().await);
    let mut person = Person::signs_in(&house, &device).await;
    let mut elsewhere = Person::signs_in(&house, &device).await;
    let mut neighbour = Person::signs_in(&house, &other).await;
    for each in [&mut person, &mut elsewhere, &mut neighbour] {
        assert!(!each.is_asked().await, "who signed in lately is not asked again");
    }
    let page = person.signs_out().await;
    assert!(page.text.contains("You are signed out.") && !page.text.contains("The bus may"), "{page:?}");
    assert!(person.is_asked().await);
    assert!(elsewhere.is_asked().await, "it may be the same browser under another name of this machine");
    assert_eq!(elsewhere.gateway.get("/console").await.status, 200);
    assert!(!neighbour.is_asked().await);
    send(house.gateway.by(&device, "POST /authenticate")).await.is(204, "");
}

#[tokio::test]
async fn who_signs_in_as_somebody_else_leaves_no_way_back_in_as_who_they_were() {
    let house = House::open().await;
    let mut person = Person::signs_in(&house, &house.stranger().await).await;
    let page = person.gateway.get(&house.link()).await;
    assert_eq!(person.gateway.submit(&page, "/sign-in", &[]).await.status, 303);
    assert!(person.is_asked().await);
}

#[tokio::test]
async fn a_session_that_is_over_by_itself_ends_nothing_at_the_bus() {
    let house = House::open().await;
    let device = house.stranger().await;
    let mut person = Person::signs_in(&house, &device).await;
    let service = house.gateway.gateway.bus.embedded().unwrap().service();
    let revoke = format!("DELETE /devices/{}/tokens?tag=oauth-{service}", device.uuid);
    send(house.gateway.by(&device, &revoke)).await.is(204, "");
    must_sign_in(&person.gateway.get("/console").await);
    assert!(!person.is_asked().await);
}
