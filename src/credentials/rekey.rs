//! Sealing records anew under the newest key, one by one, while everything else goes on.

use super::leave::Leaving;
use super::on_embedded::show;
use super::owners::NewRecord;
use super::{CredentialsDevices, CredentialsError};
use crate::bus::Bus;
use crate::bus::embedded::BusError;
use crate::bus::meshblu::Identity;
use crate::message::DeviceUuid;
use crate::store::{
    RenewalStage, StoreError, StoredRecord, StoredRenewal, StoredSubscription, Transaction, View,
};
use crate::vault::{Format, Management, Need, Owners, RekeyError, ResourceOwnerId, SealedText};

/// How often a record is read again that somebody else replaced meanwhile.
pub(super) const ATTEMPTS: u32 = 8;
/// The most credentials devices that are listed.
pub(super) const MOST: usize = 1_000_000;

/// What became of a record that was to be sealed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rekeyed {
    /// It is sealed in format 2 with the newest key.
    Done,
    /// It was before.
    Before,
    /// Nothing is kept there, or not any more.
    Nothing,
    /// It stays as it is; why, in words for the operator.
    Kept(&'static str),
}

const UNKNOWN_OWNER: &str = "an owner of it is known only by a signature, and owns none of its devices: it is sealed anew \
                             when that owner signs in again";
const NO_ACCOUNT: &str = "it names no account";
const DOES_NOT_OPEN: &str = "no key here opens it";
const BUSY: &str = "its secret is being renewed: try again";

/// What a record is to be replaced by.
struct Replacing {
    devices: CredentialsDevices,
    device: DeviceUuid,
    before: StoredRecord,
    new: NewRecord,
    leaving: Option<Leaving>,
}

/// In what the successor of a record differs from it.
pub(super) struct Successor {
    /// Who may manage what it holds.
    pub(super) owners: Owners,
    /// Whose account it is of, as before.
    pub(super) id: Option<ResourceOwnerId>,
    /// Its form.
    pub(super) format: Format,
    /// Who leaves by it, where somebody does; commits with it.
    pub(super) leaving: Option<Leaving>,
}

