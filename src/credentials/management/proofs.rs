//! That somebody proved control of an account lately.

use std::time::Duration;

use crate::ambient::Timestamp;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};

impl CredentialsDevices {
    /// Notes when `caller` proved control of the account behind the credentials.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn note_proof(
        &self,
        caller: DeviceUuid,
        credentials: DeviceUuid,
        proved_at: Timestamp,
    ) -> Result<(), CredentialsError> {
        let note =
            move |transaction: &Transaction<'_>| transaction.note_proof(&caller, &credentials, proved_at);
        Ok(self.store.write::<_, StoreError, _>(note).await?)
    }

    /// Whether `caller` proved control of the account behind `credentials` no longer ago than `age`.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn is_proved(
        &self,
        caller: &DeviceUuid,
        credentials: &DeviceUuid,
        age: Duration,
    ) -> Result<bool, CredentialsError> {
        let (caller, credentials, now) = (caller.clone(), credentials.clone(), self.clock.now());
        let look = move |view: &View<'_>| view.proof(&caller, &credentials);
        let proved = self.store.read::<_, StoreError, _>(look).await?;
        // A proof of the future is one from before the clock was set back.
        Ok(proved.is_some_and(|proved| proved <= now && now.since(proved) <= age))
    }
}
