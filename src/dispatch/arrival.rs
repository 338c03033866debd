//! A message that comes in from a bus elsewhere, and why it may not be received.

use std::time::Duration;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use thiserror::Error;

use super::caller::Caller;
use crate::bus::meshblu::firehose::FirehoseEvent;
use crate::message::{BadRoute, DeliveryId, Message, Route};
use crate::store::StoreError;

/// A message that somebody brings.
#[derive(Debug)]
pub struct Arrival {
    /// The way it took.
    pub(super) route: Route,
    /// The message as JSON text, which nobody has looked into yet: what waits is kept once.
    pub(super) body: String,
    pub(super) id: Option<DeliveryId>,
    /// The credentials device, where it came itself.
    pub(super) caller: Option<Caller>,
    /// After how long whoever brings it wants to be told that it is taken, if before its end.
    pub(super) preferred_wait: Option<Duration>,
}

impl Arrival {
    /// A message that its bus brings by `route`, as JSON text. Its constant name is there where the bus vouches for one: what
    /// has this name again is the same message. Whoever brings it wants to wait for `preferred_wait` for its end, once it is on disk;
    /// to the end, where they do not say, as long as buses wait.
    #[must_use]
    pub fn new(route: Route, body: String, id: Option<DeliveryId>, preferred_wait: Option<Duration>) -> Self {
        Self { route, body, id, caller: None, preferred_wait }
    }
}

impl From<FirehoseEvent> for Arrival {
    fn from(event: FirehoseEvent) -> Self {
        Self::new(event.route, event.body, None, None)
    }
}

/// The message that the text is, if it is one: the sender of a list, or of an object without what messages have, is told what
/// is missing.
///
/// # Errors
/// [`NotReceived::Malformed`].
pub(super) fn message_in(text: &str) -> Result<Option<Message>, NotReceived> {
    let message = serde_json::from_str(text).ok();
    let is_list = || serde_json::from_str::<Vec<IgnoredAny>>(text).is_ok();
    let is_object = || serde_json::from_str::<Map<String, Value>>(text).is_ok();
    match message.is_some() || is_object() || is_list() {
        true => Ok(message),
        false => Err(NotReceived::Malformed),
    }
}

/// Why a message was not received; nothing was done.
#[derive(Debug, Error)]
pub enum NotReceived {
    /// The route names nobody who could be answered.
    #[error(transparent)]
    BadRoute(#[from] BadRoute),
    /// The route cannot be read at all; this says why.
    #[error("{0}")]
    UnreadableRoute(&'static str),
    /// The route ends in another device than the one that brings it.
    #[error("the route ends in another device")]
    OfAnother,
    /// It is no message, and nothing that could be answered as one.
    #[error("the body is neither a JSON object nor a list")]
    Malformed,
    /// It would take too much memory.
    #[error("the message would take too much memory")]
    TooLarge,
    /// What is worked on leaves no room for it, or what waits for the same user device no place.
    #[error("what is worked on leaves no room for the message")]
    Full,
    /// Too much is looked at that devices bring whom the gateway does not know.
    #[error("too much is looked at that devices bring themselves")]
    Crowded,
    /// The store takes nothing now.
    #[error("the message cannot be stored now")]
    Store(#[from] StoreError),
    /// It was brought before, and whoever had it in hand could not take it.
    #[error("whoever had the message in hand could not take it")]
    LetGo,
    /// The gateway is stopping, and only the login that it was brought with could answer it.
    #[error("the gateway stops, and nobody could answer the message after that")]
    Stopping,
}
