//! What remains to be done about what is over: the bus is told, then the API, and the sealed copies are erased.

use std::time::Duration;

use tokio::sync::watch;

use super::errands::PAUSES;
use super::receipt::{ApiAnswer, ApiVerdict, Fate, amend};
use super::rounds::until_stopped;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::{OAuthClient, Revoked};
use crate::store::{QueuedRevocation, StoreError, StoredRecord, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, SealedText};

/// The longest that a sealed copy waits for the API.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How much is done in one go.
const AT_ONCE: usize = 32;
/// Of a renewal whose process ended before it was answered.
const ANSWER_LOST: &str =
    "nobody knows whether it brought new tokens; look at the API, and end there what is left";

/// Why the API did not answer for now.
#[derive(Clone, Copy)]
enum Hindrance {
    /// It does not say anything, or nobody knows yet what to ask.
    Silence,
    /// The gateway is for another API now.
    OtherApi,
    /// The gateway has no way to ask now.
    NoWay,
}

impl Hindrance {
    /// What the settings have to do with it, for people.
    fn why(self) -> Option<&'static str> {
        match self {
            Self::Silence => None,
            Self::OtherApi => Some(
                "the settings of this gateway name another one; if they name it again within a day, it is told",
            ),
            Self::NoWay => Some(
                "the settings of this gateway give it no way to do that; if they do within a day, it is told",
            ),
        }
    }

    /// What it comes to where it lasts for too long.
    fn verdict(self) -> ApiVerdict {
        match self {
            Self::Silence => ApiVerdict::Unanswered,
            Self::OtherApi => ApiVerdict::OtherApi,
            Self::NoWay => ApiVerdict::Impossible,
        }
    }
}

impl CredentialsDevices {
    /// The same, which tells `client` of secrets that are over.
    #[must_use]
    pub fn telling(self, client: Option<OAuthClient>) -> Self {
        Self { upstream: client, ..self }
    }

    /// Does what is due, again and again, until stopped.
    pub(super) async fn attend(self, stopped: watch::Receiver<bool>) {
        let round = || async {
            if let Err(error) = self.attend_once().await {
                tracing::warn!(error = with_causes(&error), "what follows from a revocation waits");
            }
        };
        until_stopped(stopped, &self.aftermath, round).await;
        // Jobs may still be finishing; what they use is noted at most a second late.
        let _ = self.uses.flush(&self.store).await;
    }

