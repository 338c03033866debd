//! One message from its delivery to its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::Instrument;

use crate::ambient::{Clock, Random};
use crate::bus::embedded::EmbeddedBus;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::job::{CallGate, GateError, Next, Registry, RunFailure, Workbench};
use crate::message::{Failure, Message, Parties, Reply, Route};
use crate::store::{QueuedDelivery, StoreError, Taken, Transaction};

/// How often a job is run again whose API could not answer.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Runs after the first.
    pub times: u32,
    /// The longest that all of them together may wait.
    pub within: Duration,
    /// The pause before the first of them; it doubles from then on.
    pub pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 2, within: Duration::from_secs(10), pause: Duration::from_millis(500) }
    }
}

/// Everything that answering a message takes.
#[derive(Debug)]
pub struct Desk {
    /// The bus that answers are sent on.
    pub bus: EmbeddedBus,
    /// The credentials that jobs need.
    pub credentials: CredentialsDevices,
    /// The jobs there are.
    pub registry: Arc<Registry>,
    /// What jobs get to work with.
    pub workbench: Workbench,
    /// When jobs are repeated.
    pub retry: Retry,
    /// Tells the time.
    pub clock: Clock,
    /// Spreads what is repeated.
    pub random: Random,
}

impl Desk {
    /// Answers a message and ends its delivery; both are on disk together.
    pub(super) async fn handle(&self, taken: Taken) {
        let delivery = &taken.delivery;
        let parties = parties(delivery, &self.bus);
        let answer = match &parties {
            Some(parties) => {
                let span = tracing::info_span!("answer", delivery.id = %delivery.new.id);
                Some(self.answer(delivery, parties).instrument(span).await)
            }
            None => None,
        };
        self.end(taken, parties.zip(answer)).await;
    }

    async fn answer(&self, delivery: &QueuedDelivery, parties: &Parties) -> Result<Reply, Failure> {
        if delivery.call_started {
            return Err(outcome_unknown());
        }
        let message = serde_json::from_str(&delivery.new.body).map_err(|_| without_metadata());
        let message = message.and_then(|message: Message| match &message.metadata {
            Some(_) => Ok(message),
            None => Err(without_metadata()),
        })?;
        let started = Arc::new(AtomicBool::new(false));
        let mut waited = Duration::ZERO;
        let mut attempt = 0;
        loop {
            let gate = self.gate(delivery.seq, &started);
            let failed = match self.attempt(parties, &message, gate).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            // What may have changed something outside is not done twice.
            if started.load(Ordering::Relaxed) {
                let known = failed.next != Next::Interrupted;
                return Err(if known { failed.failure } else { outcome_unknown() });
            }
            let pause = self.pause(attempt, &failed.next);
            let Some(pause) = pause.filter(|pause| waited + *pause <= self.retry.within) else {
                return Err(failed.failure);
            };
            tokio::time::sleep(pause).await;
            waited += pause;
            attempt += 1;
        }
    }

    /// Opens the credentials anew for every attempt: a binding that ended meanwhile ends the work.
    async fn attempt(
        &self,
        parties: &Parties,
        message: &Message,
        gate: CallGate,
    ) -> Result<Reply, RunFailure> {
        let credentials = self.credentials.open(parties).await.map_err(|error| refusal(parties, &error))?;
        let provisions = self.workbench.provide(credentials, gate);
        let span = tracing::info_span!("job", job.r#type = message.job_type().map(|name| name.to_string()));
        self.registry.run(message, provisions).instrument(span).await
    }

    /// How long to wait before the next run, if there is to be one.
    fn pause(&self, attempt: u32, next: &Next) -> Option<Duration> {
        let Next::Repeat { after } = next else { return None };
        if attempt >= self.retry.times {
            return None;
        }
        let longest = self.retry.pause * 2u32.saturating_pow(attempt);
        Some(after.unwrap_or_else(|| longest.mul_f64(0.5 + self.random.fraction() / 2.0)))
    }

    /// Commits that something outside may change from now on.
    fn gate(&self, seq: i64, started: &Arc<AtomicBool>) -> CallGate {
        let (store, started) = (self.bus.store().clone(), Arc::clone(started));
        CallGate::new(move || {
            let store = store.clone();
            started.store(true, Ordering::Relaxed);
            Box::pin(async move {
                let start = move |transaction: &Transaction<'_>| transaction.start_call(seq);
                store.write::<_, StoreError, _>(start).await.map_err(GateError::new)
            })
        })
    }
}

/// `None` where the route names nobody who could be told.
fn parties(delivery: &QueuedDelivery, bus: &EmbeddedBus) -> Option<Parties> {
    let route: Route = serde_json::from_str(delivery.new.route.as_deref()?).ok()?;
    route.parties(bus.service()).ok()
}

fn refusal(parties: &Parties, error: &CredentialsError) -> RunFailure {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        device.uuid = %parties.user_device,
        credentials.uuid = %parties.credentials,
        "the credentials were not opened"
    );
    match error {
        CredentialsError::Revoked | CredentialsError::NotBound => {
            RunFailure::last(Failure::new(403, "this device may not use these credentials"))
        }
        CredentialsError::Store(_) | CredentialsError::Interrupted => RunFailure {
            failure: Failure::new(503, "the gateway cannot read its credentials now"),
            next: Next::Repeat { after: None },
        },
        _ => RunFailure::last(Failure::invalid_credentials_device()),
    }
}

/// Something may have been done or not, and it is not done again.
fn outcome_unknown() -> Failure {
    Failure::new(503, "outcome_unknown")
}

/// The original's own words (`spec/endo.md` 2.5).
fn without_metadata() -> Failure {
    Failure::new(422, "Message is missing required property \"metadata\"")
}
