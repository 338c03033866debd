//! Who of those who wait gets a turn next, and room in memory.

use std::collections::{HashMap, VecDeque};

use tokio::sync::oneshot;

use super::turns::Turn;
use crate::message::DeviceUuid;

/// What a piece of work takes while it is worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) turns: usize,
    /// In memory; nothing where it is small.
    pub(super) bytes: usize,
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) device: DeviceUuid,
    pub(super) cost: Cost,
    pub(super) told: oneshot::Sender<Turn>,
    ticket: u64,
}

/// What each device has, and who waits.
#[derive(Debug)]
pub(super) struct Shares {
    free: Cost,
    of_devices: HashMap<DeviceUuid, OfDevice>,
    tickets: u64,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct OfDevice {
    held: Cost,
    /// What takes no room that counts, what does, and what wants room alone: who has to wait for one thing keeps back nobody who
    /// does not need it.
    lines: [VecDeque<Ask>; 3],
}

impl Shares {
    pub(super) fn of(all: Cost) -> Self {
        Self { free: all, of_devices: HashMap::new(), tickets: 0, is_closed: false }
    }

    /// Puts somebody at the end of their line, and answers their ticket; none where no turn is given any more.
    pub(super) fn ask(
        &mut self,
        device: &DeviceUuid,
        cost: Cost,
        told: oneshot::Sender<Turn>,
    ) -> Option<u64> {
        if self.is_closed && cost.turns > 0 {
            return None;
        }
        let ticket = self.tickets;
        self.tickets += 1;
        let line = self.of_devices.entry(device.clone()).or_default().line(cost);
        while line.back().is_some_and(Ask::has_left) {
            line.pop_back();
        }
        line.push_back(Ask { device: device.clone(), cost, told, ticket });
        Some(ticket)
    }

    /// Takes somebody out of their line who has just come.
    pub(super) fn withdraw(&mut self, device: &DeviceUuid, cost: Cost, ticket: u64) {
        let Some(of_device) = self.of_devices.get_mut(device) else { return };
        let line = of_device.line(cost);
        if line.back().is_some_and(|ask| ask.ticket == ticket) {
            line.pop_back();
        }
        self.forget_idle(device);
    }

    pub(super) fn give_back(&mut self, device: &DeviceUuid, cost: Cost) {
        self.free = Cost { turns: self.free.turns + cost.turns, bytes: self.free.bytes + cost.bytes };
        if let Some(of_device) = self.of_devices.get_mut(device) {
            of_device.held.turns -= cost.turns;
            of_device.held.bytes -= cost.bytes;
        }
        self.forget_idle(device);
    }

    /// Takes those out of their lines who get what they wait for now.
    pub(super) fn grant(&mut self) -> Vec<Ask> {
        let mut granted = Vec::new();
        while let Some((device, cost)) = self.next_up() {
            let of_device = self.of_devices.entry(device).or_default();
            granted.extend(of_device.line(cost).pop_front());
            of_device.held.turns += cost.turns;
            of_device.held.bytes += cost.bytes;
            self.free = Cost { turns: self.free.turns - cost.turns, bytes: self.free.bytes - cost.bytes };
        }
        granted
    }

    /// Gives no more turns.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        let lines = self.of_devices.values_mut().flat_map(|of_device| &mut of_device.lines);
        lines.for_each(|line| line.retain(|ask| ask.cost.turns == 0));
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
    fn next_up(&mut self) -> Option<(DeviceUuid, Cost)> {
        self.forget_those_who_left();
        let free = self.free;
        let (mut small, mut large) = (None, None);
        for of_device in self.of_devices.values() {
            let held = of_device.held;
            for line in &of_device.lines {
                let Some(ask) = line.front().filter(|ask| is_within_share(free, held, ask.cost)) else {
                    continue;
                };
                let (best, has) = match ask.cost.bytes {
                    0 => (&mut small, held.turns),
                    _ => (&mut large, held.bytes),
                };
                if best.as_ref().is_none_or(|(before, _, _)| (has, ask.ticket) < *before) {
                    *best = Some(((has, ask.ticket), held.turns, ask));
                }
            }
        }
        let fits = |ask: &Ask| ask.cost.turns <= free.turns && ask.cost.bytes <= free.bytes;
        let fitting = [small, large].into_iter().flatten().filter(|(_, _, ask)| fits(ask));
        let next = fitting.min_by_key(|(_, turns, ask)| (*turns, ask.ticket));
        next.map(|(_, _, ask)| (ask.device.clone(), ask.cost))
    }

    /// Forgets whoever stands in front and waits no more, and devices of which nothing is left by that.
    fn forget_those_who_left(&mut self) {
        self.of_devices.retain(|_, of_device| {
            for line in &mut of_device.lines {
                while line.front().is_some_and(Ask::has_left) {
                    line.pop_front();
                }
            }
            !of_device.is_idle()
        });
    }

    fn forget_idle(&mut self, device: &DeviceUuid) {
        if self.of_devices.get(device).is_some_and(OfDevice::is_idle) {
            self.of_devices.remove(device);
        }
    }
}

impl OfDevice {
    fn line(&mut self, cost: Cost) -> &mut VecDeque<Ask> {
        let line = match cost {
            Cost { turns: 0, .. } => 2,
            Cost { bytes: 0, .. } => 0,
            _ => 1,
        };
        &mut self.lines[line]
    }

    fn is_idle(&self) -> bool {
        self.held == Cost::default() && self.lines.iter().all(VecDeque::is_empty)
    }
}

impl Ask {
    fn has_left(&self) -> bool {
        self.told.is_closed()
    }
}

/// Whether a device that holds so much may have this too: no more than half of what others leave, but one at least.
fn is_within_share(free: Cost, held: Cost, wanted: Cost) -> bool {
    let may = |free: usize, held: usize, wanted: usize| {
        wanted == 0 || held == 0 || held + wanted <= (free + held).div_ceil(2)
    };
    may(free.turns, held.turns, wanted.turns) && may(free.bytes, held.bytes, wanted.bytes)
}
