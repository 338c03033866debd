//! One message from its delivery to its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::Instrument;

use super::case::Case;
use super::sent;
use super::{Endings, Verdict};
use crate::ambient::{Clock, Random};
use crate::bus::Bus;
use crate::bus::embedded::BusError;
use crate::credentials::{CredentialsDevices, CredentialsError, OpenRecord, Renewed};
use crate::job::{CallGate, GateError, Next, Registry, RunFailure, Workbench};
use crate::message::{DeviceUuid, Done, Failure, JobType, Parties, Reply};
use crate::store::{Death, Fate, Place, Store, StoreError, Taken, Transaction, WrittenReply};
use crate::telemetry::with_causes;

const REFUSED_AGAIN: &str = "the API refused the secret twice, and whether there is a newer one is not known";

/// How often a job is run again whose API could not answer.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// Runs after the first.
    pub times: u32,
    /// The longest that all of them together may wait.
    pub within: Duration,
    /// The pause before the first of them; it doubles from then on.
    pub pause: Duration,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { times: 2, within: Duration::from_secs(10), pause: Duration::from_millis(500) }
    }
}

/// Everything that answering a message takes.
#[derive(Debug)]
pub struct Desk {
    /// The bus that answers are sent on.
    pub bus: Bus,
    /// Where work and its outcomes are kept.
    pub store: Store,
    /// The credentials that jobs need.
    pub credentials: CredentialsDevices,
    /// The jobs there are.
    pub registry: Arc<Registry>,
    /// What jobs get to work with.
    pub workbench: Workbench,
    /// When jobs are repeated.
    pub repeats: Repeats,
    /// Where people sign in at the API again, if anybody can.
    pub sign_in: Option<String>,
    /// Who waits for the end of deliveries.
    pub endings: Endings,
    /// Tells the time.
    pub clock: Clock,
    /// Spreads what is repeated.
    pub random: Random,
}

/// The start of a run's first call that may change something. Cheap to clone; every clone is of the same run.
#[derive(Clone)]
struct Start {
    place: Place,
    /// Whether the call was not made because this could not be written down.
    is_unkept: Arc<AtomicBool>,
}

impl Desk {
    /// Answers a message off the queue and ends its delivery; both are on disk together where the bus is in this process.
    pub(super) async fn handle(&self, mut taken: Taken) {
        let mut case = Case::of(&taken.delivery, self.bus.service());
        // It is on disk, and in the case.
        taken.delivery.new.body = String::new();
        if let Some(case) = &mut case {
            // Where it cannot be looked up, whoever waits looks for it again.
            case.mark = sent::mark_of(case, &self.store).await.unwrap_or_default();
        }
        self.take_up(taken, case).await;
    }

    /// Answers a message, and tells all who wait for its end.
    pub(super) async fn take_up(&self, taken: Taken, case: Option<Case>) -> Verdict {
        let names = [Some(taken.delivery.new.id.clone()), case.as_ref().and_then(|case| case.mark.clone())];
        let span = tracing::info_span!("answer", delivery.id = taken.delivery.new.id.fingerprint());
        let verdict = self.end_of(taken, case).instrument(span).await;
        names.iter().flatten().for_each(|name| self.endings.tell(name, &verdict));
        verdict
    }

    async fn end_of(&self, taken: Taken, case: Option<Case>) -> Verdict {
        let now = self.clock.now();
        let reply = taken.delivery.reply.clone();
        match (reply, case) {
            (WrittenReply::MayHaveLeft, _) => self.give_up(taken, Death::of("reply_unknown", now)).await,
            (_, None) => {
                let fate = Fate { done: Some(Done::No), refusal: None };
                self.give_up(taken, Death { fate, ..Death::of("bad route", now) }).await
            }
            (WrittenReply::ToBeSent(reply), Some(case)) => self.send_again(taken, case, reply).await,
            (WrittenReply::None, Some(case)) => self.work(taken, case).await,
        }
    }

    /// Answers a message that nobody has tried to answer yet, or that nobody knows of.
    async fn work(&self, taken: Taken, mut case: Case) -> Verdict {
        if let Some(Err(failure)) = case.looked_at {
            case.looked_at = None;
            return self.refuse(taken, case, failure).await;
        }
        let answer = self.answer(&taken, &mut case).await;
        self.end(taken, case, answer).await
    }

