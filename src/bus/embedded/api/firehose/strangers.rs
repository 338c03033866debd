//! Addresses whose handshakes are refused again and again.

use std::net::IpAddr;
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::lately::Lately;

const WINDOWS: usize = 4096;
const MINUTE: Duration = Duration::from_secs(60);

/// Handshakes that were refused within a minute.
#[derive(Debug)]
pub(in super::super) struct Strangers {
    at_most: u32,
    refused: Lately<IpAddr, u32>,
}

impl Strangers {
    pub(in super::super) fn new(at_most: u32) -> Self {
        Self { at_most, refused: Lately::new(WINDOWS, MINUTE) }
    }

    /// Counts a handshake of this address that is refused; answers whether there are too many by now.
    pub(super) fn count_refused(&self, address: IpAddr, now: Timestamp) -> bool {
        self.refused.count(&address, now) > self.at_most
    }
}
