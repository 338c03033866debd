//! Telling the API that a secret is over: from a sealed copy, which is erased once it answered, and after a day at the latest.

use super::api_answer::{ApiAnswer, ApiVerdict};
use super::arrivals::{Ends, Trait};
use super::asking::{ANSWER_LOST, Asking, Ended};
use super::hindrance::{Hindrance, LONGEST, STILL_AT_IT};
use super::in_use::tokens_of;
use super::judgement::{Judge, Judgement};
use super::receipt::amend;
use super::stranded::came_of;
use super::strays::whose;
use super::{CredentialsDevices, CredentialsError};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::source::oauth2::{OAuthClient, Revoked};
use crate::source::renewal::is_held;
use crate::store::{Erased, QueuedRevocation, StoreError, StoredRecord, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, ResourceOwnerId, SealedText};

impl CredentialsDevices {
    /// The same, which tells `client` of secrets that are over.
    #[must_use]
    pub fn telling(self, client: Option<OAuthClient>) -> Self {
        Self { upstream: client, ..self }
    }

    /// Tells the API of one secret that is over, if that still waits. Its copy is erased once the API answered, or its time is
    /// over.
    pub(super) async fn tell_of(&self, seq: i64) -> Result<(), CredentialsError> {
        // Both at once, for somebody else may erase them at any time.
        let look = move |view: &View<'_>| Ok((view.revocation(seq)?, view.sealed_copy(seq)));
        let (waiting, copy) = self.store.read::<_, StoreError, _>(look).await?;
        let Some(revocation) = waiting else { return Ok(()) };
        let copy = copy.map_err(CredentialsError::from);
        let told = match copy.and_then(|copy| copy.ok_or(CredentialsError::NoRecord)) {
            Ok(record) => self.ask_to_end(&revocation, record).await,
            Err(error) => Err(unopened(&revocation, &error)),
        };
        if !matches!(told, Err(Hindrance::SignIn)) {
            self.arrivals.waits_no_longer(seq);
        }
        match told {
            Ok(answer) => self.close(revocation, answer).await,
            Err(Hindrance::TakenUp) => Ok(()),
            Err(hindrance) if self.is_too_old(&revocation) => {
                let verdict = hindrance.verdict(revocation.attempts > 0);
                let why = hindrance.why().filter(|_| verdict == ApiVerdict::Unasked).map(str::to_owned);
                self.close(revocation, ApiAnswer { why, ..self.answer(verdict) }).await
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
        let pause = hindrance.pause(revocation.attempts);
        let due = self.clock.now().plus(pause).min(revocation.made_at.plus(LONGEST));
        let put_off = move |transaction: &Transaction<'_>| {
            transaction.postpone_revocation(revocation.seq, due, hindrance.rests())?;
            match revocation.receipt {
                Some(receipt) => amend(transaction, receipt, |receipt| receipt.waits(&hindrance)),
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
            if matches!(answer.verdict, ApiVerdict::Unasked | ApiVerdict::Unanswered) {
                let (verdict, why) = (answer.verdict.as_str(), answer.why.as_deref().unwrap_or_default());
                let credentials = &revocation.credentials;
                tracing::error!(verdict, why, credentials.uuid = %credentials, "the copy of tokens is erased that may live on");
            }
            let QueuedRevocation { credentials, receipt: Some(receipt), refresh, .. } = revocation else {
                tracing::info!(
                    verdict = answer.verdict.as_str(),
                    "the wait of tokens that no credentials hold is over"
                );
                return Ok(());
            };
            let others_wait = transaction.has_revocations(&credentials, receipt)?;
            // Nobody is at it any more who could tell.
            let (fate, why) = came_of(transaction, refresh)?;
            Ok(amend(transaction, receipt, |receipt| {
                receipt.renewal_came_to(fate, Some(why));
                if answer.verdict == ApiVerdict::Spared {
                    receipt.renewal_stays_too(answer.why.as_deref());
                }
                receipt.answered(answer, others_wait);
            })?)
        };
        self.store.write(erase).await
    }

    /// What the API answers, if it is asked. While a renewal is under way, nobody knows yet what has to end.
    async fn ask_to_end(
        &self,
        revocation: &QueuedRevocation,
        record: StoredRecord,
    ) -> Result<ApiAnswer, Hindrance> {
        let client = self.whom_to_ask(revocation, &record)?;
        if self.is_too_old(revocation) {
            return Err(Hindrance::TooLate);
        }
        if self.is_renewing(&revocation.credentials)
            || self.is_on_its_way(revocation).await.map_err(untold)?
        {
            return Err(Hindrance::Renewal);
        }
        let source = record.source.clone();
        let opened = self.open_once(revocation.credentials.clone(), record.clone()).await;
        let opened = opened.map_err(|error| unopened(revocation, &error))?;
        if self.sealing.other_api(source.as_deref(), Some(&opened)).is_some() {
            return Err(Hindrance::OtherApi);
        }
        let by_another = self.by_another_client(revocation, &opened).await.map_err(untold)?;
        if by_another.all {
            return Err(Hindrance::OtherClient);
        }
        let account = whose(revocation, &opened);
        let ends = self.ends(&opened, account).await.map_err(untold)?;
        let now = self.clock.now();
        let minding = self.arrivals.minding(revocation.seq, now);
        // From here on no sign-in comes to hold what ends, unless this is let go.
        let Some(ending) = self.arrivals.end(&ends, minding).await else {
            self.arrivals.waits(revocation.seq, now);
            return Err(Hindrance::SignIn);
        };
        match Judge::of(self, revocation, &opened).judge().await.map_err(untold)? {
            Judgement::Spare(spared) => return self.spare(revocation, &opened, spared).await.map_err(untold),
            Judgement::Wait(hindrance) => return Err(hindrance),
            // To judge may take long, and the API was asked for no end in it.
            Judgement::End if ending.is_let_go() => return Err(Hindrance::SignIn),
            Judgement::End => {}
        }
        if !self.note_asked(revocation.seq).await.map_err(untold)? {
            return Err(Hindrance::TakenUp);
        }
        let asking =
            Asking { devices: self, client, revocation, record: &record, opened: &opened, by_another };
        let Ended { revoked, may_live_on } = ending.ask(asking.end_all()).await.ok_or(Hindrance::LetGo)??;
        match revoked {
            Revoked::Impossible => Err(Hindrance::NoWay),
            _ if may_live_on => {
                Ok(ApiAnswer { why: Some(ANSWER_LOST.to_owned()), ..self.answer(ApiVerdict::Unknown) })
            }
            Revoked::Done => Ok(self.answer(ApiVerdict::Revoked)),
            Revoked::Unknown => Ok(self.answer(ApiVerdict::Unknown)),
        }
    }

    /// Whether somebody is sending the refresh token, for whichever credentials.
    async fn is_on_its_way(&self, revocation: &QueuedRevocation) -> Result<bool, CredentialsError> {
        let Some(token) = revocation.refresh else { return Ok(false) };
        let look = move |view: &View<'_>| view.refresh_token(&token);
        let known = self.store.read::<_, StoreError, _>(look).await?;
        Ok(known.is_some_and(|known| is_held(&known, self.clock.now())))
    }

    /// Leaves for later what erred; where its day is over, whatever is damaged of it, it is erased.
    pub(super) fn leave_revocation(
        &self,
        transaction: &Transaction<'_>,
        seq: i64,
        later: Timestamp,
    ) -> Result<(), StoreError> {
        let a_day_ago = self.clock.now().minus(LONGEST);
        let Some(Erased { receipt }) = transaction.erase_older_revocation(seq, a_day_ago)? else {
            return transaction.postpone_revocation(seq, later, false);
        };
        tracing::error!("a copy of tokens that cannot be read is erased, and they may live on");
        let Some(receipt) = receipt else { return Ok(()) };
        let answer = self.answer(ApiVerdict::Unanswered);
        // What is no receipt tells nobody anything.
        let _ = amend(transaction, receipt, |receipt| receipt.answered(answer, false));
        Ok(())
    }

    /// That the API is asked is on disk before it is: should this process end, the next knows that the API may be at it.
    /// Answers whether it still waits.
    async fn note_asked(&self, seq: i64) -> Result<bool, CredentialsError> {
        let rested_at = self.clock.now().plus(STILL_AT_IT);
        let note = move |transaction: &Transaction<'_>| transaction.note_asked(seq, rested_at);
        Ok(self.store.write::<_, StoreError, _>(note).await?)
    }

    fn whom_to_ask(
        &self,
        revocation: &QueuedRevocation,
        record: &StoredRecord,
    ) -> Result<&OAuthClient, Hindrance> {
        if self.sealing.other_api(record.source.as_deref(), None).is_some() {
            return Err(Hindrance::OtherApi);
        }
        let can = |client: &&OAuthClient| match revocation.receipt {
            Some(_) => client.settings().can_revoke(),
            None => client.settings().revokes_one_alone(),
        };
        self.upstream.as_ref().filter(can).ok_or(Hindrance::NoWay)
    }

    /// What ends with these tokens, as far as it is known.
    async fn ends(
        &self,
        opened: &Credentials,
        account: Option<&ResourceOwnerId>,
    ) -> Result<Ends, CredentialsError> {
        let account = account.cloned();
        let mut traits: Vec<_> = tokens_of(opened).map(Trait::token).collect();
        if !self.ends_one_alone() || !self.lost_renewals_of(opened).await?.is_empty() {
            traits.extend(account.clone().map(Trait::Account));
        }
        let renews = opened.refresh_token().is_some();
        traits.extend(account.clone().map(|account| Trait::Renewing(account, !renews)));
        traits.extend(self.lines_of(tokens_of(opened)).await?.into_iter().map(Trait::Token));
        Ok(Ends { account, traits })
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

fn unopened(revocation: &QueuedRevocation, error: &CredentialsError) -> Hindrance {
    tracing::error!(
        error = with_causes(error),
        credentials.uuid = %revocation.credentials,
        "the API cannot be told of a secret: its sealed copy does not open"
    );
    Hindrance::Unopened
}

fn untold(error: CredentialsError) -> Hindrance {
    tracing::warn!(error = with_causes(&error), "nobody can tell whether tokens are in use here, or good");
    Hindrance::Untold
}