impl CredentialsDevices {
    /// Every credentials device that is known, in the order of their names.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn all_devices(&self) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let service = self.bus.service().clone();
        let listed = match &self.bus {
            Bus::Embedded(_) => None,
            Bus::Meshblu(bus) => Some(bus.subscriptions(Identity::of(bus.service()), &service).await?),
        };
        let look = move |view: &View<'_>| {
            let heard: Vec<StoredSubscription> = match listed {
                Some(listed) => listed,
                None => view.subscriptions(&service)?,
            };
            let heard = heard.into_iter().map(|subscription| subscription.emitter_uuid);
            let mut all = view.credentials_devices(MOST)?;
            for device in heard.filter(|device| *device != service) {
                // What was forgotten stays behind as an empty shell.
                if !view.is_forgotten(&device)? {
                    all.push(device);
                }
            }
            Ok(all)
        };
        let mut all = self.store.read::<_, StoreError, _>(look).await?;
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Which key the record of a credentials device needs; `None` where it has none that is one.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn need(&self, device: &DeviceUuid) -> Result<Option<Need>, CredentialsError> {
        match self.newest_record(device).await {
            Ok(record) => self.need_of(device.clone(), record).await,
            Err(CredentialsError::NoRecord) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn need_of(
        &self,
        device: DeviceUuid,
        record: StoredRecord,
    ) -> Result<Option<Need>, CredentialsError> {
        let vault = self.vault.clone();
        let need =
            move || vault.need(&device, SealedText { endo: &record.endo, signature: &record.signature }).ok();
        tokio::task::spawn_blocking(need).await.map_err(|_| CredentialsError::Interrupted)
    }

    /// Seals what a credentials device keeps in format 2 with the newest key, if it is not; the bus's copy follows.
    ///
    /// # Errors
    /// What the store or the bus reports; the record is as it was then.
    pub async fn rekey(&self, device: &DeviceUuid) -> Result<Rekeyed, CredentialsError> {
        for _ in 0..ATTEMPTS {
            let record = match self.newest_record(device).await {
                Err(CredentialsError::NoRecord) => return Ok(Rekeyed::Nothing),
                record => record?,
            };
            let Some(need) = self.need_of(device.clone(), record.clone()).await? else {
                return Ok(Rekeyed::Kept(DOES_NOT_OPEN));
            };
            let newest = self.vault.ring().first().kid().to_owned();
            if need.is_met_by(&newest) {
                return Ok(Rekeyed::Before);
            }
            let opened = match self.open_record(device.clone(), record.clone()).await {
                Err(CredentialsError::Record(_) | CredentialsError::TooManyFailures) => {
                    return Ok(Rekeyed::Kept(DOES_NOT_OPEN));
                }
                opened => opened?,
            };
            let (opened, owners) = self.owners_of(device, opened).await?;
            let owners = self.name_owners(device, owners, None).await?;
            if !owners.unnamed.is_empty() {
                return Ok(Rekeyed::Kept(UNKNOWN_OWNER));
            }
            let id = opened.id().cloned();
            let successor = Successor { owners, id, format: Format::Two, leaving: None };
            match self.replace(device, record, successor).await {
                Ok(true) => return Ok(Rekeyed::Done),
                Ok(false) => {}
                Err(CredentialsError::Rekey(error)) => return Ok(Rekeyed::Kept(why(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(Rekeyed::Kept(BUSY))
    }

    /// Seals what this record holds anew; answers whether it was still the newest, and nobody was just renewing its
    /// secret.
    pub(super) async fn replace(
        &self,
        device: &DeviceUuid,
        before: StoredRecord,
        successor: Successor,
    ) -> Result<bool, CredentialsError> {
        let (devices, device) = (self.clone(), device.clone());
        let seal = move || {
            let sealed = SealedText { endo: &before.endo, signature: &before.signature };
            let generation = before.generation + 1;
            let (hosts, source) = (devices.sealing.hosts.clone(), before.source.clone());
            let Successor { owners, id, format, leaving } = successor;
            let last = owners.last().ok_or(RekeyError::UnknownOwner)?;
            let id = id.ok_or(RekeyError::NoAccount)?;
            let (owners, beside) = match format {
                Format::One => (Owners::only(last), devices.beside(&device, &id, owners)),
                Format::Two => (owners, Vec::new()),
            };
            let new = Management { owners: Some(owners), format, hosts, source, generation };
            let sealed = devices.vault.rekey(&device, sealed, &new)?;
            let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
            let record = StoredRecord { generation, endo, signature, source: new.source };
            let new = NewRecord { record, beside };
            Ok::<_, RekeyError>(Replacing { devices, device, before, new, leaving })
        };
        let sealing = tokio::task::spawn_blocking(seal).await.map_err(|_| CredentialsError::Interrupted)?;
        let replacing = sealing?;
        self.store.write(move |transaction| replacing.run(transaction)).await
    }
}

impl Replacing {
    fn run(mut self, transaction: &Transaction<'_>) -> Result<bool, CredentialsError> {
        let newest = transaction.record(&self.device)?;
        let is_newest = newest.as_ref().is_none_or(|newest| *newest == self.before);
        let renewal = transaction.renewal(&self.device)?;
        let renewal = renewal.filter(|renewal| renewal.generation == self.before.generation);
        let is_renewed = renewal
            .as_ref()
            .is_some_and(|renewal| matches!(renewal.stage, RenewalStage::Sending | RenewalStage::InDoubt));
        if !is_newest || is_renewed || !self.new.store(transaction, &self.device)? {
            return Ok(false);
        }
        if let Some(renewal) = renewal {
            // It is the same secret, with the life that it has.
            let renewal = StoredRenewal { generation: self.new.record.generation, ..renewal };
            transaction.store_renewal(&self.device, &renewal)?;
        }
        self.project(transaction)?;
        if let Some(leaving) = self.leaving.take() {
            leaving.run(transaction, &self.devices, &self.device)?;
        }
        let (vault, device, before) = (self.devices.vault.clone(), self.device, self.before);
        transaction.after_commit(move || {
            vault.forget(&device, SealedText { endo: &before.endo, signature: &before.signature });
        });
        Ok(true)
    }

    /// Has the bus's copy follow.
    fn project(&self, transaction: &Transaction<'_>) -> Result<(), CredentialsError> {
        match &self.devices.bus {
            Bus::Embedded(bus) => match show(bus, transaction, &self.device, &self.new.record) {
                // The device is gone, and so is its copy.
                Err(CredentialsError::Bus(BusError::Forbidden)) => Ok(()),
                result => result,
            },
            Bus::Meshblu(_) => {
                transaction.owe_projection(&self.device, self.devices.clock.now())?;
                let bell = self.devices.owed.clone();
                transaction.after_commit(move || bell.notify_one());
                Ok(())
            }
        }
    }
}

fn why(error: RekeyError) -> &'static str {
    match error {
        RekeyError::UnknownOwner => UNKNOWN_OWNER,
        RekeyError::NoAccount => NO_ACCOUNT,
        RekeyError::Record(_) | RekeyError::Seal(_) => DOES_NOT_OPEN,
    }
}
