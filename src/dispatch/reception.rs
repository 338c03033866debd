//! Where messages from a bus elsewhere come in: worked on at once, and answered to whoever brought them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::Verdict;
use super::answer::Desk;
use super::bringer::Bringer;
use super::case::Case;
use super::sent;
use super::to_the_end::ToTheEnd;
use super::turns::{Turn, Turns};
use crate::bus::Login;
use crate::bus::meshblu::firehose::FirehoseEvent;
use crate::message::{BadRoute, DeliveryId, MESSAGE_RECEIVED, Message, Parties, Route};
use crate::store::{AskedFor, Feed, NewDelivery, StoreError, Taken, Transaction, View, Work};
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
    /// How long whoever brings it wants to wait for its end, once it is on disk; to the end, where they do not say, as long as
    /// buses wait.
    pub patience: Option<Duration>,
}

impl From<FirehoseEvent> for Arrival {
    fn from(event: FirehoseEvent) -> Self {
        let message = serde_json::from_str(&event.body).ok();
        Self { route: event.route, body: event.body, message, id: None, caller: None, patience: None }
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
    /// The gateway is stopping, and only the login that it was brought with could answer it.
    #[error("the gateway stops, and nobody could answer the message after that")]
    Stopping,
}

/// The reception of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reception(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    feed: Arc<Feed>,
    desk: Arc<Desk>,
    /// Closed once the gateway is stopping.
    turns: Turns,
    buses_wait: Duration,
    /// True before nobody gets a turn any more.
    stopping: watch::Sender<bool>,
    /// How many messages are being received.
    present: watch::Sender<usize>,
}

/// Counts one message as being received.
struct Present<'a>(&'a watch::Sender<usize>);

impl<'a> Present<'a> {
    fn at(present: &'a watch::Sender<usize>) -> Self {
        present.send_modify(|present| *present += 1);
        Self(present)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|present| *present -= 1);
    }
}

/// A message on its way through.
struct Guest {
    /// Nobody gets one once the gateway is stopping, or before they have one whom nobody waits for any more.
    turn: Option<Turn>,
    arrival: Arrival,
    parties: Parties,
    bringer: Bringer,
    /// Told that it is on disk, where somebody wants to know.
    on_disk: Option<oneshot::Sender<()>>,
}

/// What is known of a delivery that has a name.
enum Known {
    Nothing,
    /// It was accepted and has not ended.
    Open,
    Ended(Verdict),
}

impl Reception {
    /// A reception that accepts into `feed`, and has `desk` answer who has one of the turns. Who brings a message and does
    /// not say how long they wait for its end has gone after `buses_wait`.
    pub fn new(feed: Arc<Feed>, desk: Arc<Desk>, turns: Turns, buses_wait: Duration) -> Self {
        let (stopping, present) = (watch::Sender::new(false), watch::Sender::new(0));
        Self(Arc::new(Parts { feed, desk, turns, buses_wait, stopping, present }))
    }

    /// Receives a message and answers how it ended, or that it is on disk: it is left for the next start, or takes longer,
    /// or waits longer for its turn, than whoever brings it wants to wait. The work goes on when nobody waits for it any
    /// more, as long as the caller's runtime does.
    ///
    /// # Errors
    /// [`NotReceived`].
    pub async fn receive(&self, arrival: Arrival) -> Result<Verdict, NotReceived> {
        let parties = arrival.route.parties(self.0.desk.bus.service())?;
        let (parts, patience) = (Arc::clone(&self.0), arrival.patience);
        let (on_disk, is_on_disk) = oneshot::channel();
        let waiting = Bringer::waiting();
        let here = if arrival.caller.is_some() { waiting.needed() } else { waiting };
        let bringer = here.clone();
        let mut work = ToTheEnd::new(async move {
            let _present = Present::at(&parts.present);
            let turn = parts.turn_for(&arrival, &parties).await?;
            parts.receive(Guest { turn, arrival, parties, bringer, on_disk: Some(on_disk) }).await
        });
        let Some(patience) = patience else {
            tokio::select! {
                verdict = &mut work => return verdict,
                // Whether they still listen cannot be seen.
                () = tokio::time::sleep(self.0.buses_wait) => here.end_wait(),
            };
            return work.await;
        };
        let too_long = async {
            tokio::time::sleep(patience).await;
            is_on_disk.await?;
            here.spared().await;
            Ok::<_, oneshot::error::RecvError>(())
        };
        let leaves = tokio::select! {
            verdict = &mut work => return verdict,
            Ok(()) = too_long => here.end_wait(),
        };
        if leaves { Ok(Verdict::Accepted) } else { work.await }
    }

    /// Gives no more turns, and waits until those who have one are answered and all others are left in the store.
    pub async fn finish(&self) {
        self.0.stopping.send_replace(true);
        self.0.turns.close();
        // Cannot fail: the other end is here.
        let _ = self.0.present.subscribe().wait_for(|present| *present == 0).await;
    }

