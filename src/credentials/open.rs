//! Opening credentials for one job: the binding first, then the record.

use std::sync::Arc;

use super::bind::subscription;
use super::{CredentialsDevices, CredentialsError};
use crate::message::{DeviceUuid, Parties};
use crate::store::{Binding, StoredRecord, View};
use crate::vault::{Credentials, SealedText};

impl CredentialsDevices {
    /// The credentials that the route's user device may use, live for one job. Costs no private-key operation when
    /// the record was opened not long ago.
    ///
    /// # Errors
    /// [`CredentialsError::Revoked`] and [`CredentialsError::NotBound`] before anything is opened;
    /// [`CredentialsError::Record`] when the record does not verify.
    pub async fn open(&self, parties: &Parties) -> Result<Credentials, CredentialsError> {
        let binding =
            Binding { credentials: parties.credentials.clone(), user_device: parties.user_device.clone() };
        let record = self.bus.store().read(move |view| bound_record(view, &binding)).await?;
        self.open_record(parties.credentials.clone(), record).await
    }

    async fn open_record(
        &self,
        device: DeviceUuid,
        record: StoredRecord,
    ) -> Result<Credentials, CredentialsError> {
        let now = self.clock.now();
        if let Some(warm) = self.vault.recall(&device, text(&record), now) {
            return Ok(warm);
        }
        let vault = Arc::clone(&self.vault);
        let opening = tokio::task::spawn_blocking(move || vault.open(&device, text(&record), now));
        Ok(opening.await.map_err(|_| CredentialsError::Interrupted)??)
    }
}

fn text(record: &StoredRecord) -> SealedText<'_> {
    SealedText { endo: &record.endo, signature: &record.signature }
}

fn bound_record(view: &View<'_>, binding: &Binding) -> Result<StoredRecord, CredentialsError> {
    if view.is_revoked(binding)? {
        return Err(CredentialsError::Revoked);
    }
    if !view.has_subscription(&subscription(binding))? {
        return Err(CredentialsError::NotBound);
    }
    match view.record(&binding.credentials)? {
        Some(record) => Ok(record),
        None => record_on_bus(view, &binding.credentials),
    }
}

/// The record of a device that came with one: nothing newer is stored.
fn record_on_bus(view: &View<'_>, credentials: &DeviceUuid) -> Result<StoredRecord, CredentialsError> {
    let document = view.device(credentials)?.ok_or(CredentialsError::NoRecord)?;
    let endo = document.get("endo").ok_or(CredentialsError::NoRecord)?.to_string();
    let signature = document.get("endoSignature").and_then(|signature| signature.as_str());
    Ok(StoredRecord { generation: 0, endo, signature: signature.unwrap_or_default().to_owned() })
}
