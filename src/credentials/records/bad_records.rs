//! Records that did not open lately: none is tried twice within a while, and of one device only so many are.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use crate::ambient::Timestamp;
use crate::credentials::CredentialsError;
use crate::lately::Lately;
use crate::message::DeviceUuid;
use crate::store::StoredRecord;
use crate::vault::RecordError;

/// How many different records that one device brought along may fail to open: format 1 is decrypted before it can be
/// verified, so whoever writes such records chooses what the private key is used on (RUSTSEC-2023-0071).
const MOST: usize = 5;
/// Within which time.
const WITHIN: Duration = Duration::from_secs(60);
/// How many windows there are, less than a megabyte when nothing is in them.
const WINDOWS: usize = 1 << 14;

/// What did not open lately.
#[derive(Debug)]
pub(super) struct BadRecords {
    /// What each record is known by: nobody outside can know.
    names: RandomState,
    failed: Lately<DeviceUuid, Vec<Failed>>,
}

#[derive(Clone, Debug)]
struct Failed {
    record: u64,
    error: RecordError,
}

/// A record that a device brought along.
pub(super) struct BroughtRecord<'a> {
    pub(super) device: &'a DeviceUuid,
    pub(super) record: &'a StoredRecord,
}

impl Default for BadRecords {
    fn default() -> Self {
        Self { names: RandomState::new(), failed: Lately::new(WINDOWS, WITHIN) }
    }
}

impl BadRecords {
    /// What comes of opening a record, which is not tried where that is known, or too many others of its device failed.
    ///
    /// # Errors
    /// [`CredentialsError::Record`], or [`CredentialsError::TooManyFailures`].
    pub(super) fn open<T>(
        &self,
        brought: &BroughtRecord<'_>,
        now: Timestamp,
        open: impl FnOnce() -> Result<T, RecordError>,
    ) -> Result<T, CredentialsError> {
        let record = self.names.hash_one((brought.device, &brought.record.endo, &brought.record.signature));
        self.failed.look(brought.device, now, |failed| {
            match failed.iter().find(|it| it.record == record) {
                Some(Failed { error, .. }) => Err(CredentialsError::Record(*error)),
                None if failed.len() >= MOST => Err(CredentialsError::TooManyFailures),
                None => Ok(()),
            }
        })?;
        open().map_err(|error| {
            self.failed.note(brought.device, now, |failed| failed.push(Failed { record, error }));
            error.into()
        })
    }
}
