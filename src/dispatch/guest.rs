//! A message on its way through the reception, with whoever brought it.

use super::wait::Wait;
use super::{Arrival, NotReceived};
use crate::bus::Login;
use crate::credentials::OpenRecord;
use crate::memory::weight::{self, MAX_WEIGHT};
use crate::message::{DeviceUuid, Failure, Parties};

/// A message on its way through.
pub(super) struct Guest {
    pub(super) arrival: Arrival,
    pub(super) parties: Parties,
    /// What it takes in memory while it is worked on; nothing where it is small.
    pub(super) bytes: usize,
    /// What came of it when the record of a device that comes itself was looked at.
    pub(super) looked_at: Option<Result<OpenRecord, Failure>>,
    pub(super) speaker: Speaker,
    pub(super) wait: Wait,
}

/// Who can speak for the user device once whoever brought the message is gone.
#[derive(Clone)]
pub(super) enum Speaker {
    /// Whoever is found when the record is opened.
    Found,
    /// The credentials device, if the bus still takes the login that its record holds.
    Recorded(Login),
    /// Nobody: the login that was brought along is the only one.
    Nobody,
}

impl Guest {
    /// A message to the gateway with this uuid, for whose end nobody waits.
    ///
    /// # Errors
    /// [`NotReceived::BadRoute`] and [`NotReceived::TooLarge`].
    pub(super) fn new(arrival: Arrival, service: &DeviceUuid) -> Result<Self, NotReceived> {
        let parties = arrival.route.parties(service)?;
        let bytes = weight::of_message(arrival.body.as_bytes());
        if bytes > arrival.body.len() + 2 * MAX_WEIGHT {
            return Err(NotReceived::TooLarge);
        }
        Ok(Self { arrival, parties, bytes, looked_at: None, speaker: Speaker::Found, wait: Wait::nobodys() })
    }

    pub(super) fn has_login(&self) -> bool {
        self.arrival.caller.is_some()
    }

    /// Says that the message is on disk; whoever has it in hand sees to its reply.
    pub(super) fn wait_elsewhere(self) {
        self.wait.say_on_disk(Speaker::Found);
    }
}
