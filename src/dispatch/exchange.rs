//! A message that a person sends from a page, and what came of it.

use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout;

use super::{Desk, Endings, sent};
use crate::ambient::{Clock, Random, Timestamp};
use crate::bus::embedded::{BusError, EmbeddedBus};
use crate::bus::meshblu::{Identity, MeshbluError};
use crate::bus::{Bus, Login};
use crate::message::{Arrived, DeliveryId, DeviceUuid, Done, Ended, Message};
use crate::store::{Fate, Store, StoreError, Transaction, View};

/// Sends messages in the name of people, and waits for what comes of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exchange {
    bus: Bus,
    store: Store,
    endings: Endings,
    clock: Clock,
    random: Random,
    began_at: Timestamp,
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
    /// The same, and the gateway was started anew since it was sent: what was in hand then may be lost.
    Lost,
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
    /// It could not be noted, so it was not sent: nobody could ask for it.
    #[error("the message cannot be noted")]
    Store(#[from] StoreError),
}

impl Exchange {
    /// The exchange of the gateway that answers at `desk`.
    pub fn at(desk: &Desk) -> Self {
        Self {
            bus: desk.bus.clone(),
            store: desk.store.clone(),
            endings: desk.endings.clone(),
            clock: desk.clock.clone(),
            random: desk.random.clone(),
            began_at: desk.clock.now(),
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
                let mark = sent::mark(&self.random);
                body["metadata"]["respondTo"] = json!(mark);
                // Before it is sent: it may come back at once.
                self.note(mark.clone(), login.uuid.clone()).await?;
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
        // Before the store is asked: the end may come meanwhile.
        let (ending, _claim) = self.endings.listen(id);
        match self.kept(id, sender).await? {
            // Whoever waits in vain is told so; the answer may still come.
            Came::Nothing | Came::NotBack => drop(timeout(patience, ending).await),
            came => return Ok(came),
        }
        self.kept(id, sender).await
    }

    async fn note(&self, mark: DeliveryId, sender: DeviceUuid) -> Result<(), StoreError> {
        let now = self.clock.now();
        let note = move |transaction: &Transaction<'_>| transaction.note_sent(&mark, &sender, now);
        self.store.write(note).await
    }

    async fn kept(&self, id: &DeliveryId, sender: &DeviceUuid) -> Result<Came, StoreError> {
        let (mut id, sender, began_at) = (id.clone(), sender.clone(), self.began_at);
        let comes_back = self.bus.meshblu().is_some();
        let look = move |view: &View<'_>| {
            if comes_back {
                let Some(sent) = view.sent_message(&id, &sender)? else { return Ok(Came::Unknown) };
                let lost = if sent.sent_at < began_at { Came::Lost } else { Came::NotBack };
                let Some(delivery) = sent.delivery else { return Ok(lost) };
                id = delivery;
            }
            if view.is_under_way(&id, &sender)? {
                return Ok(Came::Nothing);
            }
            let ended = match view.outcomes(&id)?.into_iter().next() {
                Some(outcome) => ended(outcome.reply, outcome.fate, Arrived::Yes),
                None => view
                    .dead_letter(&id)?
                    .and_then(|letter| ended(letter.reply, letter.fate, Arrived::Unknown)),
            };
            let is_theirs = |ended: &Ended| ended.reply["devices"] == json!([sender]);
            Ok(ended.filter(is_theirs).map_or(Came::Unknown, Came::Ended))
        };
        self.store.read::<_, StoreError, _>(look).await
    }
}

/// What is kept of an end; whether the reply arrived is `else_arrived` where nothing was refused.
fn ended(reply: Option<String>, fate: Fate, else_arrived: Arrived) -> Option<Ended> {
    let reply: Value = serde_json::from_str(&reply?).ok()?;
    let done = fate.done.unwrap_or_else(|| Done::shown_by(&reply["metadata"]));
    Some(Ended { reply, done, arrived: fate.refusal.map_or(else_arrived, Arrived::No) })
}

async fn send_here(bus: &EmbeddedBus, login: Login, body: Value) -> Result<Sent, BusError> {
    let send = bus.change(move |bus, transaction| {
        let caller = bus.authenticate(transaction, &login)?;
        bus.changing(transaction, &caller).send_for_jobs(&body)
    });
    Ok(send.await?.into_iter().next().map_or(Sent::Ignored, Sent::Accepted))
}
