//! Telling the API that a secret is over: from a sealed copy, which is erased once it answered, and after a day at the latest.

use super::hindrance::{Hindrance, LAST_ASKED, LONGEST};
use super::stranded::came_of;
use crate::ambient::Timestamp;
use crate::credentials::receipts::api_answer::{ApiAnswer, ApiVerdict};
use crate::credentials::receipts::receipt::amend;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::source::oauth2::OAuthClient;
use crate::store::{Erased, QueuedRevocation, StoreError, Transaction, View};
use crate::telemetry::with_causes;

/// The end of the wait of a sealed copy.
#[derive(Clone, Debug)]
pub(in crate::credentials) struct Closing {
    pub(in crate::credentials) revocation: QueuedRevocation,
    /// What its receipt says from then on.
    pub(super) answer: ApiAnswer,
}

impl Closing {
    /// Erases the copy, and has the receipt say what came of it; answers whether it still waited.
    pub(in crate::credentials) fn run(self, transaction: &Transaction<'_>) -> Result<bool, StoreError> {
        let Self { revocation, answer } = self;
        if !transaction.erase_revocation(revocation.seq)? {
            return Ok(false);
        }
        if matches!(answer.verdict, ApiVerdict::Unasked | ApiVerdict::Unanswered) {
            let (why, credentials) = (answer.why.as_deref(), &revocation.credentials);
            tracing::error!(why, credentials.uuid = %credentials.logged(), "the copy of tokens is erased that may live on");
        }
        let QueuedRevocation { credentials, receipt: Some(receipt), refresh, .. } = revocation else {
            let verdict = answer.verdict.as_str();
            tracing::info!(verdict, "the wait of tokens that no credentials hold is over");
            return Ok(true);
        };
        let others_wait = transaction.has_revocations(&credentials, receipt)?;
        // Nobody is at it any more who could tell.
        let (fate, why) = came_of(transaction, refresh)?;
        amend(transaction, receipt, |receipt| {
            receipt.renewal_came_to(fate, Some(why));
            if answer.verdict == ApiVerdict::Spared {
                receipt.keep_promised_renewal(answer.why.as_deref());
            }
            receipt.answered(answer, others_wait);
        })?;
        Ok(true)
    }
}

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
            Ok(Some(answer)) => self.close(revocation, answer).await,
            Ok(None) | Err(Hindrance::TakenUp) => Ok(()),
            Err(hindrance) if self.is_too_old(&revocation) => {
                let verdict = hindrance.verdict(revocation.attempts > 0);
                let why = hindrance.why().filter(|_| verdict == ApiVerdict::Unasked).map(str::to_owned);
                self.close(revocation, ApiAnswer { why, ..self.answer(verdict) }).await
            }
            Err(hindrance) => self.put_off(revocation, hindrance).await,
        }
    }

    pub(super) fn is_too_old(&self, revocation: &QueuedRevocation) -> bool {
        self.clock.now().since(revocation.made_at) >= LAST_ASKED
    }

    async fn put_off(
        &self,
        revocation: QueuedRevocation,
        hindrance: Hindrance,
    ) -> Result<(), CredentialsError> {
        let pause = hindrance.pause(revocation.attempts);
        let now = self.clock.now();
        let due = now.plus(pause).min(revocation.made_at.plus(LAST_ASKED));
        let put_off = move |transaction: &Transaction<'_>| {
            transaction.postpone_revocation(revocation.seq, due, hindrance.rests())?;
            match revocation.receipt {
                Some(receipt) => amend(transaction, receipt, |receipt| receipt.waits(&hindrance, now)),
                None => Ok(()),
            }
        };
        Ok(self.store.write::<_, StoreError, _>(put_off).await?)
    }

    pub(super) fn answer(&self, verdict: ApiVerdict) -> ApiAnswer {
        ApiAnswer::new(verdict, self.clock.now())
    }

    async fn close(&self, revocation: QueuedRevocation, answer: ApiAnswer) -> Result<(), CredentialsError> {
        let closing = Closing { revocation, answer };
        // Where it waits no longer, somebody else told the API meanwhile.
        let close = move |transaction: &Transaction<'_>| closing.run(transaction).map(drop);
        Ok(self.store.write::<_, StoreError, _>(close).await?)
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
}

pub(super) fn unopened(revocation: &QueuedRevocation, error: &CredentialsError) -> Hindrance {
    tracing::error!(
        error = with_causes(error),
        credentials.uuid = %revocation.credentials.logged(),
        "the API cannot be told of a secret: its sealed copy does not open"
    );
    Hindrance::Unopened
}
