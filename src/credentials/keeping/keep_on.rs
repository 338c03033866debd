//! Keeping a secret on a bus elsewhere: its device is found or made call by call, and the record is in the store before the
//! bus is told.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::as_it_stands::Change;
use super::before::Before;
use super::brought::BroughtToken;
use super::incoming::{Candidate, Incoming, Sealed};
use super::keep::{Account, Whereabouts};
use super::of_account::secret_of;
use crate::bus::meshblu::{Identity, Meshblu};
use crate::credentials::management::owners::PresentRecord;
use crate::credentials::{CredentialsDevices, CredentialsError, login_in};
use crate::message::DeviceUuid;
use crate::store::{StoreError, StoredRecord, StoredSubscription, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::SecretText;

/// When somebody else shows a record that whoever kept it could not show.
const SHOWN_BY_THEN: Duration = Duration::from_secs(10);
/// How long somebody looks again whose device was forgotten before its record was stored: browsers, and what stands before a
/// gateway, often give up after a minute.
const LONGEST: Duration = Duration::from_secs(45);

/// The account's device, and what the bus had to be asked for.
struct Found {
    device: DeviceUuid,
    /// The record that the bus alone has.
    shown: Option<StoredRecord>,
    /// Those of the owners whose names are known.
    known: Vec<DeviceUuid>,
    /// The token of the device, where its record holds none.
    token: Option<SecretText>,
}

impl CredentialsDevices {
    /// Keeps the account's secret on its credentials device, which is made where there is none.
    pub(super) async fn keep_on(
        &self,
        bus: &Meshblu,
        account: Arc<Account>,
        whereabouts: Whereabouts,
    ) -> Result<DeviceUuid, CredentialsError> {
        // Two who find nothing at the same time would make two devices of one account. Whoever typed a key in has the turn
        // of the id itself.
        let _turn = self.turn_of(&secret_of(&account.id)).await?;
        let end = Instant::now() + LONGEST;
        loop {
            match self.keep_what_is_found(bus, &account, &whereabouts).await {
                // What was found is forgotten meanwhile, or the keys are others by which it is found: then that was first, and
                // this comes after it.
                Err(CredentialsError::RolledBack) if Instant::now() < end => {}
                Err(CredentialsError::RolledBack) => return Err(CredentialsError::Busy),
                kept => return kept,
            }
        }
    }

    async fn keep_what_is_found(
        &self,
        bus: &Meshblu,
        account: &Arc<Account>,
        whereabouts: &Whereabouts,
    ) -> Result<DeviceUuid, CredentialsError> {
        let found = self.find_or_make_on(bus, account, whereabouts).await?;
        let device = found.device.clone();
        let (devices, account, whereabouts) = (self.clone(), Arc::clone(account), whereabouts.clone());
        self.change(Keeping { incoming: Incoming { devices, account, whereabouts }, found }).await?;
        // The record is kept, whatever comes of its copy, which follows.
        if let Err(error) = self.show_on(bus, &device).await {
            tracing::warn!(
                error = with_causes(&error),
                credentials.uuid = %device,
                "the bus does not show a new record yet"
            );
        }
        Ok(device)
    }

    /// The account's device; one that only claims to be the account's is passed over. Where there is none, one is made.
    async fn find_or_make_on(
        &self,
        bus: &Meshblu,
        account: &Account,
        whereabouts: &Whereabouts,
    ) -> Result<Found, CredentialsError> {
        if let Some(device) = whereabouts.only() {
            let record = self.record_on(bus, device).await?;
            let found = self.found_on(bus, Showing { device: device.clone(), record }, account).await?;
            return found.ok_or(CredentialsError::NoRecord);
        }
        let mut empty = Vec::new();
        let id_keys = self.id_keys(&account.id).await?;
        for mut candidate in self.candidates_on(bus, &id_keys).await? {
            let record = match self.stored_record(&candidate.device).await {
                Err(CredentialsError::NoRecord) => continue,
                record => record?.or(candidate.shown.take()),
            };
            let Some(record) = record else {
                empty.push(candidate);
                continue;
            };
            let showing = Showing { device: candidate.device, record };
            if let Some(found) = self.found_on(bus, showing, account).await? {
                return Ok(found);
            }
        }
        if !self.vault.are_current(&id_keys) {
            // Records may have gone over to a key that nothing was looked for by.
            return Err(CredentialsError::RolledBack);
        }
        if !self.store.has_room().await? {
            // Its record alone would find some, for a secret that takes the place of another.
            return Err(StoreError::Full.into());
        }
        let device = match self.begun_among(&account.id, empty).await? {
            Some(begun) => begun,
            None => self.begin_on(bus, &account.id, id_keys.newest()).await?,
        };
        hear(bus, &device).await?;
        let token = Some(make_token(bus, &device).await?);
        Ok(Found { device, shown: None, known: Vec::new(), token })
    }

    /// The device, if what its record holds is the account's.
    async fn found_on(
        &self,
        bus: &Meshblu,
        Showing { device, record }: Showing,
        account: &Account,
    ) -> Result<Option<Found>, CredentialsError> {
        let opened = self.open_record(device.clone(), record.clone()).await;
        let Some(opened) = self.sealing.only_of(&account.id, &record, opened)? else { return Ok(None) };
        let (opened, owners) = self.owners_of(&device, opened).await?;
        let known = self.name_owners(&device, owners, Some(&account.owner)).await?.named;
        let token = match login_in(&opened, &device) {
            Some(_) => None,
            None => Some(make_token(bus, &device).await?),
        };
        Ok(Some(Found { device, shown: Some(record), known, token }))
    }
}

/// A device and the record that it was found by.
struct Showing {
    device: DeviceUuid,
    record: StoredRecord,
}

/// A secret on its way into the record of the device that was found.
struct Keeping {
    incoming: Incoming,
    found: Found,
}

/// What the change hangs on.
#[derive(PartialEq)]
struct Ground {
    /// The device, where it has a record.
    candidate: Option<Candidate>,
    brought: BroughtToken,
}

impl Change for Keeping {
    type Ground = Ground;
    type Plan = Sealed;
    type Made = ();

    fn look(&self, view: &View<'_>) -> Result<Ground, CredentialsError> {
        let Found { device, shown, .. } = &self.found;
        let present = match PresentRecord::or_shown(view, device, shown.as_ref()) {
            // Where no device was named, the account's next is another.
            Err(CredentialsError::NoRecord) if self.incoming.whereabouts.only().is_none() => {
                return Err(CredentialsError::RolledBack);
            }
            present => present?,
        };
        let renewal = view.renewal(device)?;
        let candidate = present.map(|present| Candidate { device: device.clone(), present, renewal });
        Ok(Ground { candidate, brought: BroughtToken::look(view, &self.incoming.account)? })
    }

    fn plan(&self, Ground { candidate, brought }: &Ground) -> Result<Sealed, CredentialsError> {
        let Self { incoming, found: Found { device, known, token, .. } } = self;
        let mut before = match candidate {
            Some(candidate) => incoming.take_over(candidate, brought)?.ok_or(CredentialsError::NoRecord)?,
            None => Before::default(),
        };
        before.owners = incoming.devices.vault.name(before.owners, known);
        before.token = before.token.or_else(|| token.as_ref().map(SecretText::copy));
        incoming.seal(device, before, brought)
    }

    fn make(&self, transaction: &Transaction<'_>, sealed: Sealed) -> Result<(), CredentialsError> {
        let device = &self.found.device;
        self.incoming.put(transaction, device, sealed)?;
        // Whoever keeps it shows it at once; this is for where that comes to nothing.
        let shown_by = self.incoming.devices.clock.now().plus(SHOWN_BY_THEN);
        Ok(transaction.owe_projection(device, shown_by)?)
    }
}

/// Has the service hear what the device receives.
async fn hear(bus: &Meshblu, device: &DeviceUuid) -> Result<(), CredentialsError> {
    let service = bus.service();
    let heard = StoredSubscription::to_messages(&service.uuid, device);
    Ok(bus.subscribe(Identity::of(service), &heard).await?)
}

async fn make_token(bus: &Meshblu, device: &DeviceUuid) -> Result<SecretText, CredentialsError> {
    let login = bus.make_token(Identity::of(bus.service()), device).await?;
    Ok(SecretText::from(login.token.as_str()))
}
