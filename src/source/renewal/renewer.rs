//! One renewal from its intent to its end. Every await may be the last: what is on disk always says what to do next.

use std::sync::Arc;
use std::time::Duration;

use super::claim::{Claim, Claimant};
use super::demand::{Demand, RenewalSettings, Renewed};
use super::error::RenewalError;
use super::judgement::{
    Doubt, LONGEST_REST, REST, Resolution, end, may_send_again, refuse, release, rest_after_failure,
};
use super::keeping::Given;
use super::records::{CameTo, Held, Outcome, Records, Sake, Sending};
use super::subject::{Beside, Noted, Noting, Subject};
use super::upstream::Upstream;
use crate::ambient::{Ambient, Clock, Random, Timestamp};
use crate::message::DeviceUuid;
use crate::source::oauth2::{OAuthError, Probe};
use crate::source::provider::Retry;
use crate::store::{RenewalStage, Store, StoreError, StoredRecord, StoredRefreshToken, Transaction, View};
use crate::telemetry::with_causes;
use crate::vault::SecretText;

/// Renews secrets, as one process among those that share a store.
#[derive(Debug)]
pub struct Renewer {
    pub(super) store: Store,
    pub(super) records: Arc<Records>,
    pub(super) upstream: Upstream,
    pub(super) settings: RenewalSettings,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

/// A credential as it was read.
pub(super) struct Case {
    pub(super) demand: Demand,
    pub(super) record: StoredRecord,
    /// When its access token ends by itself, where that is known.
    pub(super) ends_at: Option<Timestamp>,
    /// What this is about, whichever record holds it by now.
    pub(super) subject: Subject,
    pub(super) held: Held,
    /// Who is at it: this call, and no other of this process.
    pub(super) holder: String,
}

/// How one attempt ended.
pub(super) enum Attempt {
    Done(Renewed),
    /// The disk says something new: look again.
    Again,
    /// Nobody knows what came of it: look again, and know why.
    Lost(OAuthError),
}

/// What one call did so far.
#[derive(Default)]
pub(super) struct Run {
    waited: Duration,
    sends: u32,
    lost: Option<Arc<OAuthError>>,
    /// Whether the refresh token had been sent before, by whomever.
    doubts: bool,
}

impl Renewer {
    /// A process that renews the secrets of `records` at `upstream`.
    pub fn new(store: Store, records: Records, upstream: Upstream, ambient: Ambient) -> Self {
        let Ambient { clock, random } = ambient;
        let settings = RenewalSettings::default();
        Self { store, records: Arc::new(records), upstream, settings, clock, random }
    }

    /// The same, that waits as these settings say.
    #[must_use]
    pub fn with(self, settings: RenewalSettings) -> Self {
        Self { settings, ..self }
    }

    pub(super) fn retry(&self) -> Retry {
        self.upstream.retry
    }

    /// Renews one secret if that is still needed. May be dropped at any await, and called by anybody at any time: each call
    /// is a holder of its own.
    ///
    /// # Errors
    /// [`RenewalError`]; only [`RenewalError::Dead`] will not go away by itself.
    pub async fn renew(&self, device: &DeviceUuid, demand: Demand) -> Result<Renewed, RenewalError> {
        let (holder, mut run) = (self.random.uuid(), Run::default());
        loop {
            let case = self.read(device, demand, &holder).await?;
            let (claim, sake) = self.claim(&case).await?;
            let attempt = match claim {
                Claim::Done(renewed) => Attempt::Done(renewed),
                Claim::Dead(reason) => return Err(RenewalError::Dead { reason }),
                Claim::Resting => return Err(RenewalError::Resting),
                Claim::OtherClient => return Err(RenewalError::OtherClient),
                Claim::Fruitless => return Err(RenewalError::Fruitless),
                Claim::Moved => Attempt::Again,
                Claim::Spend => self.spend(&case, &mut run, sake).await?,
                Claim::Doubt => self.resolve(&case, &mut run, sake).await?,
                Claim::Held if run.waited >= self.settings.patience => return Err(RenewalError::Busy),
                Claim::Held => {
                    tokio::time::sleep(self.settings.look).await;
                    run.waited += self.settings.look;
                    Attempt::Again
                }
            };
            match attempt {
                Attempt::Done(renewed) => return Ok(renewed),
                Attempt::Again => {}
                Attempt::Lost(error) => run.lost = Some(Arc::new(error)),
            }
        }
    }

