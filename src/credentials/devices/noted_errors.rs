//! The errors that the status devices of user devices keep, as the owners of credentials see them.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::timeout;

use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::bus::{Bus, Login};
use crate::credentials::{CredentialsDevices, UserDeviceEntry};
use crate::message::DeviceUuid;
use crate::telemetry::with_causes;

/// An error on a status device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotedError {
    /// When, as it says.
    pub at: String,
    /// What it says.
    pub text: String,
    /// Its code, where it has one.
    pub code: Option<String>,
}

/// How many errors of a device are told.
const TOLD: usize = 3;
/// How many status devices on a bus elsewhere are asked for, and how many of them at a time.
const MOST: (usize, usize) = (64, 8);
/// How long all of them together may take.
const PATIENCE: Duration = Duration::from_secs(3);

impl NotedError {
    /// `None` where it says nothing.
    fn of(entry: &Value) -> Option<Self> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let (said, code) = (text(&entry["message"]), text(&entry["code"]));
        (said.is_some() || code.is_some()).then(|| Self {
            at: text(&entry["date"]).unwrap_or_default(),
            text: said.unwrap_or_default(),
            code,
        })
    }
}

impl UserDeviceEntry {
    /// Takes in what its status device says. A device that points at somebody else's tells nothing of it.
    pub(super) fn take_in(&mut self, status: &Value) {
        if status["owner"].as_str() == Some(self.uuid.as_str())
            && let Some(errors) = status.pointer("/status/errors").and_then(Value::as_array)
        {
            let mut telling = errors.iter().rev().filter_map(NotedError::of);
            self.noted = telling.by_ref().take(TOLD).collect();
            self.errors = Some(self.noted.len() + telling.count());
        }
    }
}

impl CredentialsDevices {
    /// Adds what the status devices on a bus elsewhere say, as far as `viewer` may see them; in this process they are
    /// known already. Answers whether that is all that there is to see.
    pub async fn note_errors(&self, viewer: &Login, entries: &mut [UserDeviceEntry]) -> bool {
        let Bus::Meshblu(bus) = &self.bus else { return true };
        let asked = entries.iter().enumerate();
        let asked: Vec<_> =
            asked.filter_map(|(at, entry)| Some((at, entry.status_device.clone()?))).collect();
        let mut is_all = asked.len() <= MOST.0;
        let look = |(at, device)| async move { (at, status_device(bus, viewer, &device).await) };
        let mut statuses = stream::iter(asked.into_iter().take(MOST.0)).map(look).buffer_unordered(MOST.1);
        let take_in = async {
            while let Some((at, status)) = statuses.next().await {
                match status {
                    Ok(status) => entries[at].take_in(&status.unwrap_or_default()),
                    Err(error) => {
                        let error = with_causes(&error);
                        tracing::warn!(error, device.uuid = %entries[at].uuid.logged(), "a status device is not shown");
                        is_all = false;
                    }
                }
            }
        };
        let is_in_time = timeout(PATIENCE, take_in).await.is_ok();
        is_all && is_in_time
    }
}

/// By its name: a search finds none, for a status device of the original's form is of the old kind, which shows itself in a
/// search to the device that owns it alone. Who may not see it is told what is told of a device that is gone.
async fn status_device(
    bus: &Meshblu,
    viewer: &Login,
    device: &DeviceUuid,
) -> Result<Option<Value>, MeshbluError> {
    match bus.device(Identity::of(viewer), device).await {
        Err(error) if error.is_refusal() => Ok(None),
        status => status.map(Some),
    }
}
