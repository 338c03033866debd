//! A message that comes in from a bus elsewhere, and why it may not be received.

use std::time::Duration;

use thiserror::Error;

use crate::bus::Login;
use crate::bus::meshblu::firehose::FirehoseEvent;
use crate::message::{BadRoute, DeliveryId, Message, Route};
use crate::store::StoreError;

/// A message that somebody brings.
#[derive(Debug)]
pub struct Arrival {
    /// The way it took.
    pub route: Route,
    /// The message as JSON text.
    pub body: String,
    /// The message, if the text is one.
    pub message: Option<Message>,
    /// Its constant name, where its bus vouches for one: what has this name again is the same message.
    pub id: Option<DeliveryId>,
    /// The credentials device, where it came itself.
    pub caller: Option<Login>,
    /// How long whoever brings it wants to wait for its end, once it is on disk; to the end, where they do not say, as long as
    /// buses wait.
    pub patience: Option<Duration>,
}

impl From<FirehoseEvent> for Arrival {
    fn from(event: FirehoseEvent) -> Self {
        let message = serde_json::from_str(&event.body).ok();
        Self { route: event.route, body: event.body, message, id: None, caller: None, patience: None }
    }
}

/// Why a message was not received; nothing was done.
#[derive(Debug, Error)]
pub enum NotReceived {
    /// The route names nobody who could be answered.
    #[error(transparent)]
    BadRoute(#[from] BadRoute),
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