    async fn read(&self, device: &DeviceUuid, demand: Demand, holder: &str) -> Result<Case, RenewalError> {
        let asked = device.clone();
        let look = move |view: &View<'_>| {
            let record = view.record(&asked)?.ok_or(RenewalError::NoRecord)?;
            let known = view.renewal(&asked)?.filter(|known| known.generation == record.generation);
            let secret_since = known.as_ref().map_or(record.generation, |known| known.secret_since);
            Ok::<_, RenewalError>((record, secret_since, known.and_then(|known| known.expires_at)))
        };
        let (record, secret_since, ends_at) = self.store.read(look).await?;
        let held = (self.records.open)(device.clone(), record.clone()).await?;
        let token = held.refresh.as_ref().map(SecretText::fingerprint);
        let subject = Subject { device: device.clone(), token, secret_since };
        let holder = holder.to_owned();
        Ok(Case { demand, record, ends_at, subject, held, holder })
    }

    async fn claim(&self, case: &Case) -> Result<(Claim, Sake), StoreError> {
        let claimant = Claimant {
            subject: case.subject.clone(),
            demand: case.demand,
            generation: case.record.generation,
            came_by: case.held.client.clone(),
            holder: case.holder.clone(),
            now: self.clock.now(),
            lease: self.settings.lease,
            client: self.upstream.client.clone(),
        };
        let claim = move |transaction: &Transaction<'_>| {
            let last_receipt = transaction.last_receipt()?;
            Ok((claimant.claim(transaction)?, Sake::Use { last_receipt }))
        };
        self.store.write::<_, StoreError, _>(claim).await
    }

    /// Sends the refresh token. That it is sent is on disk.
    pub(super) async fn spend(
        &self,
        case: &Case,
        run: &mut Run,
        sake: Sake,
    ) -> Result<Attempt, RenewalError> {
        let Some(token) = &case.held.refresh else { return Ok(Attempt::Again) };
        run.sends += 1;
        let sending = Sending { asked_at: self.clock.now(), sake };
        match self.while_holding(case, (self.upstream.refresh)(token.copy())).await {
            Ok(tokens) => self.keep(case, Given { sent: token.copy(), tokens, sending }).await,
            Err(error @ OAuthError::InvalidGrant { .. }) => {
                tracing::warn!(
                    error = with_causes(&error),
                    credentials.uuid = %case.subject.device.logged(),
                    "the refresh token is over"
                );
                let is_refused = case.demand.is_rejected();
                let noted = self.note(case, move |noted| {
                    let Noted { refresh, mut beside, now } = noted;
                    // Of an access token that a sign-in brought meanwhile this says nothing.
                    if let Beside::Same(renewal) = &mut beside
                        && is_refused
                    {
                        refuse(renewal, now);
                    }
                    refresh.is_lost |= refresh.sent > 1;
                    end(refresh, beside.whichever(), RenewalStage::Refused);
                });
                noted.await?;
                self.tell_nothing_came(case, run, sending).await?;
                Ok(Attempt::Again)
            }
            Err(error) if error.left_untouched() => {
                self.put_off(case, &error).await?;
                self.tell_nothing_came(case, run, sending).await?;
                Err(unavailable(error))
            }
            Err(error) => {
                self.note(case, |Noted { refresh, .. }| leave_in_doubt(refresh)).await?;
                Ok(Attempt::Lost(error))
            }
        }
    }

    /// Whoever ended the credentials, or signed in anew meanwhile, waits for what came of this.
    async fn tell_nothing_came(&self, case: &Case, run: &Run, sending: Sending) -> Result<(), StoreError> {
        if run.doubts || matches!(sending.sake, Sake::End { .. }) {
            return Ok(());
        }
        let (records, subject) = (Arc::clone(&self.records), case.subject.clone());
        let tell = move |transaction: &Transaction<'_>| match subject.holding(transaction)? {
            Some(holding) if holding.device == subject.device => Ok(()),
            _ => {
                let outcome = Outcome { sending, came_to: CameTo::Nothing };
                (records.came_to)(transaction, &subject.device, outcome)
            }
        };
        self.store.write(tell).await
    }

    /// The token may be sent as if it had not been.
    async fn put_off(&self, case: &Case, error: &OAuthError) -> Result<Option<()>, StoreError> {
        let asked_for = match error {
            OAuthError::Busy { after, .. } => *after,
            _ => None,
        };
        let (holder, retry) = (case.holder.clone(), self.upstream.retry);
        // Whoever took over meanwhile has to know, and a death that this explains is none.
        let put_off = self.note_of(case, None, move |Noted { refresh, beside, now }| {
            refresh.sent = refresh.sent.saturating_sub(1);
            let ours = refresh.holder == holder;
            let given_up = refresh.stage == RenewalStage::GivenUp;
            if ours || (given_up && may_send_again(retry, refresh.sent)) {
                // What it was given up for is due.
                if let Some(renewal) = beside.whichever().filter(|_| given_up) {
                    renewal.renew_at = Some(now);
                }
                let is_unused = refresh.sent == 0;
                refresh.stage = if is_unused { RenewalStage::Idle } else { RenewalStage::InDoubt };
                let rest = asked_for.map(|asked| asked.span_from(now).clamp(REST, LONGEST_REST));
                rest_after_failure(refresh, now, rest);
            }
        });
        put_off.await
    }

    /// Tries the access token; where that is over, sends the refresh token once more if the provider allows that.
    async fn resolve(&self, case: &Case, run: &mut Run, sake: Sake) -> Result<Attempt, RenewalError> {
        run.doubts = true;
        let probe = match self.while_holding(case, (self.upstream.probe)(case.held.access.copy())).await {
            Ok(probe) => probe,
            Err(error) => {
                self.rest(case).await?;
                return Err(RenewalError::Unavailable(Arc::new(error)));
            }
        };
        let (retry, demand, sends) = (self.upstream.retry, case.demand, run.sends);
        let resolution = self.note(case, move |Noted { refresh, beside, now }| {
            // Somebody signed in meanwhile: what was tried says nothing of the access token that they brought.
            let Beside::Same(renewal) = beside else { return Resolution::Moved };
            let good = match probe {
                Probe::Good => true,
                Probe::Rejected => false,
                Probe::Unknown => !demand.is_rejected() && renewal.lives(now),
            };
            Doubt { good, sends, retry }.resolve(refresh, renewal, now)
        });
        match resolution.await?.unwrap_or(Resolution::Moved) {
            Resolution::Leave => Ok(Attempt::Done(Renewed::StillGood)),
            Resolution::Resend => self.spend(case, run, sake).await,
            Resolution::Moved => Ok(Attempt::Again),
            Resolution::Rest => Err(run.lost.take().map_or(RenewalError::Resting, RenewalError::Unavailable)),
        }
    }

    async fn rest(&self, case: &Case) -> Result<(), StoreError> {
        let noted = self.note(case, |Noted { refresh, now, .. }| {
            release(refresh);
            refresh.rest_until = now.plus(REST);
        });
        noted.await.map(drop)
    }

    /// Waits for an answer, and says all the while that somebody is at it.
    async fn while_holding<T>(&self, case: &Case, asked: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            answer = asked => answer,
            never = self.hold(case) => match never {},
        }
    }

    async fn hold(&self, case: &Case) -> std::convert::Infallible {
        let lease = self.settings.lease;
        loop {
            tokio::time::sleep(lease / 3).await;
            // Whoever took over meanwhile keeps it; a store that fails now may not fail the next time.
            let _ = self.note(case, move |noted| noted.refresh.held_until = noted.now.plus(lease)).await;
        }
    }

    /// Changes what is noted of a renewal that this call is at; `None` where no record holds what it is about any more, or
    /// somebody else is at it.
    async fn note<T: Send + 'static>(
        &self,
        case: &Case,
        change: impl FnOnce(Noted<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        self.note_of(case, Some(case.holder.clone()), change).await
    }

    /// As [`Renewer::note`], for a renewal that `holder` is at; without one, whoever is.
    async fn note_of<T: Send + 'static>(
        &self,
        case: &Case,
        holder: Option<String>,
        change: impl FnOnce(Noted<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let subject = case.subject.clone();
        let noting = Noting { holder, now: self.clock.now(), change };
        let note = move |transaction: &Transaction<'_>| subject.note(transaction, noting);
        self.store.write(note).await
    }
}

/// Nobody knows what came of it; whoever looks next decides what follows.
pub(super) fn leave_in_doubt(refresh: &mut StoredRefreshToken) {
    refresh.stage = RenewalStage::InDoubt;
    release(refresh);
}

fn unavailable(error: OAuthError) -> RenewalError {
    let refused = matches!(error, OAuthError::Refused { .. } | OAuthError::Declined(_));
    let error = Arc::new(error);
    if refused { RenewalError::Refused(error) } else { RenewalError::Unavailable(error) }
}
