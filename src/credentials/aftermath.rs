//! What remains to be done about what is over: the bus is told, then the API, and the sealed copies are erased.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::errands::pause;
use super::receipt::{ApiAnswer, ApiVerdict, Fate, amend};
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::{OAuthClient, Revoked};
use crate::store::{QueuedRevocation, StoreError, StoredRecord, Transaction, View};
use crate::vault::{Credentials, SealedText};

/// How often it is looked whether something is due.
const BETWEEN: Duration = Duration::from_secs(1);
/// The longest that a sealed copy waits for the API.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How much is done in one go.
const AT_ONCE: usize = 32;
/// Of a renewal whose process ended before it was answered.
const ANSWER_LOST: &str =
    "nobody knows whether it brought new tokens; look at the API, and end there what is left";

impl CredentialsDevices {
    /// The same, which tells `client` of secrets that are over.
    #[must_use]
    pub fn telling(self, client: Option<OAuthClient>) -> Self {
        Self { upstream: client, ..self }
    }

    /// Does what is due, again and again, until stopped.
    pub(super) async fn attend(self, mut stopped: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.attend_once().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what follows from a revocation waits"
                );
            }
            let bell = Arc::clone(&self.aftermath);
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                () = bell.notified() => {}
                () = tokio::time::sleep(BETWEEN) => {}
            }
        }
        // Jobs may still be finishing; what they use is noted at most a second late.
        let _ = self.uses.flush(&self.store).await;
    }

    /// Does what is due now, and notes who used what.
    ///
    /// # Errors
    /// What the store reports; what is not done is done another time.
    pub async fn attend_once(&self) -> Result<(), CredentialsError> {
        if let Err(error) = self.uses.flush(&self.store).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "some uses are not noted");
        }
        let now = self.clock.now();
        let look =
            move |view: &View<'_>| Ok((view.due_errands(now, AT_ONCE)?, view.due_revocations(now, AT_ONCE)?));
        let (errands, revocations) = self.store.read::<_, StoreError, _>(look).await?;
        for errand in errands {
            self.run_errand(errand, None).await?;
        }
        for revocation in revocations {
            self.tell(revocation).await?;
        }
        Ok(())
    }

    /// Tells the API of one secret that is over; its copy is erased once that answered, or its time is over.
    /// While a renewal is under way, nobody knows yet what has to end.
    async fn tell(&self, revocation: QueuedRevocation) -> Result<(), CredentialsError> {
        let answer = match self.is_renewing(&revocation.credentials) {
            true => None,
            false => self.ask_to_end(&revocation).await,
        };
        let verdict = match answer {
            Some(verdict) => verdict,
            None if self.clock.now().since(revocation.made_at) >= LONGEST => ApiVerdict::Unanswered,
            None => {
                let until_the_end = revocation.made_at.plus(LONGEST);
                let due = self.clock.now().plus(pause(revocation.attempts)).min(until_the_end);
                let postpone =
                    move |transaction: &Transaction<'_>| transaction.postpone_revocation(revocation.seq, due);
                return Ok(self.store.write::<_, StoreError, _>(postpone).await?);
            }
        };
        let now = self.clock.now();
        let erase = move |transaction: &Transaction<'_>| {
            if !transaction.erase_revocation(revocation.seq)? {
                // Somebody else told the API meanwhile.
                return Ok(());
            }
            let answer = ApiAnswer::new(verdict, now);
            let QueuedRevocation { credentials, receipt, .. } = &revocation;
            let others_wait = transaction.has_revocations(credentials, *receipt)?;
            Ok(amend(transaction, *receipt, |receipt| {
                receipt.answered(answer, others_wait);
                // This process is not at it, so nobody is who could tell.
                receipt.renewal_came_to(Fate::Stayed, Some(ANSWER_LOST));
            })?)
        };
        self.store.write(erase).await
    }

    /// What the API answers; `None` where that is not known, and it is asked again.
    async fn ask_to_end(&self, revocation: &QueuedRevocation) -> Option<ApiVerdict> {
        let Some(client) = &self.upstream else { return Some(ApiVerdict::Impossible) };
        if self.clock.now().since(revocation.made_at) >= LONGEST {
            return None;
        }
        let opened = self.open_once(revocation.credentials.clone(), revocation.record.clone()).await;
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    credentials.uuid = %revocation.credentials,
                    "the API cannot be told of a secret: its record does not open"
                );
                return Some(ApiVerdict::Impossible);
            }
        };
        let noted = revocation.record.source.as_deref();
        if self.sealing.other_api(noted, Some(&opened)).is_some() {
            return Some(ApiVerdict::OtherApi);
        }
        match client.revoke(opened.secret(), opened.refresh_token()).await {
            Ok(Revoked::Done) => Some(ApiVerdict::Revoked),
            Ok(Revoked::Unknown) => Some(ApiVerdict::Unknown),
            Ok(Revoked::Impossible) => Some(ApiVerdict::Impossible),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    credentials.uuid = %revocation.credentials,
                    "the API was not told yet that a secret is over"
                );
                None
            }
        }
    }

    /// Opens a record that nobody shall find opened afterwards.
    pub(super) async fn open_once(
        &self,
        device: DeviceUuid,
        record: StoredRecord,
    ) -> Result<Credentials, CredentialsError> {
        let devices = self.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let opened = devices.open_cold(&device, &record);
            devices.vault.forget(&device, SealedText { endo: &record.endo, signature: &record.signature });
            opened
        });
        opening.await.map_err(|_| CredentialsError::Interrupted)?
    }
}
