//! Who is connected: the sessions by their names, as many as there may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::conversation::Call;
use super::limits::FirehoseLimits;
use super::rejection::Rejection;
use crate::bus::embedded::api::refusal::Refusal;
use crate::bus::embedded::api::slots::{Full, Slot, Slots};
use crate::message::DeviceUuid;

/// Calls that may wait at a session; whoever calls waits then.
const CALLS: usize = 8;

/// The sessions there are. Cheap to clone.
#[derive(Clone, Debug)]
pub(in super::super) struct Sessions {
    slots: Slots,
    of_a_device: usize,
    open: Arc<Mutex<HashMap<String, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    device: DeviceUuid,
    calls: mpsc::Sender<Call>,
}

/// The name and the slot of one session; both are free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) sid: String,
    pub(super) slot: Slot,
    sessions: Sessions,
}

impl Sessions {
    pub(in super::super) fn new(limits: FirehoseLimits) -> Self {
        let of_a_device = limits.device_sessions;
        Self { slots: Slots::new(limits.sessions, of_a_device), of_a_device, open: Arc::default() }
    }

    /// A seat for a session of `device` under the name `sid`, and both ends of the calls to it.
    pub(super) fn take_seat(
        &self,
        sid: String,
        device: DeviceUuid,
    ) -> Result<(Seat, mpsc::Sender<Call>, mpsc::Receiver<Call>), Rejection> {
        let slot = self.slots.take(device.clone()).map_err(|full| match full {
            Full::OfDevice => Rejection::AllSessions { at_most: self.of_a_device },
            Full::AtAll => Refusal::Crowded.into(),
        })?;
        let (calls, receiver) = mpsc::channel(CALLS);
        self.open().insert(sid.clone(), Entry { device, calls: calls.clone() });
        Ok((Seat { sid, slot, sessions: self.clone() }, calls, receiver))
    }

    /// The session `sid`, where the path names no other device than its own.
    pub(super) fn find(
        &self,
        sid: &str,
        device: Option<&DeviceUuid>,
    ) -> Result<mpsc::Sender<Call>, Rejection> {
        let open = self.open();
        let entry = open.get(sid).filter(|entry| device.is_none_or(|device| entry.device == *device));
        entry.map(|entry| entry.calls.clone()).ok_or(Rejection::UnknownSession)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.sessions.open().remove(&self.sid);
    }
}
