//! Keeping an account's secret: one credentials device for each account, sealed anew with every secret.

use std::sync::Arc;

use serde_json::{Map, json};

use super::open::{self, came_with_its_device};
use super::openings::Openings;
use super::{CredentialsError, templates};
use crate::ambient::Clock;
use crate::bus::embedded::update::Update;
use crate::bus::embedded::{Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{Lookup, StoreError, StoredRecord, StoredSubscription, Transaction};
use crate::vault::{Contents, Credentials, Format, ResourceOwnerId, Sealed, SecretText, Vault};

/// How many devices are looked at that say they are an account's but whose record was not sealed here.
const STRANGERS: usize = 4;

/// What new records are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// Where the secrets of the gateway's source may be sent: `host` or `host:port`.
    pub hosts: Vec<String>,
    /// The form in which they are stored.
    pub format: Format,
}

/// An account at the API and the secret that opens it.
#[derive(Debug)]
pub struct Account {
    /// The account's id at the API.
    pub id: ResourceOwnerId,
    /// Its name, for people.
    pub username: Option<String>,
    /// The access token.
    pub secret: SecretText,
    /// The token that renews it.
    pub refresh_token: Option<SecretText>,
    /// Who proved control of the account and may manage its credentials.
    pub owner: DeviceUuid,
}

/// The gateway's credentials devices. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CredentialsDevices {
    pub(super) bus: EmbeddedBus,
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    pub(super) sealing: Arc<Sealing>,
    pub(super) openings: Arc<Openings>,
}

impl CredentialsDevices {
    /// The credentials devices on `bus`, opened by `vault` and sealed as `sealing` says.
    pub fn new(bus: EmbeddedBus, vault: Arc<Vault>, (clock, sealing): (Clock, Sealing)) -> Self {
        Self { bus, vault, clock, sealing: Arc::new(sealing), openings: Arc::default() }
    }

    /// Keeps the account's secret on its credentials device, which is made where there is none. All of it is on disk
    /// together: device, subscription, token, record and the bus's copy of the record.
    ///
    /// # Errors
    /// [`CredentialsError`]; nothing is kept then.
    pub async fn keep(&self, account: Account) -> Result<DeviceUuid, CredentialsError> {
        let vault = Arc::clone(&self.vault);
        let id = account.id.clone();
        let id_keys = tokio::task::spawn_blocking(move || vault.id_keys(&id))
            .await
            .map_err(|_| CredentialsError::Interrupted)?;
        let keeping = Keeping { devices: self.clone(), account, id_keys };
        self.bus.store().write(move |transaction| keeping.run(transaction)).await
    }

    /// The service device as a caller of the bus.
    pub(super) fn service(&self) -> Caller {
        Caller::itself(self.bus.service().clone())
    }
}

/// One secret on its way into a record.
struct Keeping {
    devices: CredentialsDevices,
    account: Account,
    id_keys: Vec<String>,
}

/// What the new record takes over from the one before.
#[derive(Default)]
struct Before {
    owners: Vec<DeviceUuid>,
    token: Option<SecretText>,
    generation: u64,
}

impl Before {
    fn read(record: &StoredRecord, opened: &Credentials) -> Self {
        Self {
            owners: opened.owners().to_vec(),
            token: opened.credentials_device_token().map(|token| SecretText::from(token.expose())),
            generation: record.generation.max(opened.generation()),
        }
    }
}

impl Keeping {
    fn run(self, transaction: &Transaction<'_>) -> Result<DeviceUuid, CredentialsError> {
        let (device, before) = match self.find(transaction)? {
            Some(found) => found,
            None => self.make(transaction)?,
        };
        let contents = self.contents(before);
        let sealed = self.devices.vault.seal(&device, &contents, self.devices.sealing.format)?;
        let record = StoredRecord {
            generation: contents.generation,
            endo: sealed.endo.to_string(),
            signature: sealed.signature.clone(),
        };
        if !transaction.store_record(&device, &record)? {
            return Err(CredentialsError::RolledBack);
        }
        self.project(transaction, (&device, &sealed))?;
        Ok(device)
    }

    /// The account's device with what its record holds. The bus finds devices by what they say of themselves; what
    /// counts is the record, so a device that only claims to be the account's is passed over.
    fn find(&self, transaction: &Transaction<'_>) -> Result<Option<(DeviceUuid, Before)>, CredentialsError> {
        for device in self.candidates(transaction)? {
            let record = match open::record(transaction, &device) {
                Err(CredentialsError::NoRecord) => continue,
                record => record?,
            };
            match self.devices.open_cold(&device, &record) {
                Ok(opened) if opened.id() == Some(&self.account.id) => {
                    return Ok(Some((device, Before::read(&record, &opened))));
                }
                Err(error) if !came_with_its_device(&record) => return Err(error),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The devices that say they are the account's: first those whose record was sealed here, then a few others.
    fn candidates(&self, transaction: &Transaction<'_>) -> Result<Vec<DeviceUuid>, StoreError> {
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        for id_key in &self.id_keys {
            let lookup = Lookup::Indexed("endo.idKey".to_owned(), id_key.clone());
            let mut found = Vec::new();
            transaction.visit_devices(&lookup, usize::MAX, |device| {
                found.push(device.uuid);
                true
            })?;
            for device in found {
                let is_ours = transaction.record(&device)?.is_some();
                if is_ours { ours.push(device) } else { others.push(device) }
            }
        }
        ours.extend(others.into_iter().take(STRANGERS));
        Ok(ours)
    }

    fn make(&self, transaction: &Transaction<'_>) -> Result<(DeviceUuid, Before), CredentialsError> {
        let bus = &self.devices.bus;
        let service = self.devices.service();
        let device = bus.register(transaction, templates::credentials_device(&service.auth))?.uuid;
        let subscription = StoredSubscription {
            subscriber_uuid: service.auth.clone(),
            emitter_uuid: device.clone(),
            kind: "message.received".to_owned(),
        };
        bus.subscribe(transaction, &service, &subscription)?;
        let token = bus.make_token(transaction, &service, (&device, &Map::new()))?;
        let token = Some(SecretText::from(token.as_str()));
        Ok((device, Before { token, ..Before::default() }))
    }

    fn contents(&self, before: Before) -> Contents {
        let account = &self.account;
        let secret = SecretText::from(account.secret.expose());
        let mut owners = match self.devices.sealing.format {
            // As in the original, whoever signed in last; there is no room for more.
            Format::One => Vec::new(),
            Format::Two => before.owners,
        };
        if !owners.contains(&account.owner) {
            owners.push(account.owner.clone());
        }
        Contents {
            username: account.username.clone(),
            refresh_token: account.refresh_token.as_ref().map(|token| SecretText::from(token.expose())),
            credentials_device_token: before.token,
            owners,
            hosts: self.devices.sealing.hosts.clone(),
            generation: before.generation + 1,
            ..Contents::new(account.id.clone(), secret)
        }
    }

    /// Puts the record where the bus's clients look for it.
    fn project(
        &self,
        transaction: &Transaction<'_>,
        (device, sealed): (&DeviceUuid, &Sealed),
    ) -> Result<(), CredentialsError> {
        let update = json!({"$set": {"endo": sealed.endo, "endoSignature": sealed.signature}});
        let update = Update::parse(&update).expect("a $set of two members is an update");
        let caller = Caller::itself(device.clone());
        self.devices.bus.update(transaction, &caller, (device, &update))?;
        Ok(())
    }
}
