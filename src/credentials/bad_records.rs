//! Records that did not open lately: none is tried twice within a while, and of one device only so many are.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::CredentialsError;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::StoredRecord;
use crate::vault::RecordError;

/// How many different records that one device brought along may fail to open: format 1 is decrypted before it can be
/// verified, so whoever writes such records chooses what the private key is used on (RUSTSEC-2023-0071).
const MOST: usize = 5;
/// Within which time.
const WITHIN: Duration = Duration::from_secs(60);
/// How many windows there are, half a megabyte when nothing is in them. None is ever forgotten before its time; devices that
/// share one, whom chance alone chooses, have their failures together.
const WINDOWS: usize = 1 << 14;

/// What did not open lately.
#[derive(Debug)]
pub(super) struct BadRecords {
    /// Which device is in which window, and what each record is known by: nobody outside can know.
    lots: RandomState,
    windows: Mutex<Vec<Window>>,
}

/// The failures since a moment.
#[derive(Clone, Debug)]
struct Window {
    since: Timestamp,
    failed: Vec<Failed>,
}

#[derive(Clone, Debug)]
struct Failed {
    record: u64,
    error: RecordError,
}

/// A record that a device brought along.
pub(super) struct Brought<'a> {
    pub(super) device: &'a DeviceUuid,
    pub(super) record: &'a StoredRecord,
}

impl Window {
    /// Also over when the clock was set back to before it began.
    fn is_over(&self, now: Timestamp) -> bool {
        now < self.since || now.since(self.since) >= WITHIN
    }

    fn note(&mut self, failed: Failed, now: Timestamp) {
        if self.failed.is_empty() {
            self.since = now;
        }
        self.failed.push(failed);
    }
}

impl Default for BadRecords {
    fn default() -> Self {
        let none = Window { since: Timestamp::from_millis(0), failed: Vec::new() };
        Self { lots: RandomState::new(), windows: Mutex::new(vec![none; WINDOWS]) }
    }
}

impl BadRecords {
    /// What comes of opening a record, which is not tried where that is known, or too many others of its device failed.
    ///
    /// # Errors
    /// [`CredentialsError::Record`], or [`CredentialsError::TooManyFailures`].
    pub(super) fn open<T>(
        &self,
        brought: &Brought<'_>,
        now: Timestamp,
        open: impl FnOnce() -> Result<T, RecordError>,
    ) -> Result<T, CredentialsError> {
        let record = self.lots.hash_one((brought.device, &brought.record.endo, &brought.record.signature));
        self.with_window(brought.device, now, |Window { failed, .. }| {
            match failed.iter().find(|it| it.record == record) {
                Some(Failed { error, .. }) => Err(CredentialsError::Record(*error)),
                None if failed.len() >= MOST => Err(CredentialsError::TooManyFailures),
                None => Ok(()),
            }
        })?;
        open().map_err(|error| {
            self.with_window(brought.device, now, |window| window.note(Failed { record, error }, now));
            error.into()
        })
    }

    /// Every change leaves the windows whole, also where a panic came in between.
    fn with_window<T>(&self, device: &DeviceUuid, now: Timestamp, act: impl FnOnce(&mut Window) -> T) -> T {
        let lot = self.lots.hash_one(device) % WINDOWS as u64;
        let lot = usize::try_from(lot).expect("there are not so many windows");
        let window = &mut self.windows.lock().unwrap_or_else(PoisonError::into_inner)[lot];
        if window.is_over(now) {
            window.failed = Vec::new();
        }
        act(window)
    }
}
