//! What fits into a room, as far as one look at it tells.

use std::cell::Cell;

use super::Room;

/// For whoever chooses what to put into a room next, in the order of their turns.
#[derive(Debug)]
pub struct Outlook {
    room: Room,
    /// What was free when it was looked at.
    free: u32,
    /// What of it may be used.
    left: Cell<u32>,
    is_short: Cell<bool>,
}

impl Outlook {
    /// What fits into this room now.
    pub fn of(room: &Room) -> Self {
        let free = room.free_units();
        Self { room: room.clone(), free, left: Cell::new(free), is_short: Cell::default() }
    }

    /// Whether something of so many bytes fits.
    pub fn fits(&self, bytes: usize) -> bool {
        let fits = self.room.units_at_most(bytes) <= self.left.get();
        self.is_short.set(self.is_short.get() || !fits);
        fits
    }

    /// Leaves what is free to somebody whose turn it was and whose did not fit: from now on nothing fits that is counted. Else
    /// what is large would wait for as long as there is something smaller.
    pub fn leave_to_whom_it_is_too_small(&self) {
        self.left.set(0);
    }

    /// Whether something did not fit.
    pub fn is_short(&self) -> bool {
        self.is_short.get()
    }

    /// Whether more is free by now.
    pub fn has_more_now(&self) -> bool {
        self.room.free_units() > self.free
    }
}
