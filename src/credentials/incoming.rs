//! A secret on its way into a record, on whichever bus: what it takes over from the record before, and what follows from it.

use std::sync::Arc;

use super::before::{Before, Past, RenewedBy};
use super::keep::{Account, Whereabouts};
use super::owners::{NewRecord, PresentRecord};
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoredRecord, StoredRenewal, Transaction};

/// The secret of an account on its way.
#[derive(Clone)]
pub(super) struct Incoming {
    pub(super) devices: CredentialsDevices,
    pub(super) account: Arc<Account>,
    pub(super) whereabouts: Whereabouts,
}

/// A device that may be the account's.
#[derive(PartialEq)]
pub(super) struct Candidate {
    pub(super) device: DeviceUuid,
    pub(super) present: PresentRecord,
    pub(super) renewal: Option<StoredRenewal>,
}

/// A record that holds the secret, and what becomes of the one before.
pub(super) struct Sealed {
    new: NewRecord,
    past: Past,
    renewed_by: RenewedBy,
}

impl Incoming {
    /// What the next record takes over from this device's; nothing where that is another account's.
    pub(super) fn take_over(&self, candidate: &Candidate) -> Result<Option<Before>, CredentialsError> {
        let Self { devices, account, whereabouts } = self;
        let Candidate { device, present, renewal } = candidate;
        let opened = devices.open_now(device, &present.record);
        let opened = devices.sealing.only_of(&account.id, &present.record, opened)?;
        let Some(opened) = opened else { return Ok(None) };
        whereabouts.check(&opened)?;
        let owners = devices.owners_in(present, device, &opened);
        let before = Before::read(&present.record, &opened, account, renewal.as_ref());
        let before = devices.ending_at_once(device, account, before)?;
        Ok(Some(Before { owners, ..before }))
    }

    /// Seals it for `device`.
    pub(super) fn seal(&self, device: &DeviceUuid, mut before: Before) -> Result<Sealed, CredentialsError> {
        let (past, renewed_by) = (std::mem::take(&mut before.past), before.renewed_by(&self.account));
        let new = self.devices.seal(device, &self.account, before)?;
        Ok(Sealed { new, past, renewed_by })
    }

    /// Puts its record in the place of the one before; answers it.
    pub(super) fn put(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        sealed: Sealed,
    ) -> Result<StoredRecord, CredentialsError> {
        let Self { devices, account, whereabouts } = self;
        let Sealed { new, past, renewed_by } = sealed;
        if !new.store(transaction, device)? {
            return Err(CredentialsError::RolledBack);
        }
        Arc::clone(&whereabouts.arrival).claim(transaction)?;
        devices.retire(transaction, devices.replaced(device, account, new.crowded_out), &past)?;
        devices.new_life(account, new.record.generation, renewed_by).begin(transaction, device)?;
        Ok(new.record)
    }
}
