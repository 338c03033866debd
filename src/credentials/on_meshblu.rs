//! Credentials devices on a bus elsewhere: the same life, call by call (`spec/endo.md` 2.5, 2.7, 2.8, 2.10).

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::bind::subscription;
use super::keep::{ATTEMPTS, Account, Before, Past, RenewedBy, STRANGERS, Whereabouts};
use super::open::stored_record;
use super::owners::NewRecord;
use super::{CredentialsDevices, CredentialsError};
use crate::bus::Login;
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::message::DeviceUuid;
use crate::store::{Binding, StoredRecord, StoredRenewal, StoredSubscription, Transaction};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, IdKeys, SealError, SecretText};

/// When somebody else shows a record that whoever kept it could not show.
const SHOWN_BY_THEN: Duration = Duration::from_secs(10);

/// What a bus shows of a credentials device; whoever made that up decides what it is.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    uuid: Value,
    endo: Option<Box<RawValue>>,
    #[serde(default, rename = "endoSignature")]
    signature: Value,
}

/// What a device shows in the place of a record that was not kept on it yet.
#[derive(Deserialize)]
struct Begun {
    begun: String,
}

/// A device that says it is an account's.
pub(super) struct Candidate {
    pub(super) device: DeviceUuid,
    /// The record that it shows.
    pub(super) shown: Option<StoredRecord>,
    /// The mark that it shows instead.
    pub(super) begun: Option<String>,
}

impl Shown {
    fn begun(&self) -> Option<String> {
        let begun: Begun = serde_json::from_str(self.endo.as_ref()?.get()).ok()?;
        Some(begun.begun)
    }

    fn candidate(self) -> Option<Candidate> {
        let (device, begun) = (self.uuid.as_str()?.into(), self.begun());
        Some(Candidate { device, shown: self.record(), begun })
    }

    fn record(self) -> Option<StoredRecord> {
        if self.begun().is_some() {
            return None;
        }
        let signature = self.signature.as_str().unwrap_or_default().to_owned();
        Some(StoredRecord { generation: 0, endo: self.endo?.get().to_owned(), signature, source: None })
    }
}

impl CredentialsDevices {
    /// The newest record of a credentials device: the store's, else the one that the service can see.
    pub(super) async fn record_on(
        &self,
        bus: &Meshblu,
        credentials: &DeviceUuid,
    ) -> Result<StoredRecord, CredentialsError> {
        match self.stored_record(credentials).await? {
            Some(record) => Ok(record),
            None => record_shown_by(bus, credentials).await,
        }
    }

    async fn stored_record(
        &self,
        credentials: &DeviceUuid,
    ) -> Result<Option<StoredRecord>, CredentialsError> {
        let credentials = credentials.clone();
        self.store.read(move |view| stored_record(view, &credentials)).await
    }

    /// Keeps the account's secret on its credentials device, which is made where there is none. The record is in the
    /// store before the bus is told.
    pub(super) async fn keep_on(
        &self,
        bus: &Meshblu,
        account: Arc<Account>,
        whereabouts: Whereabouts,
    ) -> Result<DeviceUuid, CredentialsError> {
        // Two who find nothing at the same time would make two devices of one account; of two who find the same one, the
        // second would be refused. Whoever typed a key in has the turn of the id itself.
        let _turn = self.turn_of(&format!("the secret of {}", account.id.to_value())).await?;
        for _ in 0..ATTEMPTS {
            match self.keep_what_is_found(bus, &account, &whereabouts).await {
                // What was found is forgotten meanwhile, or newer, or the keys are others by which it is found: then that
                // was first, and this comes after it.
                Err(CredentialsError::RolledBack) => {}
                kept => return kept,
            }
        }
        Err(CredentialsError::Busy)
    }

