//! Where messages from a bus elsewhere come in: worked on at once, and answered to whoever brought them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::Verdict;
use super::answer::Desk;
use super::case::Case;
use super::sent;
use super::to_the_end::ToTheEnd;
use crate::bus::Login;
use crate::bus::meshblu::firehose::FirehoseEvent;
use crate::message::{BadRoute, DeliveryId, MESSAGE_RECEIVED, Message, Parties, Route};
use crate::store::{AskedFor, Feed, NewDelivery, StoreError, Transaction, View, Work};
use crate::telemetry::with_causes;

/// How long a message may be worked on that is not on disk. Whoever brought it waits for the end all the same; what ends
/// sooner costs no commit of its own.
const OFF_DISK: Duration = Duration::from_millis(20);

/// A message that somebody brings.
#[derive(Debug)]
pub struct Arrival {
    /// The way it took.
    pub route: Route,
    /// The message as JSON text.
    pub body: String,
    /// The message, if the text is one.
    pub message: Option<Message>,
    /// Its constant name, where its bus vouches for one: what has this name again is the same message.
    pub id: Option<DeliveryId>,
    /// The credentials device, where it came itself.
    pub caller: Option<Login>,
}

impl From<FirehoseEvent> for Arrival {
    fn from(event: FirehoseEvent) -> Self {
        let message = serde_json::from_str(&event.body).ok();
        Self { route: event.route, body: event.body, message, id: None, caller: None }
    }
}

/// Why a message was not received; nothing was done.
#[derive(Debug, Error)]
pub enum NotReceived {
    /// The route names nobody who could be answered.
    #[error(transparent)]
    BadRoute(#[from] BadRoute),
    /// The store takes nothing now.
    #[error("the message cannot be stored now")]
    Store(#[from] StoreError),
    /// It was brought before, and whoever had it in hand could not take it.
    #[error("whoever had the message in hand could not take it")]
    LetGo,
    /// The gateway ends.
    #[error("the gateway is stopping")]
    Stopping,
}

/// The reception of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reception(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    feed: Arc<Feed>,
    desk: Arc<Desk>,
    turns: Arc<Semaphore>,
    most: u32,
}

/// What is known of a delivery that has a name.
enum Known {
    Nothing,
    /// It was accepted and has not ended.
    Open,
    Ended(Verdict),
}

impl Reception {
    /// A reception that accepts into `feed`, has `desk` answer, and does that for `most` messages at a time.
    pub fn new(feed: Arc<Feed>, desk: Arc<Desk>, most: usize) -> Self {
        let most = u32::try_from(most.max(1)).unwrap_or(u32::MAX);
        let turns = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(Parts { feed, desk, turns, most }))
    }

    /// Receives a message and answers how it ended. The work goes on when nobody waits for that any more, as long as the
    /// caller's runtime does.
    ///
    /// # Errors
    /// [`NotReceived`].
    pub async fn receive(&self, arrival: Arrival) -> Result<Verdict, NotReceived> {
        let parties = arrival.route.parties(self.0.desk.bus.service())?;
        let parts = Arc::clone(&self.0);
        ToTheEnd::new(async move { parts.receive(arrival, parties).await }).await
    }

    /// Waits until nothing more is worked on.
    pub async fn finish(&self) {
        // Fails where the turns were closed: then there are none.
        let _ = self.0.turns.acquire_many(self.0.most).await;
        self.0.turns.close();
    }

    /// Receives what comes in by `events`, without telling anybody how it ended, until the other end is gone.
    pub async fn receive_all<T: Into<Arrival>>(&self, mut events: mpsc::Receiver<T>) {
        let mut running = JoinSet::new();
        while let Some(arrival) = events.recv().await {
            let arrival = arrival.into();
            while running.try_join_next().is_some() {}
            if running.len() >= self.0.most as usize {
                running.join_next().await;
            }
            let reception = self.clone();
            running.spawn(async move {
                if let Err(error) = reception.receive(arrival).await {
                    tracing::warn!(error = with_causes(&error), "a message was not received");
                }
            });
        }
        while running.join_next().await.is_some() {}
    }
}

impl Parts {
    async fn receive(&self, arrival: Arrival, parties: Parties) -> Result<Verdict, NotReceived> {
        let turn = self.turns.acquire().await.map_err(|_| NotReceived::Stopping)?;
        let Some(id) = arrival.id.clone() else {
            return self.answer(arrival, parties).await;
        };
        // Before the store is asked: whoever has the same message in hand may end it meanwhile.
        let (ending, claim) = self.desk.endings.listen(&id);
        match self.known(id.clone()).await? {
            Known::Ended(verdict) => Ok(verdict),
            Known::Nothing if claim.is_some() => {
                let verdict = self.answer(arrival, parties).await?;
                self.desk.endings.tell(&id, &verdict);
                Ok(verdict)
            }
            Known::Nothing | Known::Open => {
                drop(turn);
                heard(ending).await
            }
        }
    }

    async fn answer(&self, arrival: Arrival, parties: Parties) -> Result<Verdict, NotReceived> {
        let Arrival { route, body, message, id, caller } = arrival;
        let mut case = Case::new(parties, &route, message, caller);
        case.mark = sent::mark_of(&case, &self.desk.store).await?;
        let asked_for = match &case.mark {
            Some(mark) => AskedFor::BySender(mark.clone()),
            None if id.is_some() => AskedFor::Again,
            None => AskedFor::Never,
        };
        let new = NewDelivery {
            id: id.unwrap_or_else(|| self.desk.random.uuid().into()),
            work: Work::Job,
            device: self.desk.bus.service().clone(),
            event: MESSAGE_RECEIVED.to_owned(),
            route: Some(route.to_text()),
            target: None,
            body,
        };
        let taken = self.feed.hold(new, asked_for);
        let place = taken.place.clone();
        let mut work = pin!(self.desk.work(taken, case));
        if let Ok(verdict) = tokio::time::timeout(OFF_DISK, &mut work).await {
            return Ok(verdict);
        }
        let accept = move |transaction: &Transaction<'_>| place.accept_within(transaction);
        if let Err(error) = self.desk.store.write::<_, StoreError, _>(accept).await {
            tracing::warn!(error = with_causes(&error), "a message is worked on that is not on disk");
        }
        Ok(work.await)
    }

    async fn known(&self, id: DeliveryId) -> Result<Known, StoreError> {
        let look = move |view: &View<'_>| {
            if let Some(outcome) = view.outcomes(&id)?.first() {
                return Ok(Known::Ended(Verdict::of(outcome)));
            }
            if let Some(letter) = view.dead_letter(&id)? {
                return Ok(Known::Ended(Verdict::of_dead_letter(&letter)));
            }
            Ok(if view.is_queued(&id)? { Known::Open } else { Known::Nothing })
        };
        self.desk.store.glance(look).await
    }
}

/// The end of a delivery that somebody else has in hand.
async fn heard(ending: oneshot::Receiver<Verdict>) -> Result<Verdict, NotReceived> {
    ending.await.map_err(|_| NotReceived::LetGo)
}
