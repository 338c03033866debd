//! One renewal at a time for one credential within a process: who comes later waits for the one that is under way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, Shared};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::oneshot;

use super::demand::{Demand, Rejection, Renewed};
use super::error::RenewalError;
use super::for_an_end::{EndingSecret, LastRenewal};
use super::judgement::may_send_again;
use super::renewer::Renewer;
use crate::lasting::Lasting;
use crate::message::DeviceUuid;
use crate::source::provider::Retry;
use crate::store::{StoreError, StoredRefreshToken, StoredRenewal, View};
use crate::telemetry::with_causes;

/// How many secrets are renewed at a time ahead of their ends.
const AT_A_TIME: usize = 8;

type Outcome = Result<Renewed, RenewalError>;
type Flight = Shared<BoxFuture<'static, Outcome>>;

/// The renewals of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Renewals {
    renewer: Arc<Renewer>,
    flights: Flights,
    lasting: Lasting,
}

#[derive(Clone, Debug, Default)]
struct Flights(Arc<Mutex<HashMap<DeviceUuid, Flight>>>);

impl Flights {
    /// Every change is one call, so that what a panic left behind is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceUuid, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a flight, however its task ends.
struct Landing {
    flights: Flights,
    device: DeviceUuid,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.device);
    }
}

impl Renewals {
    /// Renewals by `renewer`, which nobody else may use.
    pub fn new(renewer: Renewer) -> Self {
        Self { renewer: Arc::new(renewer), flights: Flights::default(), lasting: Lasting::default() }
    }

    /// Renews a secret that is due before it is used ([`BeforeUse::Renew`](super::BeforeUse::Renew)), of which this is
    /// known. One that cannot be renewed now but still lives is used.
    ///
    /// # Errors
    /// [`RenewalError`] where the secret is over.
    pub async fn before_use(&self, device: &DeviceUuid, known: &StoredRenewal) -> Result<(), RenewalError> {
        match self.renew(device, Demand::Due).await {
            Err(error) if known.lives(self.renewer.clock.now()) => {
                let error = with_causes(&error);
                tracing::warn!(error, credentials.uuid = %device.logged(), "the secret was not renewed and is used while it lives");
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }

    /// Renews a secret that the API refused, once. By a word that ends nothing it is used while it lives, where it cannot be
    /// renewed.
    ///
    /// # Errors
    /// [`RenewalError`]; after it the sender is told, and nothing is tried again by itself.
    pub async fn after_rejection(
        &self,
        device: &DeviceUuid,
        rejection: Rejection,
    ) -> Result<Renewed, RenewalError> {
        self.renew(device, Demand::Rejected(rejection)).await
    }

    /// Renews the secrets that are due, at most `limit`; answers how many it looked after.
    ///
    /// # Errors
    /// What the store reports; what becomes of each secret is noted with it.
    pub async fn renew_due(&self, limit: usize) -> Result<usize, StoreError> {
        let now = self.renewer.clock.now();
        let records = Arc::clone(&self.renewer.records);
        let look = move |view: &View<'_>| view.due_renewals(now, limit, &records.is_ours);
        let due = self.renewer.store.read::<_, StoreError, _>(look).await?;
        let count = due.len();
        let renewing = due.into_iter().map(|device| async move {
            match self.renew(&device, Demand::Due).await {
                Ok(_) | // What came by another client was told of when the gateway started.
                Err(RenewalError::Resting | RenewalError::Busy | RenewalError::OtherClient) => {}
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::warn!(error, credentials.uuid = %device.logged(), "a secret was not renewed ahead of its end");
                }
            }
        });
        futures_util::stream::iter(renewing).buffer_unordered(AT_A_TIME).collect::<()>().await;
        Ok(count)
    }

    /// Renews what is to end, once, so that it can be ended by what that brings. It goes on when nobody waits for it any more.
    ///
    /// # Errors
    /// [`RenewalError`], where it may come to something another time.
    pub async fn for_an_end(&self, ending: EndingSecret) -> Result<LastRenewal, RenewalError> {
        let renewer = Arc::clone(&self.renewer);
        let renewing = self.lasting.spawn(async move { renewer.renew_for_an_end(ending).await });
        renewing.await.unwrap_or(Err(RenewalError::Interrupted))
    }

    /// Whether a refresh token may be sent again when nobody knows what came of it.
    pub fn retry(&self) -> Retry {
        self.renewer.retry()
    }

    /// Whether this refresh token may be sent, or sent again.
    pub fn may_send(&self, known: &StoredRefreshToken) -> bool {
        known.renews() && may_send_again(self.retry(), known.sent)
    }

    /// Waits until no renewal is under way, of a secret that is to end either.
    pub async fn until_over(&self) {
        self.lasting.until_over().await;
    }

    /// Whether a renewal of this secret is under way.
    pub fn is_under_way(&self, device: &DeviceUuid) -> bool {
        self.flights.lock().contains_key(device)
    }

    /// Joins the renewal that is under way, or begins one. It goes on when nobody waits for it any more.
    async fn renew(&self, device: &DeviceUuid, demand: Demand) -> Outcome {
        loop {
            let (flight, own) = self.board(device, demand);
            let outcome = flight.await;
            // One that was under way for another reason may have found nothing to do.
            let settled = own || demand == Demand::Due || !matches!(outcome, Ok(Renewed::NotDue));
            if settled {
                return outcome;
            }
        }
    }

    fn board(&self, device: &DeviceUuid, demand: Demand) -> (Flight, bool) {
        let (teller, told) = oneshot::channel();
        let flight = match self.flights.lock().entry(device.clone()) {
            Entry::Occupied(flight) => return (flight.get().clone(), false),
            Entry::Vacant(free) => {
                let ended = told.map(|told| told.unwrap_or(Err(RenewalError::Interrupted)));
                free.insert(ended.boxed().shared()).clone()
            }
        };
        let renewer = Arc::clone(&self.renewer);
        let landing = Landing { flights: self.flights.clone(), device: device.clone() };
        // Not while the flights are locked: a runtime that ends drops the task, and what lands, before it returns.
        self.lasting.spawn(async move {
            let outcome = renewer.renew(&landing.device, demand).await;
            drop(landing);
            // Fails where nobody waits any more.
            let _ = teller.send(outcome);
        });
        (flight, true)
    }
}
