//! What ends what a user device is for while that is being made on a bus elsewhere ends the device as well: whatever its
//! maker still does, nothing of a right is left.

use std::future::pending;
use std::time::Duration;

use serde_json::Value;

use super::killed_making::Scene;
use crate::support::bus::{Answer, Device};
use crate::support::fake_api::Seen;
use crate::support::held_bus::{Hold, Moment};

const ADD: &str = "POST /user-devices";

fn makes_the_device(call: &Seen) -> bool {
    call.method == "POST" && call.target == "/devices" && call.body.windows(5).any(|part| part == b"endo:")
}

fn gives_the_right(call: &Seen) -> bool {
    call.method == "POST" && call.target.ends_with("/message.received")
}

fn lists_rights(call: &Seen) -> bool {
    call.method == "GET" && call.target.ends_with("/subscriptions")
}

/// Two who own the same credentials, of whom the first adds a device.
struct Owners {
    scene: Scene,
    first: Device,
    second: Device,
    credentials: String,
}

/// With what both calls were answered.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    held: u16,
    other: u16,
}

impl Owners {
    async fn meet() -> Self {
        let mut scene = Scene::set().await;
        let home = scene.sign_in(None).await.unwrap();
        let first = scene.bus.owner.clone();
        let (second, _) = scene.somebody_else().await;
        assert_eq!(scene.sign_in(None).await.unwrap(), home);
        let credentials = home.rsplit('/').next().unwrap().to_owned();
        Self { scene, first, second, credentials }
    }

    /// What the first is answered to a call that is held on its way to the bus, and to another one meanwhile.
    async fn meanwhile(&self, hold: Hold, call: &str, other: &str) -> Answers {
        let other = async {
            assert!(self.scene.bus.unless_held(pending::<()>()).await.is_none());
            let other = self.call(other).await;
            self.scene.bus.release();
            other
        };
        self.scene.bus.hold(Some(hold));
        let (held, other) = tokio::join!(self.call(call), other);
        Answers { held: held.status.as_u16(), other: other.status.as_u16() }
    }

    async fn call(&self, call: &str) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        self.scene.ask(&format!("{method} /credentials/{}{path}", self.credentials)).await
    }

    /// The receipts, once nothing in them is pending.
    async fn receipts(&self) -> Value {
        let call = format!("GET /credentials/{}/receipts", self.credentials);
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        loop {
            let told = self.scene.ask_as(&self.second, &call).await;
            assert_eq!(told.status, 200, "{told:?}");
            if !told.text.contains("\"pending\"") {
                return told.json();
            }
            ticks.tick().await;
        }
    }

    /// Nothing of the device that was begun is left but the device: it is in a receipt, heard by nobody, and its lists are its
    /// owner's alone.
    async fn nothing_is_left(&self) {
        let receipts = self.receipts().await;
        let begun = self.scene.devices(|device| device["type"] == "endo:github").await;
        assert_eq!((begun.len(), begun[0]["owner"].as_str()), (1, Some(&*self.first.uuid)));
        let uuid = begun[0]["uuid"].as_str().unwrap();
        let parts =
            receipts.as_array().unwrap().iter().flat_map(|receipt| receipt["parts"].as_array().unwrap());
        let ended: Vec<_> = parts
            .filter(|part| part["device"] == uuid && part["fate"] == "ended")
            .map(|part| part["what"].as_str().unwrap())
            .collect();
        assert_eq!(ended, ["right", "subscription", "whitelists"], "{receipts}");
        let heard = self.scene.heard_by(&self.credentials).await;
        assert!(!heard.iter().any(|heard| heard["emitterUuid"] == uuid), "{heard:?}");
        assert!(!begun[0]["meshblu"].to_string().contains(&self.credentials), "{begun:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_whose_adding_is_under_way_ends_with_what_it_is_for() {
    let ends = [("DELETE ", 404), ("DELETE /owners/me", 404), ("DELETE /user-devices", 403)];
    let held = |of, moment| Hold { of, after: 0, moment };
    for hold in [
        held(makes_the_device, Moment::Before),
        held(makes_the_device, Moment::After),
        held(gives_the_right, Moment::Before),
        held(gives_the_right, Moment::After),
    ] {
        for (end, answer) in ends {
            let owners = Owners::meet().await;
            let answers = owners.meanwhile(hold, ADD, end).await;
            assert_eq!(answers, Answers { held: answer, other: 204 }, "{end}");
            owners.nothing_is_left().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_added_while_the_bus_lists_what_is_to_end_ends_as_well() {
    for end in ["DELETE ", "DELETE /user-devices"] {
        let owners = Owners::meet().await;
        let hold = Hold { of: lists_rights, after: 0, moment: Moment::After };
        let answers = owners.meanwhile(hold, end, ADD).await;
        assert_eq!(answers, Answers { held: 204, other: 201 }, "{end}");
        owners.nothing_is_left().await;
    }
}
