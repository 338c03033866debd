//! Who of those who wait gets a turn next, and room in memory.

use std::collections::{BTreeMap, HashMap};

use tokio::sync::oneshot;

use super::share::is_within_share;
use super::turns::Turn;
use crate::message::DeviceUuid;

/// What a piece of work takes while it is worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) turns: usize,
    /// In memory; nothing where it is small.
    pub(super) bytes: usize,
}

/// What somebody waits for, and since when: a later ticket has a higher number.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) device: DeviceUuid,
    pub(super) cost: Cost,
    number: u64,
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) ticket: Ticket,
    pub(super) told: oneshot::Sender<Turn>,
}

/// What each device has, and who waits.
#[derive(Debug)]
pub(super) struct Shares {
    free: Cost,
    /// Those that have something or wait.
    of_devices: HashMap<DeviceUuid, OfDevice>,
    /// The first of each line.
    firsts: BTreeMap<Rank, Ticket>,
    tickets: u64,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct OfDevice {
    held: Cost,
    /// What takes no room that counts, what does, and what wants room alone: who has to wait for one thing keeps back nobody who
    /// does not need it.
    lines: [BTreeMap<u64, Ask>; 3],
}

/// Where the first of a line stands: by how much their device has of what it is sparing of, and else by when they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    of: Spared,
    held: usize,
    number: u64,
}

/// What those who wait are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spared {
    /// Where no room is wanted.
    Turns,
    Bytes,
}

impl Shares {
    pub(super) fn of(all: Cost) -> Self {
        Self { free: all, of_devices: HashMap::new(), firsts: BTreeMap::new(), tickets: 0, is_closed: false }
    }

    /// Puts somebody at the end of their line; nobody where no turn is given any more.
    pub(super) fn ask(
        &mut self,
        device: &DeviceUuid,
        cost: Cost,
        told: oneshot::Sender<Turn>,
    ) -> Option<Ticket> {
        if self.is_closed && cost.turns > 0 {
            return None;
        }
        let ticket = Ticket { device: device.clone(), cost, number: self.tickets };
        self.tickets += 1;
        let ask = Ask { ticket: ticket.clone(), told };
        self.change(device, |of_device| of_device.line(cost).insert(ask.ticket.number, ask));
        Some(ticket)
    }

    /// Takes somebody out of their line who waits no more, if they are still there.
    pub(super) fn withdraw(&mut self, ticket: &Ticket) {
        self.change(&ticket.device, |of_device| of_device.line(ticket.cost).remove(&ticket.number));
    }

    pub(super) fn give_back(&mut self, device: &DeviceUuid, cost: Cost) {
        self.free = self.free.and(cost);
        self.change(device, |of_device| of_device.held = of_device.held.without(cost));
    }

    /// Takes those out of their lines who get what they wait for now.
    pub(super) fn grant(&mut self) -> Vec<Ask> {
        let mut granted = Vec::new();
        while let Some(Ticket { device, cost, number }) = self.next_up() {
            self.free = self.free.without(cost);
            granted.extend(self.change(&device, |of_device| {
                of_device.held = of_device.held.and(cost);
                of_device.line(cost).remove(&number)
            }));
        }
        granted
    }

    /// Gives no more turns.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.firsts.retain(|_, ticket| ticket.cost.turns == 0);
        for of_device in self.of_devices.values_mut() {
            of_device.lines.iter_mut().for_each(|line| line.retain(|_, ask| ask.ticket.cost.turns == 0));
        }
        self.of_devices.retain(|_, of_device| !of_device.is_idle());
    }

    /// How many turns nobody has.
    pub(super) fn free_turns(&self) -> usize {
        self.free.turns
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Of what is small, that of the device that has the fewest turns, and else who waits longest. Of what takes room, that of
    /// the device that has the least of it, or nothing where that does not fit: it would wait for as long as there is something
    /// that takes less.
    fn next_up(&self) -> Option<Ticket> {
        let fits =
            |ticket: &&Ticket| ticket.cost.turns <= self.free.turns && ticket.cost.bytes <= self.free.bytes;
        let best = [Spared::Turns, Spared::Bytes].into_iter().filter_map(|of| self.best(of));
        let next = best.filter(fits).min_by_key(|ticket| (self.held(ticket).turns, ticket.number));
        next.cloned()
    }

    /// The first who may have what they want besides what their device has. Whoever has nothing may, so those who stand before
    /// it are no more than there are turns and room for.
    fn best(&self, of: Spared) -> Option<&Ticket> {
        let those =
            self.firsts.range(Rank { of, held: 0, number: 0 }..).take_while(|(rank, _)| rank.of == of);
        let mut tickets = those.map(|(_, ticket)| ticket);
        tickets.find(|ticket| self.held(ticket).may_grow_by(ticket.cost, self.free))
    }

    fn held(&self, ticket: &Ticket) -> Cost {
        self.of_devices.get(&ticket.device).map_or_else(Cost::default, |of_device| of_device.held)
    }

    /// Changes what a device has, or who waits for it, and forgets it where that leaves nothing.
    fn change<R>(&mut self, device: &DeviceUuid, change: impl FnOnce(&mut OfDevice) -> R) -> R {
        let mut of_device = self.of_devices.remove(device).unwrap_or_default();
        for (rank, _) in of_device.firsts() {
            self.firsts.remove(&rank);
        }
        let changed = change(&mut of_device);
        self.firsts.extend(of_device.firsts().map(|(rank, ticket)| (rank, ticket.clone())));
        if !of_device.is_idle() {
            self.of_devices.insert(device.clone(), of_device);
        }
        changed
    }
}

impl OfDevice {
    fn line(&mut self, cost: Cost) -> &mut BTreeMap<u64, Ask> {
        let line = match cost {
            Cost { turns: 0, .. } => 2,
            Cost { bytes: 0, .. } => 0,
            _ => 1,
        };
        &mut self.lines[line]
    }

    fn firsts(&self) -> impl Iterator<Item = (Rank, &Ticket)> {
        self.lines.iter().filter_map(BTreeMap::first_key_value).map(|(number, Ask { ticket, .. })| {
            let (of, held) = match ticket.cost.bytes {
                0 => (Spared::Turns, self.held.turns),
                _ => (Spared::Bytes, self.held.bytes),
            };
            (Rank { of, held, number: *number }, ticket)
        })
    }

    fn is_idle(&self) -> bool {
        self.held == Cost::default() && self.lines.iter().all(BTreeMap::is_empty)
    }
}

impl Cost {
    fn and(self, other: Self) -> Self {
        Self { turns: self.turns + other.turns, bytes: self.bytes + other.bytes }
    }

    fn without(self, part: Self) -> Self {
        Self { turns: self.turns - part.turns, bytes: self.bytes - part.bytes }
    }

    /// Whether whoever holds this may have `more`, where so much is free.
    fn may_grow_by(self, more: Self, free: Self) -> bool {
        is_within_share(free.turns, self.turns, more.turns)
            && is_within_share(free.bytes, self.bytes, more.bytes)
    }
}
