//! What remains to be done about what is over: the bus is told, then the API, and the sealed copies are erased.

use std::time::Duration;

use tokio::sync::watch;

use super::arrivals::Trait;
use super::errands::PAUSES;
use super::in_use::{ASKED_BEFORE, Spared, tokens_of};
use super::receipt::{ApiAnswer, ApiVerdict, Fate, amend};
use super::rounds::until_stopped;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::oauth2::{OAuthClient, OAuthError, Revoked};
use crate::store::{QueuedRevocation, StoreError, StoredRecord, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, ResourceOwnerId, SealedText};

/// The longest that a sealed copy waits for the API.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How much is done in one go.
const AT_ONCE: usize = 32;
/// Of a renewal whose process ended before it was answered.
const ANSWER_LOST: &str =
    "nobody knows whether it brought new tokens; look at the API, and end there what is left";

/// When it is looked again whether a sign-in is over that may concern what is to end.
const MOMENT: Duration = Duration::from_secs(1);
/// How long is left alone what erred.
const AFTER_ERROR: Duration = Duration::from_secs(60);
/// How long an API may still be at what it was asked and nobody waits for; longer than an answer may take.
const STILL_AT_IT: Duration = Duration::from_secs(60);

/// What is due, by what names it in the store.
#[derive(Clone, Copy)]
enum Due {
    Errand(i64),
    Revocation(i64),
}

/// Why the API did not answer for now.
#[derive(Clone, Copy)]
enum Hindrance {
    /// A sign-in is under way that brings the same tokens, or is by the same account.
    SignIn,
    /// It did not say anything, and somebody signed in who waited for that long enough.
    LetGo,
    /// It does not say anything, or nobody knows yet what to ask.
    Silence,
    /// It answered with a page for people.
    Page,
    /// The gateway is for another API now.
    OtherApi,
    /// The gateway has no way to ask now.
    NoWay,
}

impl Hindrance {
    /// What the settings have to do with it, for people.
    fn why(self) -> Option<&'static str> {
        match self {
            Self::SignIn | Self::Silence => None,
            Self::LetGo => Some(
                "somebody signed in while it did not answer; what it does all the same may end what they signed in for, so \
                 that is looked at in a minute",
            ),
            Self::Page => Some(
                "it answered with a page for people, as at a wrong address; the operator compares source.revocation_url with \
                 what the API documents",
            ),
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
            Self::SignIn | Self::LetGo | Self::Page | Self::Silence => ApiVerdict::Unanswered,
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
    }