    /// Receives what comes in by `events`, without telling anybody how it ended, until the other end is gone.
    pub async fn receive_all<T: Into<Arrival>>(&self, mut events: mpsc::Receiver<T>) {
        let mut running = JoinSet::new();
        while let Some(arrival) = events.recv().await {
            while running.try_join_next().is_some() {}
            let turn = self.0.turns.next().await;
            running.spawn(Arc::clone(&self.0).receive_untold(turn, arrival.into()));
        }
        while running.join_next().await.is_some() {}
    }
}

impl Guest {
    /// Gives the turn back, and says that the message is on disk; whoever has it in hand sees to its reply.
    fn wait_elsewhere(self) {
        self.bringer.spare();
        if let Some(on_disk) = self.on_disk {
            // Fails where whoever brought it is gone.
            let _ = on_disk.send(());
        }
    }
}

impl Parts {
    async fn stopping(&self) {
        // Cannot fail: the other end is here.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// A turn in time. Who brings the only login that the reply could be sent with gets one at any time, or brings it again:
    /// what is left in the store has no login.
    async fn turn_for(&self, arrival: &Arrival, parties: &Parties) -> Result<Option<Turn>, NotReceived> {
        let turn = self.turns.next_within(arrival.patience).await;
        if turn.is_some() || arrival.caller.is_none() || self.is_answered_without(parties).await {
            return Ok(turn);
        }
        self.turns.next().await.map(Some).ok_or(NotReceived::Stopping)
    }

    /// Whether the record holds what the reply can be sent with.
    async fn is_answered_without(&self, caller: &Parties) -> bool {
        self.desk.credentials.open(caller).await.is_ok_and(|record| record.login().is_some())
    }

    /// Receives a message that nobody waits for.
    async fn receive_untold(self: Arc<Self>, turn: Option<Turn>, arrival: Arrival) {
        let sender = arrival.route.hops().first().map(|hop| hop.from.clone());
        let received = match arrival.route.parties(self.desk.bus.service()) {
            Ok(parties) => {
                let bringer = Bringer::default();
                self.receive(Guest { turn, arrival, parties, bringer, on_disk: None }).await
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = received {
            let sender = sender.map(|sender| sender.to_string());
            tracing::warn!(error = with_causes(&error), sender.uuid = sender, "a message was not received");
        }
    }

    async fn receive(&self, guest: Guest) -> Result<Verdict, NotReceived> {
        let Some(id) = guest.arrival.id.clone() else {
            return self.take(guest).await;
        };
        // Before the store is asked: whoever has the same message in hand may end it meanwhile.
        let (ending, claim) = self.desk.endings.listen(&id);
        match self.known(id.clone()).await? {
            Known::Ended(verdict) => Ok(verdict),
            Known::Nothing if claim.is_some() => {
                let verdict = self.take(guest).await?;
                self.desk.endings.tell(&id, &verdict);
                Ok(verdict)
            }
            Known::Open => {
                guest.wait_elsewhere();
                tokio::select! {
                    heard = heard(ending) => heard,
                    // It is in the store, and perhaps nobody takes it up any more.
                    () = self.stopping() => Ok(Verdict::Accepted),
                }
            }
            Known::Nothing => {
                drop(guest);
                heard(ending).await
            }
        }
    }

    /// Has a new message answered; where it got no turn, it is left in the store.
    async fn take(&self, guest: Guest) -> Result<Verdict, NotReceived> {
        let Guest { turn, arrival, parties, bringer, on_disk } = guest;
        let Arrival { route, body, message, id, caller, .. } = arrival;
        let mut case = Case::new(parties, &route, message, caller);
        case.bringer = bringer;
        case.mark = sent::mark_of(&case, &self.desk.store).await?;
        let mark = case.mark.clone();
        let asked_for = match &mark {
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
        match turn {
            Some(_turn) => {
                let verdict = self.answer(taken, case, on_disk).await;
                if let Some(mark) = mark {
                    self.desk.endings.tell(&mark, &verdict);
                }
                Ok(verdict)
            }
            None => {
                self.accept(&taken).await?;
                Ok(Verdict::Accepted)
            }
        }
    }

    async fn answer(&self, taken: Taken, case: Case, on_disk: Option<oneshot::Sender<()>>) -> Verdict {
        let accept = self.accept(&taken);
        let mut work = pin!(self.desk.work(taken, case));
        if let Ok(verdict) = tokio::time::timeout(OFF_DISK, &mut work).await {
            return verdict;
        }
        match accept.await {
            // Whoever brought it may be gone.
            Ok(()) => drop(on_disk.map(|on_disk| on_disk.send(()))),
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "a message is worked on that is not on disk");
            }
        }
        work.await
    }

    /// Puts a message on disk, unless something was written of it before.
    fn accept(&self, taken: &Taken) -> impl Future<Output = Result<(), StoreError>> + use<> {
        let (store, place) = (self.desk.store.clone(), taken.place.clone());
        async move { store.write(move |transaction: &Transaction<'_>| place.accept_within(transaction)).await }
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
