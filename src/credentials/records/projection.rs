//! The bus's copy of records, which follows the store's: on the bus in this process with it, on a bus elsewhere at once where
//! that works, else again until it is there.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::bus::Bus;
use crate::bus::meshblu::{Identity, Meshblu, MeshbluError};
use crate::credentials::errands::PAUSES;
use crate::credentials::rounds::until_stopped;
use crate::credentials::{CredentialsDevices, CredentialsError, login_in};
use crate::message::DeviceUuid;
use crate::store::{OwedProjection, StoreError, StoredRecord, Transaction, View};
use crate::telemetry::with_causes;

/// How much is shown in one go.
const AT_ONCE: usize = 32;

impl CredentialsDevices {
    /// Has the bus show a record that is stored in this transaction, as soon as that is committed.
    pub(in crate::credentials) fn project(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        record: &StoredRecord,
    ) -> Result<(), CredentialsError> {
        match &self.bus {
            Bus::Embedded(bus) => Ok(bus.update_itself(transaction, device, &copy_of(record))?),
            Bus::Meshblu(_) => {
                transaction.owe_projection(device, self.clock.now())?;
                let owed = Arc::clone(&self.owed);
                transaction.after_commit(move || owed.notify_one());
                Ok(())
            }
        }
    }

    /// Shows a bus elsewhere the records that it is owed, again and again, until stopped.
    pub(in crate::credentials) async fn keep_shown(&self, stopped: watch::Receiver<bool>) {
        let Bus::Meshblu(bus) = &self.bus else { return };
        let round = || async {
            if let Err(error) = self.show_owed(bus).await {
                tracing::warn!(error = with_causes(&error), "the bus is shown no records now");
            }
        };
        until_stopped(stopped, &self.owed, round).await;
    }

    /// Does at once what follows from what was done here: for a command with no gateway running, after which nobody would do
    /// it before the next start.
    ///
    /// # Errors
    /// What the store reports; what is not done is done another time.
    pub async fn catch_up(&self) -> Result<(), CredentialsError> {
        self.attend_once().await?;
        match &self.bus {
            Bus::Meshblu(bus) => Ok(self.show_owed(bus).await?),
            Bus::Embedded(_) => Ok(()),
        }
    }

    async fn show_owed(&self, bus: &Meshblu) -> Result<(), StoreError> {
        let now = self.clock.now();
        let look = move |view: &View<'_>| view.due_projections(now, AT_ONCE);
        for OwedProjection { credentials, attempts } in self.store.read::<_, StoreError, _>(look).await? {
            let Err(error) = self.show_on(bus, &credentials).await else { continue };
            tracing::warn!(
                error = with_causes(&error),
                credentials.uuid = %credentials.logged(),
                "the bus does not show the newest record yet"
            );
            let due = self.clock.now().plus(PAUSES.after(attempts));
            let postpone =
                move |transaction: &Transaction<'_>| transaction.postpone_projection(&credentials, due);
            self.store.write::<_, StoreError, _>(postpone).await?;
        }
        Ok(())
    }

    /// Has the bus show what the store has: the newest record, or none where that is forgotten.
    pub(in crate::credentials) async fn show_on(
        &self,
        bus: &Meshblu,
        device: &DeviceUuid,
    ) -> Result<(), CredentialsError> {
        let asked = device.clone();
        let record = self.store.read::<_, StoreError, _>(move |view| view.record(&asked)).await?;
        match &record {
            Some(record) => self.show_record_on(bus, device, record).await?,
            None => hide_on(bus, device).await?,
        }
        let shown = record.map(|record| record.generation);
        let (device, now) = (device.clone(), self.clock.now());
        // Whatever became newer meanwhile may have been shown before what was shown just now.
        let settle = move |transaction: &Transaction<'_>| {
            let newest = transaction.record(&device)?.map(|record| record.generation);
            match newest == shown {
                true => transaction.settle_projection(&device),
                false => transaction.owe_projection(&device, now),
            }
        };
        Ok(self.store.write::<_, StoreError, _>(settle).await?)
    }

    /// As the credentials device; a record of old may hold no token of it, and then the service may do it too.
    async fn show_record_on(
        &self,
        bus: &Meshblu,
        device: &DeviceUuid,
        record: &StoredRecord,
    ) -> Result<(), CredentialsError> {
        let opened = self.opener.open(device.clone(), record.clone()).await?;
        let login = login_in(&opened, device);
        let caller = Identity::of(login.as_ref().unwrap_or_else(|| bus.service()));
        Ok(bus.update(caller, device, &copy_of(record)).await?)
    }
}

/// A device that is gone shows nothing either.
async fn hide_on(bus: &Meshblu, device: &DeviceUuid) -> Result<(), MeshbluError> {
    let unset = json!({"$unset": {"endo": true, "endoSignature": true}});
    match bus.update(Identity::of(bus.service()), device, &unset).await {
        Err(error) if error.is_refusal() => Ok(()),
        answer => answer,
    }
}

/// The update that shows a record where the bus's clients look for it.
fn copy_of(record: &StoredRecord) -> Value {
    let endo: Value = serde_json::from_str(&record.endo).unwrap_or_default();
    json!({"$set": {"endo": endo, "endoSignature": record.signature}})
}
