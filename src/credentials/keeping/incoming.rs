//! A secret on its way into a record, on whichever bus: what it takes over from the record before, and what follows from it.

use std::sync::Arc;

use super::before::{Before, Past, RecordBefore};
use super::brought::{BroughtToken, Heir, RefreshToken};
use crate::credentials::ends::arrivals::Arrival;
use crate::credentials::ends::stranded::take_up;
use crate::credentials::management::owners::{NewRecord, PresentRecord};
use crate::credentials::{Account, Again, CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{CopyOfLine, Moment, StoredRecord, StoredRenewal, Transaction};
use crate::vault::Credentials;

/// The secret of an account on its way.
#[derive(Clone)]
pub(super) struct Incoming {
    pub(super) devices: CredentialsDevices,
    pub(super) account: Arc<Account>,
    /// The only credentials that count, where some were named.
    pub(super) again: Option<Arc<Again>>,
    /// What the secret is until its record is stored.
    pub(super) arrival: Arc<Arrival>,
    /// The last moment of the store when it was there already: what was sent until then may have brought it.
    pub(super) came: Moment,
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
    life: StoredRenewal,
    /// What was to end and is in it.
    taken_up: Option<CopyOfLine>,
}

impl Incoming {
    /// The only device that counts, where one was named.
    pub(super) fn only(&self) -> Option<&DeviceUuid> {
        self.again.as_ref().map(|again| &again.device)
    }

    /// Checks that what is there is what whoever comes has shown, where they had to.
    fn check(&self, opened: &Credentials) -> Result<(), CredentialsError> {
        let present = self.again.as_ref().and_then(|again| again.present.as_ref());
        let is_it = present.is_none_or(|present| opened.secret().is(present.expose()));
        if is_it { Ok(()) } else { Err(CredentialsError::OtherSecret) }
    }

    /// What the next record takes over from this device's; nothing where that is another account's.
    pub(super) fn take_over(
        &self,
        candidate: &Candidate,
        brought: &BroughtToken,
    ) -> Result<Option<Before>, CredentialsError> {
        let Self { devices, account, .. } = self;
        let Candidate { device, present, renewal } = candidate;
        let opened = devices.opener.open_now(device, &present.record);
        let opened = devices.sealing.only_of(&account.id, &present.record, opened)?;
        let Some(opened) = opened else { return Ok(None) };
        self.check(&opened)?;
        let owners = devices.owners_in(present, device, &opened);
        let before = RecordBefore { record: &present.record, opened: &opened, renewal: renewal.as_ref() };
        let before = Before::read(&before, account, self.issued(brought));
        let before = devices.ending_at_once(device, account, before)?;
        Ok(Some(Before { owners, ..before }))
    }

    /// Seals it for `device`.
    pub(super) fn seal(
        &self,
        device: &DeviceUuid,
        mut before: Before,
        brought: &BroughtToken,
    ) -> Result<Sealed, CredentialsError> {
        let Self { devices, account, .. } = self;
        let taken_up = match before.refresh_token {
            Some(_) => None,
            None => self.renew_by_what_was_brought(&mut before, brought)?,
        };
        let refresh = before.refresh_token.as_ref().map(|refresh| refresh.known.clone());
        let past = std::mem::take(&mut before.past);
        let new = devices.seal(device, account, before)?;
        let life = devices.new_life(account, new.record.generation, refresh);
        Ok(Sealed { new, past, life, taken_up })
    }

    /// Has the secret be renewed by what the account brought, or by what was given for that; answers what is not to end
    /// then.
    fn renew_by_what_was_brought(
        &self,
        before: &mut Before,
        brought: &BroughtToken,
    ) -> Result<Option<CopyOfLine>, CredentialsError> {
        let Some(issued) = self.issued(brought) else { return Ok(None) };
        let heir = if issued.is_rotated() { self.heir(brought)? } else { None };
        let given = heir.as_ref().and_then(|heir| Some((heir, heir.opened.refresh_token()?)));
        if let Some((Heir { copy, opened }, token)) = given {
            before.set_aside.extend(opened.in_use(None).and_then(|grant| grant.part(true, false)));
            let (known, client) = (copy.refresh.clone(), opened.clients().refresh_token.clone());
            let token = token.copy();
            before.refresh_token = Some(RefreshToken { token, known, client, is_of_another_sign_in: false });
            return Ok(Some((*copy).clone()));
        }
        before.refresh_token = Some(RefreshToken {
            token: issued.token.copy(),
            known: issued.by_itself(self.devices.clock.now()),
            client: None,
            is_of_another_sign_in: false,
        });
        Ok(None)
    }

    /// Puts its record in the place of the one before; answers it.
    pub(super) fn put(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        sealed: Sealed,
    ) -> Result<StoredRecord, CredentialsError> {
        let Self { devices, account, .. } = self;
        let Sealed { new, past, life, taken_up } = sealed;
        if !new.store(transaction, device)? {
            return Err(CredentialsError::RolledBack);
        }
        Arc::clone(&self.arrival).claim(transaction)?;
        devices.retire(transaction, devices.replaced(device, account, new.crowded_out), &past)?;
        transaction.store_renewal(device, &life)?;
        if let Some(copy) = taken_up {
            take_up(transaction, &copy, devices.clock.now())?;
        }
        Ok(new.record)
    }
}
