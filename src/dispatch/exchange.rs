//! A message that a person sends from a page, and what came of it.

use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout;

use super::{Awaited, Desk, Endings};
use crate::ambient::{Clock, Random};
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::bus::meshblu::{Identity, MeshbluError};
use crate::bus::{Bus, Login};
use crate::message::{Arrived, DeliveryId, DeviceUuid, Done, Ended, Message};
use crate::store::{Fate, Store, StoreError, View};

/// Sends messages in the name of people, and waits for what comes of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchange {
    bus: Bus,
    store: Store,
    endings: Endings,
    awaited: Awaited,
    clock: Clock,
    random: Random,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// What comes of it is to be asked for by this name.
    Accepted(DeliveryId),
    /// The device did not take it, or nobody works on what it takes.
    Ignored,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// It ended so.
    Ended(Ended),
    /// Nothing so far: it is still worked on.
    Nothing,
    /// A bus elsewhere has it; it did not bring it here so far, or it is still worked on.
    NotBack,
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
        Self {
            bus: desk.bus.clone(),
            store: desk.store.clone(),
            endings: desk.endings.clone(),
            awaited: desk.awaited.clone(),
            clock: desk.clock.clone(),
            random: desk.random.clone(),
        }
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
                let mark = DeliveryId::from(self.random.uuid());
                body["metadata"]["respondTo"] = json!(mark);
                // Before it is sent: it may come back at once.
                self.awaited.note(mark.clone(), &login.uuid, self.clock.now());
                bus.send(Identity::of(login), &body.to_string()).await?;
                Ok(Sent::Accepted(mark))
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
        if self.bus.meshblu().is_some() {
            return self.came_back(id, sender, patience).await;
        }
        // Before the store is asked: the end may come meanwhile.
        let (ending, _claim) = self.endings.listen(id);
        match self.kept(id, sender).await? {
            // Whoever waits in vain is told so; the answer may still come.
            Came::Nothing => drop(timeout(patience, ending).await),
            came => return Ok(came),
        }
        self.kept(id, sender).await
    }

    /// The same of a message that comes back from a bus elsewhere.
    async fn came_back(
        &self,
        mark: &DeliveryId,
        sender: &DeviceUuid,
        patience: Duration,
    ) -> Result<Came, StoreError> {
        let Some(mut ended) = self.awaited.listen(mark, sender) else { return Ok(Came::Unknown) };
        let delivery = async { ended.wait_for(Option::is_some).await.ok()?.clone() };
        match timeout(patience, delivery).await {
            Ok(Some(id)) => self.kept(&id, sender).await,
            Ok(None) | Err(_) => Ok(Came::NotBack),
        }
    }

    async fn kept(&self, id: &DeliveryId, sender: &DeviceUuid) -> Result<Came, StoreError> {
        let (id, sender) = (id.clone(), sender.clone());
        let look = move |view: &View<'_>| {
            if view.is_queued(&id)? {
                return Ok(Came::Nothing);
            }
            let ended = match view.outcomes(&id)?.into_iter().next() {
                Some(outcome) => ended(outcome.reply, (outcome.fate, Arrived::Yes)),
                None => view
                    .dead_letter(&id)?
                    .and_then(|letter| ended(letter.reply, (letter.fate, Arrived::Unknown))),
            };
            let is_theirs = |ended: &Ended| ended.reply["devices"] == json!([sender]);
            Ok(ended.filter(is_theirs).map_or(Came::Unknown, Came::Ended))
        };
        self.store.read::<_, StoreError, _>(look).await
    }
}

/// What is kept of an end; whether the reply arrived is `else_arrived` where nothing was refused.
fn ended(reply: Option<String>, (fate, else_arrived): (Fate, Arrived)) -> Option<Ended> {
    let reply: Value = serde_json::from_str(&reply?).ok()?;
    let done = fate.done.unwrap_or_else(|| Done::shown_by(&reply["metadata"]));
    Some(Ended { reply, done, arrived: fate.refusal.map_or(else_arrived, Arrived::No) })
}

async fn send_here(bus: &EmbeddedBus, login: Login, body: Value) -> Result<Sent, BusError> {
    let send = bus.change(move |bus, transaction| {
        let caller = bus.authenticate(transaction, &login)?;
        bus.send_for_jobs(transaction, &caller, &body)
    });
    Ok(send.await?.into_iter().next().map_or(Sent::Ignored, Sent::Accepted))
}
