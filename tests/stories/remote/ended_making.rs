//! What ends what a user device is for while that is being made on a bus elsewhere ends the device as well: whatever its
//! maker still does, nothing of a right is left.

use std::future::pending;
use std::time::Duration;

use serde_json::Value;

use super::killed_making::Scene;
use crate::support::bus::{Answer, Device};
use crate::support::held_bus::{Hold, Moment};

/// Which call of the bus makes the device, and which subscribes to it.
const THE_DEVICE: usize = 3;
const ITS_RIGHT: usize = 6;

/// Two who own the same credentials, of whom the first adds a device.
struct Owners {
    scene: Scene,
    first: Device,
    second: Device,
    credentials: String,
}

/// What both are answered: whoever adds, and whoever ends it meanwhile.
struct Answers {
    added: Answer,
    ended: Answer,
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

    /// The first adds a device, and ends something by this call while that is held.
    async fn add_and_end(&self, hold: Hold, end: &str) -> Answers {
        let (method, path) = end.split_once(' ').unwrap();
        let (add, end) = (format!("POST /credentials/{}/user-devices", self.credentials), async {
            assert!(self.scene.bus.unless_held(pending::<()>()).await.is_none());
            let ended = self.scene.ask(&format!("{method} /credentials/{}{path}", self.credentials)).await;
            self.scene.bus.release();
            ended
        });
        self.scene.bus.hold(Some(hold));
        let (added, ended) = tokio::join!(self.scene.ask(&add), end);
        Answers { added, ended }
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
    for (after, moment) in
        [(THE_DEVICE, Moment::After), (ITS_RIGHT, Moment::Before), (ITS_RIGHT, Moment::After)]
    {
        for (end, answer) in [("DELETE ", 404), ("DELETE /owners/me", 404), ("DELETE /user-devices", 403)] {
            // What comes to be known after all were cut off was added after that.
            if (after, answer) == (THE_DEVICE, 403) {
                continue;
            }
            let owners = Owners::meet().await;
            let Answers { added, ended } = owners.add_and_end(Hold { after, moment }, end).await;
            assert_eq!((ended.status.as_u16(), added.status.as_u16()), (204, answer), "{end}: {added:?}");
            owners.nothing_is_left().await;
        }
    }
}