    async fn answer(&self, taken: &Taken, case: &mut Case) -> Result<Reply, Failure> {
        if taken.delivery.call_started {
            // Nothing is run again, so that nothing is wanted of the credentials but who speaks.
            case.unheard = self.open_again(case).await.err();
            return Err(Failure::outcome_unknown());
        }
        let mut waited = Duration::ZERO;
        let (mut attempt, mut renewed) = (0, None);
        loop {
            let mut failed = match self.attempt(taken, case).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            if matches!(failed.next, Next::CredentialsExpired | Next::CredentialsSaidExpired) {
                match self.renew(case, &failed.next, renewed).await {
                    Ok(what) if case.changes.is_none() => {
                        renewed = Some(what);
                        continue;
                    }
                    // The next message finds a secret that works.
                    Ok(_) => {}
                    Err(why) => failed = self.refusal(&case.parties, &why, failed.failure),
                }
                if !case.changes.is_none() {
                    // Something may be done of what came before the call that was refused.
                    return Err(failed.failure.leaving_open());
                }
            }
            // What may have changed something outside is not done twice.
            if !case.changes.is_none() {
                let known = failed.next != Next::Interrupted;
                return Err(if known { failed.failure } else { Failure::outcome_unknown() });
            }
            let pause = self.pause(attempt, &failed.next);
            let Some(pause) = pause.filter(|pause| waited.saturating_add(*pause) <= self.repeats.within)
            else {
                return Err(failed.failure);
            };
            tokio::time::sleep(pause).await;
            waited += pause;
            attempt += 1;
        }
    }

    /// The record that the user device may use.
    pub(super) async fn open(&self, parties: &Parties) -> Result<OpenRecord, RunFailure> {
        let record = self.credentials.open(parties).await;
        record.map_err(|error| self.refusal(parties, &error, Failure::credentials_expired()))
    }

