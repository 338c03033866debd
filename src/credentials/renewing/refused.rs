//! Renewing secrets that the API refused.

use crate::credentials::records::opening::came_with_its_device;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::{NOBODY_RENEWS, Refused, Rejection, Renewed, note_refusal};
use crate::store::{StoreError, StoredRecord, Transaction};

impl CredentialsDevices {
    /// Renews a secret that the API refused, once; the secret of `generation` was tried. Answers what there is now.
    ///
    /// # Errors
    /// [`CredentialsError::Revoked`] where it is forgotten meanwhile, [`CredentialsError::SignInAgain`] where that cannot be
    /// done any more, [`CredentialsError::NotRenewed`] where it cannot be done now, [`CredentialsError::RefusedAnew`] where
    /// it was just done.
    pub async fn renew_refused(
        &self,
        credentials: &DeviceUuid,
        generation: u64,
    ) -> Result<Renewed, CredentialsError> {
        let tried = self.tried(credentials, generation).await?;
        match &self.renewing {
            Some(renewing) => {
                let rejection = Rejection::by_the_api(tried);
                Ok(renewing.renewals.after_rejection(credentials, rejection).await?)
            }
            None => self.give_up_refused(credentials, tried).await,
        }
    }

    /// The generation that was tried, as the store counts it.
    pub(super) async fn tried(
        &self,
        credentials: &DeviceUuid,
        generation: u64,
    ) -> Result<u64, CredentialsError> {
        match self.adopt(credentials, generation).await {
            Err(CredentialsError::NoRecord) if self.is_forgotten(credentials).await? => {
                Err(CredentialsError::Revoked)
            }
            // A record that came with its device goes where that goes; nobody ended the right to use it.
            generation => generation,
        }
    }

    /// What the API refuses and nobody renews here is not used any more; the secret of generation `tried` was tried.
    async fn give_up_refused(
        &self,
        credentials: &DeviceUuid,
        tried: u64,
    ) -> Result<Renewed, CredentialsError> {
        let (device, now) = (credentials.clone(), self.clock.now());
        let note = move |transaction: &Transaction<'_>| {
            let newest = transaction.record(&device)?.ok_or(CredentialsError::NoRecord)?.generation;
            Ok::<_, CredentialsError>(note_refusal(transaction, &device, Refused { tried, newest, at: now })?)
        };
        match self.store.write(note).await? {
            true => Err(CredentialsError::SignInAgain { reason: NOBODY_RENEWS }),
            false => Ok(Renewed::Newer),
        }
    }

    /// Takes a record into the store that came with its device, where it is found by what renews it; answers the
    /// generation that was tried, as the store counts it.
    async fn adopt(&self, credentials: &DeviceUuid, tried: u64) -> Result<u64, CredentialsError> {
        let record = self.newest_record(credentials).await?;
        let tried = tried.max(1);
        if came_with_its_device(&record) {
            let opened = self.opener.open(credentials.clone(), record.clone()).await?;
            let generation = opened.generation().max(tried);
            let source = opened.source().map(str::to_owned);
            let adopted = StoredRecord { generation, source, ..record };
            let device = credentials.clone();
            let adopt = move |transaction: &Transaction<'_>| transaction.store_record(&device, &adopted);
            self.store.write::<_, StoreError, _>(adopt).await?;
        }
        Ok(tried)
    }

    async fn is_forgotten(&self, credentials: &DeviceUuid) -> Result<bool, StoreError> {
        let device = credentials.clone();
        self.store.read(move |view| view.is_forgotten(&device)).await
    }
}
