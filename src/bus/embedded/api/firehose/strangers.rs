//! Addresses whose handshakes are refused again and again.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ambient::Timestamp;

/// More addresses than these are counted as one.
const ADDRESSES: usize = 4096;
const OTHERS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const MINUTE: i64 = 60_000;

/// Refused handshakes of this minute.
#[derive(Debug)]
pub(in super::super) struct Strangers {
    at_most: u32,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    minute: i64,
    refusals: HashMap<IpAddr, u32>,
}

impl Counted {
    fn refusals(&mut self, address: IpAddr) -> &mut u32 {
        let counted = self.refusals.len() < ADDRESSES || self.refusals.contains_key(&address);
        self.refusals.entry(if counted { address } else { OTHERS }).or_default()
    }
}

impl Strangers {
    pub(in super::super) fn new(at_most: u32) -> Self {
        Self { at_most, counted: Mutex::default() }
    }

    /// Counts a handshake of this address that is refused; answers whether there are too many by now.
    pub(super) fn is_one_too_many(&self, address: IpAddr, now: Timestamp) -> bool {
        let mut counted = self.of_this_minute(now);
        let refusals = counted.refusals(address);
        *refusals = refusals.saturating_add(1);
        *refusals > self.at_most
    }

    fn of_this_minute(&self, now: Timestamp) -> MutexGuard<'_, Counted> {
        let minute = now.as_millis().div_euclid(MINUTE);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.minute != minute {
            *counted = Counted { minute, refusals: HashMap::new() };
        }
        counted
    }
}