    /// Opens the credentials anew for every attempt, but for what was opened a moment ago: a binding that ended meanwhile ends
    /// the work.
    async fn attempt(&self, taken: &Taken, case: &mut Case) -> Result<Reply, RunFailure> {
        let refused = |case: &Case, error: CredentialsError| {
            self.refusal(&case.parties, &error, Failure::credentials_expired())
        };
        let record = match case.looked_at.take() {
            Some(Ok(record)) => record,
            _ => self.open(&case.parties).await?,
        };
        case.note_login(record.login());
        if self.bus.meshblu().is_some() && !case.can_be_answered() {
            return Err(RunFailure::last(Failure::without_login()));
        }
        let credentials = self.credentials.usable(&case.parties, record).await;
        let credentials = credentials.map_err(|error| refused(case, error))?;
        case.note_generation(credentials.generation());
        let message = case.message.as_ref().map_err(|failure| RunFailure::last(failure.clone()))?;
        let call = match self.registry.check(message) {
            Ok(call) => call,
            Err(refusal) => return Ok(refusal.reply()),
        };
        self.credentials.note_use(&case.parties);
        let start = Start { place: taken.place.clone(), is_unkept: Arc::default() };
        let provisions =
            self.workbench.provide(credentials, self.gate(start.clone(), case)).after(&mut case.told);
        let span = tracing::info_span!("job", job.r#type = call.job_type().map(JobType::as_str));
        let ran = call.run(provisions).instrument(span).await;
        // Whatever the job makes of it: that nothing could be written down here is nobody else's failure.
        ran.map_err(|failed| match start.is_unkept.load(Ordering::Relaxed) {
            true => for_now("the message cannot be taken now"),
            false => failed,
        })
    }

    /// How long to wait before the next run, if there is to be one.
    fn pause(&self, attempt: u32, next: &Next) -> Option<Duration> {
        let Next::Repeat { after } = next else { return None };
        if attempt >= self.repeats.times {
            return None;
        }
        let longest = self.repeats.pause * 2u32.saturating_pow(attempt);
        Some(after.unwrap_or_else(|| self.spread(longest)))
    }

    /// Any time between half of `longest` and all of it: what failed together is not tried again together.
    pub(super) fn spread(&self, longest: Duration) -> Duration {
        longest.mul_f64(0.5 + self.random.fraction() / 2.0)
    }

    /// Commits that something outside may change from now on.
    fn gate(&self, start: Start, case: &Case) -> CallGate {
        let store = self.store.clone();
        CallGate::new(move || {
            let (store, Start { place, is_unkept }) = (store.clone(), start.clone());
            Box::pin(async move {
                let start =
                    move |transaction: &Transaction<'_>| transaction.start_call(place.within(transaction)?);
                let started = store.write::<_, StoreError, _>(start).await;
                is_unkept.store(started.is_err(), Ordering::Relaxed);
                started.map_err(GateError::new)
            })
        })
        .counting(case.changes.clone())
    }

    /// Renews the secret that the API refused, as is known or said, once for a message whose right lasts. `before` is what came of
    /// that before.
    async fn renew(
        &self,
        case: &Case,
        refused: &Next,
        before: Option<Renewed>,
    ) -> Result<Renewed, CredentialsError> {
        self.credentials.check_right(&case.parties).await?;
        let (device, generation) = (&case.parties.credentials, case.generation());
        let renewed = match refused {
            Next::CredentialsSaidExpired => self.credentials.renew_said_refused(device, generation).await?,
            _ => self.credentials.renew_refused(device, generation).await?,
        };
        match (before, renewed) {
            (None, renewed) => Ok(renewed),
            // The provider takes it, as it took it before, and the API does not.
            (_, Renewed::StillGood) => Err(CredentialsError::SignInAgain { reason: REFUSED_AGAIN }),
            _ => Err(CredentialsError::RefusedAnew),
        }
    }

    /// What is told where there are no credentials to use; where only somebody who signs in again helps, it is `expired`.
    pub(super) fn refusal(
        &self,
        parties: &Parties,
        error: &CredentialsError,
        expired: Failure,
    ) -> RunFailure {
        self.log(parties, error);
        match error {
            CredentialsError::Revoked | CredentialsError::NotBound => {
                RunFailure::last(Failure::new(403, "this device may not use these credentials"))
            }
            CredentialsError::OtherApi => RunFailure::last(Failure::new(
                403,
                "these credentials are of another API than this gateway is for; bind a device to new ones",
            )),
            CredentialsError::SignInAgain { .. } | CredentialsError::SaidRefused { .. } => {
                let link =
                    self.sign_in.as_ref().map(|url| format!("{url}?credentials={}", parties.credentials));
                RunFailure::last(expired.mended_by_sign_in(link))
            }
            CredentialsError::NotRenewed(_) => for_now("the credentials cannot be renewed now"),
            CredentialsError::RefusedAnew => RunFailure::last(Failure::for_now(
                "the API does not take the credentials, which were renewed a moment ago; try again later",
            )),
            // It was asked once more where that helps; whoever brought the message may bring it again.
            CredentialsError::Meshblu(error) => RunFailure::last(error.failure()),
            CredentialsError::TooManyFailures => RunFailure::last(Failure::for_now(
                "too many records of the credentials failed to open, and no other is tried now",
            )),
            CredentialsError::Store(_)
            | CredentialsError::Bus(BusError::Store(_))
            | CredentialsError::Interrupted
            | CredentialsError::Stopped
            | CredentialsError::Busy => for_now("the gateway cannot read its credentials now"),
            CredentialsError::NoRecord
            | CredentialsError::RolledBack
            | CredentialsError::Record(_)
            | CredentialsError::KeyMissing
            | CredentialsError::NoToken
            | CredentialsError::Bus(_)
            | CredentialsError::Seal(_)
            | CredentialsError::Rekey(_)
            | CredentialsError::OtherSecret
            | CredentialsError::LastOwner
            | CredentialsError::NoSuchPlace
            | CredentialsError::GivenUp => RunFailure::last(Failure::invalid_credentials_device()),
        }
    }

    fn log(&self, parties: &Parties, error: &CredentialsError) {
        let what = match error {
            CredentialsError::SaidRefused { .. } => "a handler does not get by with the credentials",
            _ => "there are no credentials to use",
        };
        // The bus in this process knows whom its routes name; of a bus elsewhere whoever brings a message may name anybody.
        let is_known = self.bus.meshblu().is_none() || error.is_of_a_right();
        let logged = |device: &DeviceUuid| match is_known {
            true => device.logged().into_owned(),
            false => device.fingerprint(),
        };
        tracing::warn!(
            error = with_causes(error),
            device.uuid = logged(&parties.user_device),
            credentials.uuid = logged(&parties.credentials),
            "{what}"
        );
    }
}

fn for_now(message: &str) -> RunFailure {
    RunFailure { failure: Failure::for_now(message), next: Next::Repeat { after: None } }
}
