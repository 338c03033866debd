//! A credentials device on a bus elsewhere, made call by call; what broke off is found by its mark, and finished.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::bus::meshblu::Meshblu;
use crate::credentials::on_meshblu::Claimant;
use crate::credentials::{CredentialsDevices, CredentialsError, templates};
use crate::message::DeviceUuid;
use crate::vault::ResourceOwnerId;

impl CredentialsDevices {
    /// A new device for this account. It is registered with the mark by which it is found again, so that a crash leaves
    /// nothing at any point that the account's next sign-in does not finish; its record takes the place of the mark.
    pub(super) async fn begin_on(
        &self,
        bus: &Meshblu,
        id: &ResourceOwnerId,
        id_key: &str,
    ) -> Result<DeviceUuid, CredentialsError> {
        let mut document = templates::credentials_device(&bus.service().uuid);
        document["endo"] = self.begun_endo(id, id_key).await?;
        Ok(bus.register(&document).await?.uuid)
    }

    /// The device that broke off here. Whoever gives a device a mark that was not made here gets no record onto it.
    pub(super) async fn begun_among(
        &self,
        id: &ResourceOwnerId,
        claimants: Vec<Claimant>,
    ) -> Result<Option<DeviceUuid>, CredentialsError> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        let find = move || {
            let is_begun = |mark: &String| vault.is_begun_mark(&id, mark);
            let begun = claimants.into_iter().find(|claimant| claimant.begun.as_ref().is_some_and(is_begun));
            begun.map(|claimant| claimant.device)
        };
        tokio::task::spawn_blocking(find).await.map_err(|_| CredentialsError::Interrupted)
    }

    async fn begun_endo(&self, id: &ResourceOwnerId, id_key: &str) -> Result<Value, CredentialsError> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        let mark = tokio::task::spawn_blocking(move || vault.begun_mark(&id)).await;
        Ok(json!({"idKey": id_key, "begun": mark.map_err(|_| CredentialsError::Interrupted)?}))
    }
}
