//! Which record of a credentials device counts: the store's, else the one that its bus shows.

use crate::bus::Bus;
use crate::credentials::on_meshblu::record_shown_by;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoredRecord, View};

impl CredentialsDevices {
    /// The newest record of a credentials device, wherever it is.
    pub(in crate::credentials) async fn newest_record(
        &self,
        device: &DeviceUuid,
    ) -> Result<StoredRecord, CredentialsError> {
        match &self.bus {
            Bus::Embedded(_) => {
                let device = device.clone();
                self.store.read(move |view| newest_record(view, &device)).await
            }
            Bus::Meshblu(bus) => match self.stored_record(device).await? {
                Some(record) => Ok(record),
                None => record_shown_by(bus, device).await,
            },
        }
    }

    /// The one that the store has.
    pub(in crate::credentials) async fn stored_record(
        &self,
        credentials: &DeviceUuid,
    ) -> Result<Option<StoredRecord>, CredentialsError> {
        let credentials = credentials.clone();
        self.store.read(move |view| stored_record(view, &credentials)).await
    }

    /// Whether the device keeps credentials, whosever they are.
    ///
    /// # Errors
    /// What the store or the bus reports.
    pub async fn is_kept(&self, device: &DeviceUuid) -> Result<bool, CredentialsError> {
        match self.newest_record(device).await {
            Ok(_) => Ok(true),
            Err(CredentialsError::NoRecord) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The newest record of a credentials device. The bus's copy counts only where the store has none.
pub(in crate::credentials) fn newest_record(
    view: &View<'_>,
    credentials: &DeviceUuid,
) -> Result<StoredRecord, CredentialsError> {
    match stored_record(view, credentials)? {
        Some(record) => Ok(record),
        None => record_on_bus(view, credentials),
    }
}

/// The record that the store has; where what was there is forgotten, no copy elsewhere counts either.
pub(in crate::credentials) fn stored_record(
    view: &View<'_>,
    credentials: &DeviceUuid,
) -> Result<Option<StoredRecord>, CredentialsError> {
    match view.record(credentials)? {
        None if view.is_forgotten(credentials)? => Err(CredentialsError::NoRecord),
        record => Ok(record),
    }
}

/// The record of a device that came with one.
pub(in crate::credentials) fn record_on_bus(
    view: &View<'_>,
    credentials: &DeviceUuid,
) -> Result<StoredRecord, CredentialsError> {
    let document = view.device(credentials)?.ok_or(CredentialsError::NoRecord)?;
    let endo = document.get("endo").ok_or(CredentialsError::NoRecord)?.to_string();
    let signature = document.get("endoSignature").and_then(|signature| signature.as_str());
    let signature = signature.unwrap_or_default().to_owned();
    Ok(StoredRecord { generation: 0, endo, signature, source: None })
}