    /// Has everything be due that an earlier process left behind: strays of sign-ins that ended with it, and what the settings
    /// did not let it tell, which can be others now. Before anybody signs in here.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn resume(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.write(move |transaction: &Transaction<'_>| transaction.hasten_revocations(now)).await
    }

    /// Does what is due now, and notes who used what.
    ///
    /// # Errors
    /// What the store reports; what is not done is done another time.
    pub async fn attend_once(&self) -> Result<(), CredentialsError> {
        if let Err(error) = self.uses.flush(&self.store).await {
            tracing::warn!(error = with_causes(&error), "some uses are not noted");
        }
        let now = self.clock.now();
        let look =
            move |view: &View<'_>| Ok((view.due_errands(now, AT_ONCE)?, view.due_revocations(now, AT_ONCE)?));
        let (errands, revocations) = self.store.read::<_, StoreError, _>(look).await?;
        for errand in errands {
            self.run_errand(errand).await?;
        }
        for revocation in revocations {
            self.tell(revocation).await?;
        }
        Ok(())
    }

    /// Tells the API of one secret that is over; its copy is erased once that answered, or its time is over.
    pub(super) async fn tell(&self, revocation: QueuedRevocation) -> Result<(), CredentialsError> {
        match self.ask_to_end(&revocation).await {
            Ok(verdict) => self.close(revocation, verdict).await,
            Err(hindrance) if self.is_too_old(&revocation) => {
                self.close(revocation, hindrance.verdict()).await
            }
            Err(hindrance) => self.put_off(revocation, hindrance).await,
        }
    }

    fn is_too_old(&self, revocation: &QueuedRevocation) -> bool {
        self.clock.now().since(revocation.made_at) >= LONGEST
    }

    async fn put_off(
        &self,
        revocation: QueuedRevocation,
        hindrance: Hindrance,
    ) -> Result<(), CredentialsError> {
        let why = hindrance.why();
        // The settings are others after a start at the soonest.
        let pause = if why.is_some() { LONGEST } else { PAUSES.after(revocation.attempts) };
        let due = self.clock.now().plus(pause).min(revocation.made_at.plus(LONGEST));
        let put_off = move |transaction: &Transaction<'_>| {
            transaction.postpone_revocation(revocation.seq, due, why.is_none())?;
            match revocation.receipt {
                Some(receipt) => amend(transaction, receipt, |receipt| receipt.waits(why)),
                None => Ok(()),
            }
        };
        Ok(self.store.write::<_, StoreError, _>(put_off).await?)
    }

    pub(super) async fn close(
        &self,
        revocation: QueuedRevocation,
        verdict: ApiVerdict,
    ) -> Result<(), CredentialsError> {
        let now = self.clock.now();
        let erase = move |transaction: &Transaction<'_>| {
            if !transaction.erase_revocation(revocation.seq)? {
                // Somebody else told the API meanwhile.
                return Ok(());
            }
            let QueuedRevocation { credentials, receipt: Some(receipt), .. } = revocation else {
                tracing::info!(
                    verdict = verdict.as_str(),
                    "the wait of tokens that no credentials hold is over"
                );
                return Ok(());
            };
            let answer = ApiAnswer::new(verdict, now);
            let others_wait = transaction.has_revocations(&credentials, receipt)?;
            Ok(amend(transaction, receipt, |receipt| {
                receipt.answered(answer, others_wait);
                // This process is not at it, so nobody is who could tell.
                receipt.renewal_came_to(Fate::Stayed, Some(ANSWER_LOST));
            })?)
        };
        self.store.write(erase).await
    }

    /// What the API answers. While a renewal is under way, nobody knows yet what has to end.
    async fn ask_to_end(&self, revocation: &QueuedRevocation) -> Result<ApiVerdict, Hindrance> {
        let noted = revocation.record.source.as_deref();
        if self.sealing.other_api(noted, None).is_some() {
            return Err(Hindrance::OtherApi);
        }
        let can = |client: &&OAuthClient| match revocation.receipt {
            Some(_) => client.settings().can_revoke(),
            None => client.settings().revokes_one_alone(),
        };
        let client = self.upstream.as_ref().filter(can);
        let client = client.ok_or(Hindrance::NoWay)?;
        if self.is_too_old(revocation) || self.is_renewing(&revocation.credentials) {
            return Err(Hindrance::Silence);
        }
        let opened = self.open_once(revocation.credentials.clone(), revocation.record.clone()).await;
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tracing::error!(
                    error = with_causes(&error),
                    credentials.uuid = %revocation.credentials,
                    "the API cannot be told of a secret: its record does not open"
                );
                return Ok(ApiVerdict::Impossible);
            }
        };
        if self.sealing.other_api(noted, Some(&opened)).is_some() {
            return Err(Hindrance::OtherApi);
        }
        if revocation.receipt.is_none() && self.holds_the_same(&opened).await? {
            return Ok(ApiVerdict::Impossible);
        }
        match client.revoke(opened.secret(), opened.refresh_token()).await {
            Ok(Revoked::Done) => Ok(ApiVerdict::Revoked),
            Ok(Revoked::Unknown) => Ok(ApiVerdict::Unknown),
            Ok(Revoked::Impossible) => Err(Hindrance::NoWay),
            Err(error) => {
                tracing::warn!(
                    error = with_causes(&error),
                    credentials.uuid = %revocation.credentials,
                    "the API was not told yet that a secret is over"
                );
                Err(Hindrance::Silence)
            }
        }
    }

    /// Whether a stray's tokens may not be ended, because credentials here hold them too.
    async fn holds_the_same(&self, stray: &Credentials) -> Result<bool, Hindrance> {
        self.is_held(stray).await.map_err(|error| {
            tracing::warn!(error = with_causes(&error), "nobody can tell whether tokens are held here");
            Hindrance::Silence
        })
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
