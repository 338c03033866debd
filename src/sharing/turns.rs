//! Turns to be worked on: so many pieces of work at a time, and so much of them, of which each device has its share, whether they
//! were just brought or wait in the store.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::shares::{Ask, Cost, Shares, Ticket};
use crate::message::DeviceUuid;

/// The turns of one worker. Cheap to clone; every clone gives the same ones. A device has no more than half of what others leave,
/// but one at least; who waits gets one before others who have more, and of one device who came first.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    shares: Mutex<Shares>,
    all: Cost,
}

/// A turn to be worked on, or room alone, given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    device: DeviceUuid,
    cost: Cost,
}

/// Somebody who waits for one, until this is dropped.
struct Waiting<'a> {
    turns: &'a Turns,
    ticket: Ticket,
}

impl Turns {
    /// So many turns at a time, but one at least, with room in memory for so many bytes of what has one.
    pub fn within(most: usize, bytes: usize) -> Self {
        let all = Cost { turns: most.max(1), bytes };
        Self(Arc::new(Parts { shares: Mutex::new(Shares::of(all)), all }))
    }

    /// How many there are.
    pub fn most(&self) -> usize {
        self.0.all.turns
    }

    /// How many nobody has.
    pub fn free(&self) -> usize {
        self.shares().free_turns()
    }

    /// A turn for work of this device that takes so many bytes, where there is one that nobody waits for.
    pub fn now(&self, device: &DeviceUuid, bytes: usize) -> Option<Turn> {
        let (told, mut turn) = oneshot::channel();
        drop(self.wait(device, self.cost(1, bytes), told)?);
        turn.try_recv().ok()
    }

    /// A turn, once there is one; none where they are closed.
    pub async fn next(&self, device: &DeviceUuid, bytes: usize) -> Option<Turn> {
        self.once_there_is(device, self.cost(1, bytes)).await
    }

    /// The same, or none where there is none for so long, if anybody says how long; for no time at all, one that is free.
    pub async fn next_within(
        &self,
        device: &DeviceUuid,
        bytes: usize,
        patience: Option<Duration>,
    ) -> Option<Turn> {
        within(patience, self.next(device, bytes)).await
    }

    /// Room in memory alone, for what somebody brings, or none where there is none for so long, if anybody says how long.
    pub async fn room_within(
        &self,
        device: &DeviceUuid,
        bytes: usize,
        patience: Option<Duration>,
    ) -> Option<Turn> {
        let cost = self.cost(0, bytes);
        if cost.bytes == 0 {
            return Some(Turn { turns: self.clone(), device: device.clone(), cost });
        }
        within(patience, self.once_there_is(device, cost)).await
    }

    /// Gives no more.
    pub fn close(&self) {
        self.shares().close();
    }

    /// Whether it gives no more.
    pub fn is_closed(&self) -> bool {
        self.shares().is_closed()
    }

    async fn once_there_is(&self, device: &DeviceUuid, cost: Cost) -> Option<Turn> {
        let (told, turn) = oneshot::channel();
        let _waiting = self.wait(device, cost, told)?;
        turn.await.ok()
    }

    fn wait(&self, device: &DeviceUuid, cost: Cost, told: oneshot::Sender<Turn>) -> Option<Waiting<'_>> {
        let ticket = self.change(|shares| shares.ask(device, cost, told))?;
        Some(Waiting { turns: self, ticket })
    }

    /// What takes more than there is at all has all of it.
    fn cost(&self, turns: usize, bytes: usize) -> Cost {
        Cost { turns, bytes: bytes.min(self.0.all.bytes) }
    }

    /// Changes the shares, and tells whoever gets a turn by that. Not while they are locked: the turn of somebody who left is
    /// given back at once.
    fn change<R>(&self, change: impl FnOnce(&mut Shares) -> R) -> R {
        let (changed, granted) = {
            let mut shares = self.shares();
            (change(&mut shares), shares.grant())
        };
        for Ask { ticket: Ticket { device, cost, .. }, told } in granted {
            drop(told.send(Turn { turns: self.clone(), device, cost }));
        }
        changed
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.0.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.change(|shares| shares.give_back(&self.device, self.cost));
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.turns.change(|shares| shares.withdraw(&self.ticket));
    }
}

async fn within(patience: Option<Duration>, turn: impl Future<Output = Option<Turn>>) -> Option<Turn> {
    match patience {
        Some(patience) => timeout(patience, turn).await.ok().flatten(),
        None => turn.await,
    }
}
