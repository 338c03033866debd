//! Messages, routes and replies: what the bus carries and a job answers. Pure.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

mod ended;
mod failure;

pub use ended::{Arrived, Done, Ended};
pub use failure::{Failure, FailureCode};

/// What messages that a device gets are called in subscriptions, hops and webhooks (`spec/meshblu.md` 4.6).
pub const MESSAGE_RECEIVED: &str = "message.received";

/// Has a name be made of any text, and read as that.
macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

impl DeviceUuid {
    /// The name in a log of a device that a bus made or confirmed: itself where it is a UUID (RFC 9562, 4), else its fingerprint.
    pub fn logged(&self) -> Cow<'_, str> {
        if is_uuid(&self.0) { Cow::Borrowed(&self.0) } else { self.fingerprint().into() }
    }

    /// The name in a log of a device that somebody spoke of, who may have put a secret there, as [`DeliveryId::fingerprint`].
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.0)
    }
}

impl DeliveryId {
    /// Its name in a log, for whoever posts a message chooses the id: the first 16 hexadecimal digits of the SHA-256 of `endo:` and
    /// the id.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.0)
    }
}

fn fingerprint(name: &str) -> String {
    let hash = Sha256::new().chain_update("endo:").chain_update(name).finalize();
    format!("{:016x}", u64::from_be_bytes(std::array::from_fn(|place| hash[place])))
}

fn is_uuid(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|digit| digit.is_ascii_hexdigit());
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex)
}

/// A device's name on the bus. Opaque text: compared exactly, never normalised (`spec/meshblu.md` 1.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceUuid(Arc<str>);

text!(DeviceUuid);

impl fmt::Debug for DeviceUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The name of a kind of job, as messages carry it in `metadata.jobType`: `ListEventsByUser`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobType(Arc<str>);

text!(JobType);

/// One step of a message through the bus. Its keys keep this order on the wire (`spec/meshblu.md` 4.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hop {
    /// The device the step leaves.
    pub from: DeviceUuid,
    /// The device the step arrives at.
    pub to: DeviceUuid,
    /// The kind of event: `message.received`; empty where the bus names none.
    #[serde(rename = "type", default)]
    pub kind: Arc<str>,
}

/// The way a message took, first hop first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Route(Vec<Hop>);

/// Who takes part in a job, as its route tells (`spec/endo.md` 2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// Who sent the message and gets the reply.
    pub sender: DeviceUuid,
    /// The device the message was sent to; replies are sent as this one.
    pub user_device: DeviceUuid,
    /// The device that keeps the credentials.
    pub credentials: DeviceUuid,
}

/// Hops of the longest route on which a message is worked on; buses cut loops off long before.
const MOST_HOPS: usize = 1000;

/// The route does not lead from a sender over a user device to a credentials device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Bad route")]
pub struct BadRoute;

impl Route {
    /// A route of these hops, first hop first.
    pub fn new(hops: Vec<Hop>) -> Self {
        Self(hops)
    }

    /// The hops, first hop first.
    pub fn hops(&self) -> &[Hop] {
        &self.0
    }

    /// The JSON text that the bus carries.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("hops are texts")
    }

    /// This route with one more hop at its end.
    pub fn with(&self, hop: Hop) -> Self {
        let mut hops = Vec::with_capacity(self.0.len() + 1);
        hops.extend_from_slice(&self.0);
        hops.push(hop);
        Self(hops)
    }

    /// Whether no message is worked on that took it: more than 1,000 hops.
    pub fn is_too_long(&self) -> bool {
        self.0.len() > MOST_HOPS
    }

    /// Reads sender, user device and credentials device off the route, by the rules of
    /// `spec/endo.md` 2.5, as the gateway with the uuid `service` sees it.
    ///
    /// # Errors
    /// [`BadRoute`] when a party is missing, or when the user device is subscribed to itself: then the same
    /// message arrives on a better route too.
    pub fn parties(&self, service: &DeviceUuid) -> Result<Parties, BadRoute> {
        let sender = self.0.first().ok_or(BadRoute)?.from.clone();
        let mut without_service = self.0.iter().filter(|hop| hop.from != *service && hop.to != *service);
        let credentials = without_service.clone().next_back().ok_or(BadRoute)?.to.clone();
        let user_device = without_service.rfind(|hop| hop.from != credentials).ok_or(BadRoute)?.from.clone();
        let loops =
            |hop: &Hop| &*hop.kind == MESSAGE_RECEIVED && hop.from == user_device && hop.to == user_device;
        if self.0.iter().any(loops) {
            return Err(BadRoute);
        }
        Ok(Parties { sender, user_device, credentials })
    }
}

/// What a device sent to the gateway: `{metadata: {jobType, respondTo, …}, data}`. Other members are ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Absent where the sender gave none; then no job can be chosen.
    pub metadata: Option<Map<String, Value>>,
    /// What the job is to work on; absent and `null` are different things.
    pub data: Option<Value>,
}

impl<'de> Deserialize<'de> for Message {
    /// Of members of one name the last counts, at every depth, as wherever else JSON is read.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MessageReader)
    }
}

struct MessageReader;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Metadata,
    Data,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for MessageReader {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Message, A::Error> {
        let (mut metadata, mut data) = (Value::Null, None);
        while let Some(member) = members.next_key()? {
            match member {
                Member::Metadata => metadata = members.next_value()?,
                Member::Data => data = Some(members.next_value()?),
                Member::Other => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        let metadata = serde_json::from_value(metadata).map_err(A::Error::custom)?;
        Ok(Message { metadata, data })
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Message {
    /// The job the message names, if it names one.
    pub fn job_type(&self) -> Option<JobType> {
        self.metadata.as_ref()?.get("jobType")?.as_str().map(JobType::from)
    }

    /// The same message for this job.
    pub fn naming(&self, job_type: &JobType) -> Self {
        let mut metadata = self.metadata.clone().unwrap_or_default();
        metadata.insert("jobType".to_owned(), job_type.to_string().into());
        Self { metadata: Some(metadata), data: self.data.clone() }
    }

    /// What the sender wants to find in `metadata.to` of the reply; any JSON value.
    pub fn respond_to(&self) -> Option<&Value> {
        self.metadata.as_ref()?.get("respondTo")
    }
}

/// What a job answers: `metadata` (with `code` and `status`) and `data`. A job's refusal is a reply too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// At least `code` and `status` where the job keeps to its schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// The job's result; absent and `null` are different things.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Reply {
    /// Whether the job was done, in its own words.
    pub fn done(&self) -> Done {
        let said = |name: &str| self.metadata.as_ref().and_then(|metadata| metadata.get(name));
        Done::said(said("code"), said("error"))
    }

    /// The message that carries this reply to `sender` (`spec/endo.md` 2.5, step 5).
    pub fn into_message(self, sender: &DeviceUuid, respond_to: Option<&Value>) -> Value {
        let mut metadata = Map::new();
        if let Some(to) = respond_to {
            metadata.insert("to".into(), to.clone());
        }
        metadata.extend(self.metadata.unwrap_or_default());
        let mut message = json!({"devices": [sender], "metadata": metadata});
        if let Some(data) = self.data {
            message["data"] = data;
        }
        message
    }
}

/// The constant name of one delivery, the same at every attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(Arc<str>);

text!(DeliveryId);
