//! What a reader asks for in the address: where, which kinds of message, and on which topics (`spec/meshblu.md` 6.5).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde_json::{Map, Value};

use super::topics::Topics;
use crate::bus::embedded::BusError;
use crate::bus::embedded::api::refusal::Refusal;
use crate::bus::embedded::api::request::{segment, uuid};
use crate::bus::embedded::subscription::SubscriptionType;
use crate::bus::embedded::whitelist::List;
use crate::bus::form;
use crate::message::DeviceUuid;

/// A kind of message as readers name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    name: &'static str,
    /// What it is called on its way.
    pub(super) event: SubscriptionType,
    /// Whom the device lets hear of it.
    pub(super) list: List,
}

const KINDS: [Kind; 3] = [
    Kind { name: "received", event: SubscriptionType::MessageReceived, list: List::MessageReceived },
    Kind { name: "sent", event: SubscriptionType::MessageSent, list: List::MessageSent },
    Kind { name: "broadcast", event: SubscriptionType::BroadcastSent, list: List::BroadcastSent },
];

/// What a reader asks for.
#[derive(Debug)]
pub(in super::super) struct Wanted {
    /// Where to read along; the reader itself where the path names nobody.
    pub(super) device: Option<DeviceUuid>,
    /// The one that the path names, else those of `types`, else all. Names that are none are passed over.
    pub(super) kinds: Vec<Kind>,
    pub(super) topics: Topics,
}

impl FromRequest for Wanted {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Wanted {
    fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let is_named = |name: &str| request.match_info().get(name).is_some();
        let device = is_named("uuid").then(|| uuid(&segment(request, "uuid")));
        let device = device.map(|device| device.ok_or(BusError::Forbidden)).transpose()?;
        let query = form::parse(request.query_string());
        let in_path = is_named("kind").then(|| vec![segment(request, "kind").into_owned()]);
        let kinds = in_path.or_else(|| texts(&query, "types")).map_or(KINDS.to_vec(), |names| {
            KINDS.into_iter().filter(|kind| names.iter().any(|name| name == kind.name)).collect()
        });
        let topics = Topics::of(texts(&query, "topics").unwrap_or_default());
        Ok(Self { device, kinds, topics })
    }
}

/// The texts of a parameter that may be there several times.
fn texts(query: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match query.get(name)? {
        Value::Array(values) => Some(values.iter().filter_map(text).collect()),
        value => Some(text(value).into_iter().collect()),
    }
}
