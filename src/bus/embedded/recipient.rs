//! To whom a message goes: the `devices` of its body (`spec/meshblu.md` 4.1).

use serde_json::Value;
use thiserror::Error;

use crate::message::DeviceUuid;

/// One entry of a message's `devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// `"*"`: whoever is subscribed to the sender's broadcasts.
    Subscribers,
    /// One device, whether it exists or not.
    Device(DeviceUuid),
}

impl Recipient {
    /// The device, if it is one.
    pub fn device(&self) -> Option<&DeviceUuid> {
        match self {
            Self::Subscribers => None,
            Self::Device(device) => Some(device),
        }
    }
}

/// The body names no recipients; the bus answers 422.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a message is an object whose `devices` is a uuid or a list of uuids that is not empty")]
pub struct InvalidMessage;

/// The recipients of a message in the order of its `devices`; a uuid listed twice is two recipients.
///
/// # Errors
/// [`InvalidMessage`] when the body is no object, or its `devices` are absent, empty or not text.
pub fn recipients(body: &Value) -> Result<Vec<Recipient>, InvalidMessage> {
    match body.as_object().and_then(|body| body.get("devices")) {
        Some(Value::String(device)) if !device.is_empty() => Ok(vec![recipient(device)]),
        Some(Value::Array(devices)) if !devices.is_empty() => {
            devices.iter().map(|device| device.as_str().map(recipient).ok_or(InvalidMessage)).collect()
        }
        _ => Err(InvalidMessage),
    }
}

fn recipient(device: &str) -> Recipient {
    match device {
        "*" => Recipient::Subscribers,
        uuid => Recipient::Device(DeviceUuid::from(uuid)),
    }
}
