//! Names for the refresh tokens of databases of before, which knew them by their credentials alone.

use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::named;
use crate::store::{RenewalStage, StoreError, StoredRenewal, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::SecretText;

/// Remembers that there is nothing left to name.
const ALL_NAMED: &str = "refresh_tokens.named";

impl CredentialsDevices {
    /// Has refresh tokens be known by their own fingerprints, once for a database: before anything ends, for what ends is named by
    /// what it holds. Those of a record that does not open now are tried again when the database is opened again.
    ///
    /// # Errors
    /// What the store reports.
    pub(in crate::credentials) async fn name_refresh_tokens(&self) -> Result<(), StoreError> {
        let look = |view: &View<'_>| match view.fact(ALL_NAMED)? {
            Some(_) => Ok(None),
            None => view.holders_of_unnamed_tokens().map(Some),
        };
        let Some(unnamed) = self.store.read::<_, StoreError, _>(look).await? else { return Ok(()) };
        let mut are_all_named = true;
        for device in unnamed {
            match self.name_refresh_token_of(&device).await {
                Ok(()) => {}
                Err(CredentialsError::Store(error)) => return Err(error),
                Err(error) => {
                    are_all_named = false;
                    tracing::warn!(
                        error = with_causes(&error),
                        credentials.uuid = %device.logged(),
                        "what was known of a refresh token cannot be told from what is known of others"
                    );
                }
            }
        }
        if are_all_named {
            let remember = |transaction: &Transaction<'_>| transaction.remember_fact(ALL_NAMED, b"yes");
            self.store.write::<_, StoreError, _>(remember).await?;
        }
        Ok(())
    }

    async fn name_refresh_token_of(&self, device: &DeviceUuid) -> Result<(), CredentialsError> {
        let record = match self.newest_record(device).await {
            Err(CredentialsError::NoRecord) => return Ok(()),
            record => record?,
        };
        let generation = record.generation;
        let opened = self.opener.open_once(device.clone(), record).await?;
        let Some(token) = opened.refresh_token().map(SecretText::fingerprint) else { return Ok(()) };
        let device = device.clone();
        let name = move |transaction: &Transaction<'_>| {
            let known = transaction.renewal(&device)?.filter(|known| known.generation == generation);
            let Some(known) = known else { return Ok(()) };
            // Others may have noted more of it under its own name.
            let others = transaction.refresh_token(&token)?.filter(|known| known.stage != RenewalStage::Idle);
            let refresh = Some(others.unwrap_or_else(|| named(token, Some(&known))));
            transaction.store_renewal(&device, &StoredRenewal { refresh, ..known })
        };
        Ok(self.store.write::<_, StoreError, _>(name).await?)
    }
}