    async fn keep_what_is_found(
        &self,
        bus: &Meshblu,
        account: &Arc<Account>,
        whereabouts: &Whereabouts,
    ) -> Result<DeviceUuid, CredentialsError> {
        let (device, mut before) = self.find_or_make_on(bus, account, whereabouts).await?;
        let login = match &before.token {
            Some(token) => Login { uuid: device.clone(), token: Zeroizing::new(token.expose().to_owned()) },
            None => bus.make_token(Identity::of(bus.service()), &device).await?,
        };
        before.token = Some(SecretText::from(login.token.as_str()));
        let storing = self.sealed(device.clone(), Arc::clone(account), before).await?;
        let arrival = Arc::clone(&whereabouts.arrival);
        let store = move |transaction: &Transaction<'_>| {
            storing.run(transaction)?;
            arrival.claim(transaction)
        };
        self.store.write(store).await?;
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

    /// The account's device with what its record holds; one that only claims to be the account's is passed over. Where
    /// there is none, one is made.
    async fn find_or_make_on(
        &self,
        bus: &Meshblu,
        account: &Account,
        whereabouts: &Whereabouts,
    ) -> Result<(DeviceUuid, Before), CredentialsError> {
        if let Some(device) = &whereabouts.only {
            let record = self.record_on(bus, device).await?;
            let found = self.before(device.clone(), record, account).await?;
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
            if let Some(found) = self.before(candidate.device, record, account).await? {
                return Ok(found);
            }
        }
        if !self.vault.are_current(&id_keys) {
            // Records may have gone over to a key that nothing was looked for by.
            return Err(CredentialsError::RolledBack);
        }
        let device = match self.begun_among(&account.id, empty).await? {
            Some(begun) => begun,
            None => self.begin_on(bus, &account.id, id_keys.newest()).await?,
        };
        hear(bus, &device).await?;
        Ok((device, Before::default()))
    }

    /// The device with what its record holds, if that is the account's.
    async fn before(
        &self,
        device: DeviceUuid,
        record: StoredRecord,
        account: &Account,
    ) -> Result<Option<(DeviceUuid, Before)>, CredentialsError> {
        let opened = self.open_record(device.clone(), record.clone()).await;
        let Some(opened) = self.sealing.only_of(&account.id, &record, opened)? else { return Ok(None) };
        let (opened, owners) = self.owners_of(&device, opened).await?;
        let owners = self.name_owners(&device, owners, Some(&account.owner)).await?;
        let renewal = self.known_renewal(&device).await?;
        let before = Before::read(&record, &opened, account, renewal.as_ref());
        Ok(Some((device, Before { owners, ..before })))
    }

    async fn known_renewal(&self, device: &DeviceUuid) -> Result<Option<StoredRenewal>, CredentialsError> {
        let device = device.clone();
        self.store.read(move |view| Ok(view.renewal(&device)?)).await
    }

    /// The devices that may be the account's, with what the bus shows of them; also those that the store alone
    /// knows, for a bus may have lost its copy.
    pub(super) async fn candidates_on(
        &self,
        bus: &Meshblu,
        id_keys: &IdKeys,
    ) -> Result<Vec<Candidate>, CredentialsError> {
        let mut all = Vec::new();
        for id_key in id_keys.all() {
            let query = json!({"endo.idKey": id_key});
            let found: Vec<Shown> = bus.search(Identity::of(bus.service()), &query).await?;
            all.extend(found.into_iter().take(STRANGERS).filter_map(Shown::candidate));
        }
        for device in self.known_of_account(id_keys).await? {
            let is_listed = all.iter().any(|listed: &Candidate| listed.device == device);
            if !is_listed && is_there(bus, &device).await? {
                all.push(Candidate { device, shown: None, begun: None });
            }
        }
        Ok(all)
    }

    async fn sealed(
        &self,
        device: DeviceUuid,
        account: Arc<Account>,
        mut before: Before,
    ) -> Result<Storing, CredentialsError> {
        let (past, renewed_by) = (std::mem::take(&mut before.past), before.renewed_by(&account));
        let devices = self.clone();
        let seal = move || {
            let new = devices.seal(&device, &account, before)?;
            Ok::<_, SealError>(Storing { devices, device, account, new, past, renewed_by })
        };
        let sealing = tokio::task::spawn_blocking(seal).await.map_err(|_| CredentialsError::Interrupted)?;
        Ok(sealing?)
    }
}