    /// Has everything be due that an earlier process left behind: strays of sign-ins that ended with it, and what the settings
    /// did not let it tell, which can be others now. Before anybody signs in here.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn resume(&self) -> Result<(), StoreError> {
        self.hasten(self.clock.now()).await
    }

    /// Does what is due now, and notes who used what.
    ///
    /// # Errors
    /// What the store reports; what is not done is done another time.
    pub async fn attend_once(&self) -> Result<(), CredentialsError> {
        self.note_uses().await;
        let now = self.clock.now();
        self.mind_the_clock(now).await?;
        let look = move |view: &View<'_>| {
            let errands = view.due_errands(now, AT_ONCE)?.into_iter().map(Due::Errand);
            let revocations = view.due_revocations(now, AT_ONCE)?.into_iter().map(Due::Revocation);
            Ok(errands.chain(revocations).collect::<Vec<_>>())
        };
        for due in self.store.read::<_, StoreError, _>(look).await? {
            if let Err(error) = self.attend_to(due).await {
                tracing::warn!(error = with_causes(&error), "something that follows from a revocation waits");
                self.leave_for_later(due).await;
            }
        }
        Ok(())
    }

    /// Notes in the store who used what so far. For the end of a gateway, once it works on nothing more; until then it is
    /// done by itself.
    pub async fn note_uses(&self) {
        if let Err(error) = self.uses.flush(&self.store).await {
            tracing::warn!(error = with_causes(&error), "some uses are not noted");
        }
    }

    async fn attend_to(&self, due: Due) -> Result<(), CredentialsError> {
        match due {
            Due::Errand(seq) => {
                match self.store.read::<_, StoreError, _>(move |view| view.errand(seq)).await? {
                    Some(errand) => self.run_errand(errand).await,
                    None => Ok(()),
                }
            }
            Due::Revocation(seq) => self.tell_of(seq, None).await,
        }
    }

    /// So that what errs each time is not in the way of the rest.
    async fn leave_for_later(&self, due: Due) {
        let later = self.clock.now().plus(AFTER_ERROR);
        let leave = move |transaction: &Transaction<'_>| match due {
            Due::Errand(seq) => transaction.retry_errand(seq, later),
            Due::Revocation(seq) => transaction.postpone_revocation(seq, later, false),
        };
        // Where the store fails in this as well, everything waits for it.
        let _ = self.store.write::<_, StoreError, _>(leave).await;
    }

    /// Tells the API of one secret that is over, if that still waits; if a stray one of `account`, as far as that is known.
    /// Its copy is erased once the API answered, or its time is over.
    pub(super) async fn tell_of(
        &self,
        seq: i64,
        account: Option<&ResourceOwnerId>,
    ) -> Result<(), CredentialsError> {
        let waiting = self.store.read::<_, StoreError, _>(move |view| view.revocation(seq)).await?;
        let Some(revocation) = waiting else { return Ok(()) };
        match self.ask_to_end(&revocation, account).await {
            Ok(answer) => self.close(revocation, answer).await,
            Err(hindrance) if self.is_too_old(&revocation) => {
                self.close(revocation, self.answer(hindrance.verdict())).await
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
        let pause = match hindrance {
            Hindrance::SignIn => MOMENT,
            Hindrance::LetGo => STILL_AT_IT,
            Hindrance::Page | Hindrance::Silence => PAUSES.after(revocation.attempts),
            Hindrance::OtherApi | Hindrance::NoWay => LONGEST,
        };
        let is_asked = matches!(hindrance, Hindrance::LetGo | Hindrance::Page | Hindrance::Silence);
        let due = self.clock.now().plus(pause).min(revocation.made_at.plus(LONGEST));
        let put_off = move |transaction: &Transaction<'_>| {
            transaction.postpone_revocation(revocation.seq, due, is_asked)?;
            match revocation.receipt {
                Some(receipt) => amend(transaction, receipt, |receipt| receipt.waits(why)),
                None => Ok(()),
            }
        };
        Ok(self.store.write::<_, StoreError, _>(put_off).await?)
    }

    fn answer(&self, verdict: ApiVerdict) -> ApiAnswer {
        ApiAnswer::new(verdict, self.clock.now())
    }

    async fn close(&self, revocation: QueuedRevocation, answer: ApiAnswer) -> Result<(), CredentialsError> {
        let erase = move |transaction: &Transaction<'_>| {
            if !transaction.erase_revocation(revocation.seq)? {
                // Somebody else told the API meanwhile.
                return Ok(());
            }
            let QueuedRevocation { credentials, receipt: Some(receipt), .. } = revocation else {
                tracing::info!(
                    verdict = answer.verdict.as_str(),
                    "the wait of tokens that no credentials hold is over"
                );
                return Ok(());
            };
            let others_wait = transaction.has_revocations(&credentials, receipt)?;
            Ok(amend(transaction, receipt, |receipt| {
                receipt.answered(answer, others_wait);
                // This process is not at it, so nobody is who could tell.
                receipt.renewal_came_to(Fate::Stayed, Some(ANSWER_LOST));
            })?)
        };
        self.store.write(erase).await
    }

    /// What the API answers, if it is asked. While a renewal is under way, nobody knows yet what has to end.
    async fn ask_to_end(
        &self,
        revocation: &QueuedRevocation,
        account: Option<&ResourceOwnerId>,
    ) -> Result<ApiAnswer, Hindrance> {
        let client = self.whom_to_ask(revocation)?;
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
                return Ok(self.answer(ApiVerdict::Impossible));
            }
        };
        if self.sealing.other_api(revocation.record.source.as_deref(), Some(&opened)).is_some() {
            return Err(Hindrance::OtherApi);
        }
        // From here on no sign-in comes to hold what ends, unless this is let go.
        let ending = self.arrivals.end(self.traits(&opened)).await.ok_or(Hindrance::SignIn)?;
        if let Some(spared) = self.spared(revocation, &opened, account).await.map_err(untold)? {
            drop(ending);
            return self.spare(revocation, spared).await;
        }
        match ending.ask(end_all(client, &opened)).await.ok_or(Hindrance::LetGo)? {
            Ok(Revoked::Done) => Ok(self.answer(ApiVerdict::Revoked)),
            Ok(Revoked::Unknown) => Ok(self.answer(ApiVerdict::Unknown)),
            Ok(Revoked::Impossible) => Err(Hindrance::NoWay),
            Err(error) => {
                tracing::warn!(
                    error = with_causes(&error),
                    credentials.uuid = %revocation.credentials,
                    "the API was not told yet that a secret is over"
                );
                Err(if matches!(error, OAuthError::Page) { Hindrance::Page } else { Hindrance::Silence })
            }
        }
    }

    /// Leaves tokens alone. Where the API may have been asked to end them already and did not say what it did, those that
    /// they are spared for may have ended: nobody is to believe that they are good.
    async fn spare(&self, revocation: &QueuedRevocation, spared: Spared) -> Result<ApiAnswer, Hindrance> {
        let Spared { why, kept } = spared;
        if revocation.attempts == 0 || kept.is_empty() {
            return Ok(ApiAnswer::spared(why, self.clock.now()));
        }
        for device in &kept {
            self.look_whether_it_lives(device).await.map_err(untold)?;
        }
        Ok(ApiAnswer::spared(&format!("{why}; {ASKED_BEFORE}"), self.clock.now()))
    }

    fn whom_to_ask(&self, revocation: &QueuedRevocation) -> Result<&OAuthClient, Hindrance> {
        if self.sealing.other_api(revocation.record.source.as_deref(), None).is_some() {
            return Err(Hindrance::OtherApi);
        }
        let can = |client: &&OAuthClient| match revocation.receipt {
            Some(_) => client.settings().can_revoke(),
            None => client.settings().revokes_one_alone(),
        };
        self.upstream.as_ref().filter(can).ok_or(Hindrance::NoWay)
    }

    /// What ends with these tokens, as far as it is known.
    fn traits(&self, opened: &Credentials) -> Vec<Trait> {
        let mut traits: Vec<_> = tokens_of(opened).map(Trait::token).collect();
        if !self.ends_one_alone() {
            traits.extend(opened.id().cloned().map(Trait::Account));
        }
        traits
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

/// Ends what was opened, and the tokens that were set aside until that.
async fn end_all(client: &OAuthClient, opened: &Credentials) -> Result<Revoked, OAuthError> {
    let mut answer = client.revoke(opened.secret(), opened.refresh_token()).await;
    for aside in opened.set_aside() {
        let ended = client.revoke(&aside.token, None).await;
        answer = answer.and_then(|answer| ended.map(|_| answer));
    }
    answer
}

fn untold(error: CredentialsError) -> Hindrance {
    tracing::warn!(error = with_causes(&error), "nobody can tell whether tokens are in use here, or good");
    Hindrance::Silence
}
