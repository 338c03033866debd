//! Where messages from a bus elsewhere come in: accepted on disk, worked on at once, and answered to whoever brought them.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::Verdict;
use super::answer::{Desk, With};
use crate::bus::Login;
use crate::bus::meshblu::firehose::FirehoseEvent;
use crate::credentials::Opened;
use crate::message::{BadRoute, DeliveryId, Parties, Route};
use crate::store::{Acceptance, Feed, NewDelivery, StoreError, View, Work};

/// A message that somebody brings.
#[derive(Debug)]
pub struct Arrival {
    /// The way it took.
    pub route: Route,
    /// The message as JSON text.
    pub body: String,
    /// Its constant name, where its bus vouches for one: what has this name again is the same message.
    pub id: Option<DeliveryId>,
    /// The credentials device, where it came itself.
    pub caller: Option<Login>,
}

impl From<FirehoseEvent> for Arrival {
    fn from(event: FirehoseEvent) -> Self {
        Self { route: event.route, body: event.body, id: None, caller: None }
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
    runtime: Handle,
}

impl Reception {
    /// A reception that accepts into `feed`, has `desk` answer, and does that for `most` messages at a time, on the
    /// runtime that it is made in.
    pub fn new(feed: Arc<Feed>, desk: Arc<Desk>, most: usize) -> Self {
        let most = u32::try_from(most.max(1)).unwrap_or(u32::MAX);
        let turns = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(Parts { feed, desk, turns, most, runtime: Handle::current() }))
    }

    /// Receives a message and answers how it ended. The work goes on when nobody waits for that any more.
    ///
    /// # Errors
    /// [`NotReceived`].
    pub async fn receive(&self, arrival: Arrival) -> Result<Verdict, NotReceived> {
        let parties = arrival.route.parties(self.0.desk.bus.service())?;
        let parts = Arc::clone(&self.0);
        let work = self.0.runtime.spawn(async move { parts.receive(arrival, &parties).await });
        work.await.unwrap_or(Err(NotReceived::Stopping))
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
                    tracing::warn!(error = &error as &dyn std::error::Error, "a message was not received");
                }
            });
        }
        while running.join_next().await.is_some() {}
    }
}

impl Parts {
    async fn receive(&self, arrival: Arrival, parties: &Parties) -> Result<Verdict, NotReceived> {
        let turn = self.turns.acquire().await.map_err(|_| NotReceived::Stopping)?;
        let Arrival { route, body, id, caller } = arrival;
        let may_be_known = id.is_some();
        let new = NewDelivery {
            id: id.unwrap_or_else(|| self.desk.random.uuid().into()),
            work: Work::Job,
            device: self.desk.bus.service().clone(),
            event: "message.received".to_owned(),
            route: Some(route.to_text()),
            target: None,
            body,
        };
        let id = new.id.clone();
        // Before the store is asked: whoever has the same message in hand may end it meanwhile.
        let ending = self.desk.endings.listen(&id);
        let (acceptance, opened) = match may_be_known {
            true => (self.feed.accept(new).await?, None),
            false => self.accept_and_open(new, parties).await?,
        };
        match acceptance {
            Acceptance::Taken(taken) => Ok(self.desk.handle(taken, With { caller, opened }).await),
            Acceptance::Known => {
                drop(turn);
                match self.first_verdict(&id).await? {
                    Some(verdict) => Ok(verdict),
                    None => ending.await.map_err(|_| NotReceived::Stopping),
                }
            }
        }
    }

    /// Accepts a message that nobody could bring twice, and opens its credentials meanwhile, which changes nothing.
    async fn accept_and_open(
        &self,
        new: NewDelivery,
        parties: &Parties,
    ) -> Result<(Acceptance, Option<Opened>), StoreError> {
        let (accepting, opening) = (pin!(self.feed.accept(new)), pin!(self.desk.credentials.open(parties)));
        let (accepted, opened) = match select(accepting, opening).await {
            Either::Left((accepted, opening)) => (accepted?, opening.await),
            Either::Right((opened, accepting)) => (accepting.await?, opened),
        };
        Ok((accepted, Some(opened)))
    }

    /// How the message ended that came under this name first; `None` while it has not.
    async fn first_verdict(&self, id: &DeliveryId) -> Result<Option<Verdict>, StoreError> {
        let id = id.clone();
        let look = move |view: &View<'_>| {
            if let Some(outcome) = view.outcomes(&id)?.first() {
                return Ok(Some(Verdict::of(outcome)));
            }
            Ok(view.dead_letter(&id)?.map(|letter| Verdict::of_dead_letter(&letter)))
        };
        self.desk.store.read(look).await
    }
}