/// A sealed record on its way into the store.
struct Storing {
    devices: CredentialsDevices,
    device: DeviceUuid,
    account: Arc<Account>,
    new: NewRecord,
    past: Past,
    renewed_by: RenewedBy,
}

impl Storing {
    fn run(self, transaction: &Transaction<'_>) -> Result<(), CredentialsError> {
        let Self { devices, device, account, new, .. } = self;
        let renewal = transaction.renewal(&device)?;
        // What is there now is of the record that was read, or nothing is stored.
        let is_over = self.renewed_by == RenewedBy::TheOneBefore
            && !renewal.as_ref().is_none_or(StoredRenewal::is_renewable);
        if is_over || !new.store(transaction, &device)? {
            return Err(CredentialsError::RolledBack);
        }
        devices.retire(transaction, devices.replaced(&device, &account), &self.past)?;
        let life = devices.new_life(&account, new.record.generation, self.renewed_by);
        life.begin(transaction, &device)?;
        // Whoever keeps it shows it at once; this is for where that comes to nothing.
        Ok(transaction.owe_projection(&device, devices.clock.now().plus(SHOWN_BY_THEN))?)
    }
}

/// Has the service hear what the device receives.
async fn hear(bus: &Meshblu, device: &DeviceUuid) -> Result<(), CredentialsError> {
    let service = bus.service();
    let heard = StoredSubscription::to_messages(&service.uuid, device);
    Ok(bus.subscribe(Identity::of(service), &heard).await?)
}

/// Whether the bus still has the device.
async fn is_there(bus: &Meshblu, device: &DeviceUuid) -> Result<bool, CredentialsError> {
    match bus.device(Identity::of(bus.service()), device).await {
        Ok(_) => Ok(true),
        Err(MeshbluError::Refused { status, .. }) if status.as_u16() == 404 => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The record that a user device may use which the credentials device is subscribed to. The store's is newer where it has
/// one; else it is as the device shows it.
pub(super) async fn bound_record_on(
    bus: &Meshblu,
    binding: &Binding,
    stored: Option<StoredRecord>,
) -> Result<StoredRecord, CredentialsError> {
    if !is_subscribed(bus, binding).await? {
        return Err(CredentialsError::NotBound);
    }
    match (record_shown_by(bus, &binding.credentials).await, stored) {
        // The bus's copy is a projection: where it lost that, the store's still counts.
        (Ok(_) | Err(CredentialsError::NoRecord), Some(stored)) => Ok(stored),
        (shown, _) => shown,
    }
}

async fn is_subscribed(bus: &Meshblu, binding: &Binding) -> Result<bool, CredentialsError> {
    match bus.recent_subscriptions(&binding.credentials).await {
        Ok(subscriptions) => Ok(subscriptions.contains(&subscription(binding))),
        // Whose subscriptions the service may not see is no credentials device of its.
        Err(error) if error.is_forbidden() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The record on the bus, searched as the credentials device; where that is not allowed, the service allows it to
/// itself, once.
async fn record_shown_by(bus: &Meshblu, credentials: &DeviceUuid) -> Result<StoredRecord, CredentialsError> {
    let query = json!({"uuid": credentials});
    let caller = Identity::of(bus.service()).acting_as(credentials);
    let found: Vec<Shown> = match bus.search(caller, &query).await {
        Err(error) if error.is_forbidden() => {
            bus.allow_search_as(credentials).await?;
            bus.search(caller, &query).await?
        }
        found => found?,
    };
    let device = found.into_iter().next().filter(|shown| shown.uuid == credentials.as_str());
    device.and_then(Shown::record).ok_or(CredentialsError::NoRecord)
}

/// The login of the credentials device that its opened record holds, if it holds one.
pub(super) fn login_in(opened: &Credentials, credentials: &DeviceUuid) -> Option<Login> {
    let token = opened.credentials_device_token()?;
    Some(Login { uuid: credentials.clone(), token: Zeroizing::new(token.expose().to_owned()) })
}
