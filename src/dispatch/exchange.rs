//! A message that a person sends from a page, and what came of it.

use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout;

use super::{Desk, Endings};
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::bus::meshblu::{Identity, MeshbluError};
use crate::bus::{Bus, Login};
use crate::message::{DeliveryId, DeviceUuid, Message};
use crate::store::{Store, StoreError, View};

/// Sends messages in the name of people, and waits for what comes of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchange {
    bus: Bus,
    store: Store,
    endings: Endings,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is work of this name.
    Accepted(DeliveryId),
    /// The device did not take it, or nobody works on what it takes.
    Ignored,
    /// A bus elsewhere has it; the answer goes to the sender there, and is not seen here.
    Elsewhere,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// This message, which the sender got, or would have got.
    Reply(Value),
    /// Nothing so far: it is still worked on.
    Nothing,
    /// Nobody here knows of such a message of theirs, or not any more.
    Unknown,
}

/// Why a message was not sent.
#[derive(Debug, Error)]
pub enum NotSent {
    /// The bus in this process refused it.
    #[error("the bus refused the message")]
    Bus(#[from] BusError),
    /// A bus elsewhere refused it, or did not answer.
    #[error("the bus elsewhere refused the message")]
    Meshblu(#[from] MeshbluError),
}

impl Exchange {
    /// The exchange of the gateway that answers at `desk`.
    pub fn at(desk: &Desk) -> Self {
        Self { bus: desk.bus.clone(), store: desk.store.clone(), endings: desk.endings.clone() }
    }

    /// Sends `message` to a device, as the caller that `login` proves to be.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, login: &Login, to: &DeviceUuid, message: Message) -> Result<Sent, NotSent> {
        let mut body = json!({"devices": [to], "metadata": message.metadata.unwrap_or_default()});
        if let Some(data) = message.data {
            body["data"] = data;
        }
        match &self.bus {
            Bus::Embedded(bus) => Ok(send_here(bus, login.clone(), body).await?),
            Bus::Meshblu(bus) => {
                bus.send(Identity::of(login), &body.to_string()).await?;
                Ok(Sent::Elsewhere)
            }
        }
    }

    /// What came of a message that `sender` sent; waits for it this long. Others' messages are not known.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn came_of(
        &self,
        id: &DeliveryId,
        sender: &DeviceUuid,
        patience: Duration,
    ) -> Result<Came, StoreError> {
        // Before the store is asked: the end may come meanwhile.
        let (ending, _claim) = self.endings.listen(id);
        match self.kept(id, sender).await? {
            // Whoever waits in vain is told so; the answer may still come.
            Came::Nothing => drop(timeout(patience, ending).await),
            came => return Ok(came),
        }
        self.kept(id, sender).await
    }

    async fn kept(&self, id: &DeliveryId, sender: &DeviceUuid) -> Result<Came, StoreError> {
        let (id, sender) = (id.clone(), sender.clone());
        let look = move |view: &View<'_>| {
            if view.is_queued(&id)? {
                return Ok(Came::Nothing);
            }
            let outcome = view.outcomes(&id)?.into_iter().next();
            let reply = outcome.and_then(|outcome| serde_json::from_str::<Value>(&outcome.reply?).ok());
            let is_theirs = |reply: &Value| reply["devices"] == json!([sender]);
            Ok(reply.filter(is_theirs).map_or(Came::Unknown, Came::Reply))
        };
        self.store.read::<_, StoreError, _>(look).await
    }
}

async fn send_here(bus: &EmbeddedBus, login: Login, body: Value) -> Result<Sent, BusError> {
    let send = bus.change(move |bus, transaction| {
        let caller = bus.authenticate(transaction, &login)?;
        bus.send_for_jobs(transaction, &caller, &body)
    });
    Ok(send.await?.into_iter().next().map_or(Sent::Ignored, Sent::Accepted))
}
