//! Where messages from a bus elsewhere come in: worked on at once, and answered to whoever brought them.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::Desk;
use super::arrival::message_in;
use super::caller::{OwnRoute, Seated};
use super::case::Case;
use super::guest::{Guest, Speaker};
use super::known::Known;
use super::lobby::Lobby;
use super::sent;
use super::to_the_end::ToTheEnd;
use super::wait::{Patience, Wait, Waiter};
use super::{Arrival, NotReceived, Verdict};
use crate::bus::Login;
use crate::credentials::OpenRecord;
use crate::lasting::Lasting;
use crate::message::{DeviceUuid, Failure, MESSAGE_RECEIVED, Parties, Route};
use crate::sharing::{Places, Turn, Turns};
use crate::store::{AskedFor, Feed, NewDelivery, StoreError, Taken, Transaction, Work};
use crate::telemetry::with_causes;

/// How long a message may be worked on that is not on disk. Whoever brought it waits for the end all the same; what ends
/// sooner costs no commit of its own.
const OFF_DISK: Duration = Duration::from_millis(20);

/// This part of the time that buses wait is left at least to look at a record, however soon somebody wants to be told that
/// their message is on disk: whether the reply can be sent without them is known after that.
const LOOKING_PART: u32 = 3;

/// The reception of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reception {
    parts: Arc<Parts>,
    /// Where those wait who bring messages; each user device has its share.
    places: Places<DeviceUuid>,
}

#[derive(Debug)]
struct Parts {
    feed: Arc<Feed>,
    desk: Arc<Desk>,
    /// Closed once the gateway is stopping.
    turns: Turns,
    /// Where those are who have no turn yet, and may never get one.
    lobby: Lobby,
    buses_wait: Duration,
    /// True before nobody gets a turn any more.
    stopping: watch::Sender<bool>,
    /// How many messages are being received.
    present: Lasting,
}

/// How it goes on with a message.
enum Way {
    /// It is answered now, by this turn.
    Now(Turn),
    /// It is refused, which takes no turn.
    Refused,
    /// It is left in the store: nobody gets a turn once the gateway is stopping, or before they have one whom nobody waits for
    /// any more, or while their record cannot be opened for the moment.
    Later,
}

impl Reception {
    /// A reception that accepts into `feed`, and has `desk` answer who has one of the turns. Who brings a message and does
    /// not say how long they wait for its end has gone after `buses_wait`.
    pub fn new(feed: Arc<Feed>, desk: Arc<Desk>, turns: Turns, buses_wait: Duration) -> Self {
        let (stopping, present) = (watch::Sender::new(false), Lasting::default());
        let parts = Parts { feed, desk, turns, lobby: Lobby::default(), buses_wait, stopping, present };
        Self { parts: Arc::new(parts), places: Places::among(usize::MAX) }
    }

    /// The same at a door of so many connections: the messages to one user device take no more than its share of them.
    #[must_use]
    pub fn behind(self, connections: usize) -> Self {
        Self { places: Places::among(connections), ..self }
    }

    /// A place for somebody who shows a login, before its bus is asked about that. Where the gateway knows nothing of its right
    /// to what comes by `route`, or that is none, only so much is looked at at a time, and little of one device.
    ///
    /// # Errors
    /// [`NotReceived::Crowded`] where there is none in half of the time that buses wait, or [`NotReceived::Store`].
    pub async fn seat(&self, login: Login, route: Result<Route, NotReceived>) -> Result<Seated, NotReceived> {
        let (desk, device) = (&self.parts.desk, &login.uuid);
        let own_route = route.and_then(|route| OwnRoute::of(device, route, desk.bus.service()));
        let is_known = match &own_route {
            Ok(own_route) => desk.credentials.knows(&own_route.parties).await?,
            Err(_) => false,
        };
        let chair = match is_known {
            true => None,
            false => {
                let chair = self.parts.lobby.chair(device, self.parts.buses_wait / 2).await;
                Some(chair.ok_or(NotReceived::Crowded)?)
            }
        };
        Ok(Seated { login, chair, own_route })
    }

    /// Receives a message and answers how it ended, or that it is on disk: it is left for the next start, or takes longer,
    /// or waits longer for its turn, than whoever brings it wants to wait, which is not at all where its user device has all of
    /// its places. The work goes on when nobody waits for it any more, as long as the caller's runtime does.
    ///
    /// # Errors
    /// [`NotReceived`].
    pub async fn receive(&self, arrival: Arrival) -> Result<Verdict, NotReceived> {
        let parts = Arc::clone(&self.parts);
        let mut guest = Guest::new(arrival, parts.desk.bus.service())?;
        let device = guest.parties.user_device.clone();
        let place = self.places.plenty().or_else(|| self.places.of(device));
        let patience =
            Patience::of(guest.arrival.preferred_wait, place.is_some()).ok_or(NotReceived::Full)?;
        let (wait, waiter) = Wait::begin(patience);
        guest.wait = wait;
        let mut work = ToTheEnd::new(async move {
            let _present = parts.present.begin();
            parts.receive(guest).await
        });
        let leaves = tokio::select! {
            verdict = &mut work => return verdict,
            leaves = self.parts.let_go(waiter) => leaves,
        };
        if leaves { Ok(Verdict::Accepted) } else { work.await }
    }

    /// Gives no more turns, and waits until those who have one are answered and all others are left in the store.
    pub async fn finish(&self) {
        self.parts.stopping.send_replace(true);
        self.parts.turns.close();
        // Cannot fail: the other end is here.
        self.parts.present.until_over().await;
    }

    /// Receives what comes in by `events`, without telling anybody how it ended, until the other end is gone.
    pub async fn receive_all<T: Into<Arrival>>(&self, mut events: mpsc::Receiver<T>) {
        let mut running = JoinSet::new();
        while let Some(arrival) = events.recv().await {
            while running.try_join_next().is_some() {}
            // Those that have a turn, and as many that are on their way to the disk.
            if running.len() >= 2 * self.parts.turns.most() {
                running.join_next().await;
            }
            running.spawn(Arc::clone(&self.parts).receive_untold(arrival.into()));
        }
        while running.join_next().await.is_some() {}
    }
}

impl Parts {
    async fn stopping(&self) {
        // Cannot fail: the other end is here.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Lasts as long as somebody waits to be told anything; whether they are told then that their message is on disk.
    async fn let_go(&self, waiter: Waiter) -> bool {
        let Some(patience) = waiter.patience.until_let_go() else {
            tokio::time::sleep(self.buses_wait).await;
            // Whether they still listen cannot be seen.
            waiter.bringer.end_wait();
            return false;
        };
        tokio::time::sleep(patience).await;
        match waiter.on_disk.await {
            Ok(speaker) if self.is_heard(&speaker).await => waiter.bringer.let_go(),
            _ => pending().await,
        }
    }

    /// The record of a device that comes itself is looked at first, for any device may come; then there is a turn in time. Who
    /// brings the only login that the reply could be sent with gets one at any time, or brings it again: what is left in the
    /// store has no login. Who wants to be told soon that the message is on disk is told so where the record of a device that is
    /// known here cannot be opened for the moment, or takes longer than they wait.
    async fn way_of(&self, guest: &mut Guest) -> Result<Way, NotReceived> {
        if let Some(caller) = &mut guest.arrival.caller {
            let patience = guest.wait.patience.until_let_go().filter(|_| caller.is_known());
            let Some(looked_at) = self.look_at(&guest.parties, patience).await else { return Ok(Way::Later) };
            let record = match &looked_at {
                Ok(record) => record,
                Err(failure) => {
                    let is_kept = failure.is_for_now && patience.is_some();
                    guest.looked_at = Some(looked_at);
                    return Ok(if is_kept { Way::Later } else { Way::Refused });
                }
            };
            caller.let_in();
            guest.speaker = record.login().map_or(Speaker::Nobody, Speaker::Recorded);
            guest.looked_at = Some(looked_at);
        }
        let (device, bytes) = (guest.parties.user_device.clone(), guest.bytes);
        if let Some(turn) = self.turns.now(&device, bytes) {
            return Ok(Way::Now(turn));
        }
        // Who has to wait may be cut off meanwhile.
        guest.looked_at = None;
        // For room in memory nobody waits longer than buses do.
        let longest = (bytes > 0).then_some(self.buses_wait);
        let patience = guest.wait.patience.until_let_go();
        let soon = patience.into_iter().chain(longest).min();
        match self.turns.next_within(&device, bytes, soon).await {
            Some(turn) => Ok(Way::Now(turn)),
            None if patience.is_none() && !self.turns.is_closed() => Err(NotReceived::Full),
            None if self.is_heard(&guest.speaker).await => Ok(Way::Later),
            None if matches!(guest.wait.patience, Patience::Without) => Err(NotReceived::Full),
            None => match self.turns.next_within(&device, bytes, longest).await {
                Some(turn) => Ok(Way::Now(turn)),
                None if self.turns.is_closed() => Err(NotReceived::Stopping),
                None => Err(NotReceived::Full),
            },
        }
    }

    /// What comes of it when the record is looked at; `None` where it takes longer than somebody waits.
    async fn look_at(
        &self,
        parties: &Parties,
        patience: Option<Duration>,
    ) -> Option<Result<OpenRecord, Failure>> {
        let looking = self.desk.open(parties);
        let looked_at = match patience {
            Some(patience) => timeout(patience.max(self.buses_wait / LOOKING_PART), looking).await.ok()?,
            None => looking.await,
        };
        Some(looked_at.map_err(|refused| refused.failure))
    }

    /// Whether the reply can be sent without whoever brings the message.
    async fn is_heard(&self, speaker: &Speaker) -> bool {
        match (speaker, self.desk.bus.meshblu()) {
            (Speaker::Recorded(login), Some(bus)) => bus.authenticate(login).await.unwrap_or(false),
            (speaker, _) => matches!(speaker, Speaker::Found),
        }
    }

    /// Receives a message that nobody waits for.
    async fn receive_untold(self: Arc<Self>, arrival: Arrival) {
        let sender = arrival.route.hops().first().map(|hop| hop.from.clone());
        let received = match Guest::new(arrival, self.desk.bus.service()) {
            Ok(guest) => {
                let turn = self.turns.now(&guest.parties.user_device, guest.bytes);
                self.go(guest, turn.map_or(Way::Later, Way::Now)).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = received {
            tracing::warn!(
                error = with_causes(&error),
                sender.uuid = sender.map(|sender| sender.fingerprint()),
                "a message was not received"
            );
        }
    }

    async fn receive(&self, mut guest: Guest) -> Result<Verdict, NotReceived> {
        let way = self.way_of(&mut guest).await?;
        self.go(guest, way).await
    }

    async fn go(&self, guest: Guest, way: Way) -> Result<Verdict, NotReceived> {
        let Some(id) = guest.arrival.id.clone() else {
            return self.take(guest, way).await;
        };
        // Before the store is asked: whoever has the same message in hand may end it meanwhile.
        let (ending, claim) = self.desk.endings.listen(&id);
        match self.desk.known(id.clone()).await? {
            // Whoever brings a login brings what it wanted, where it is not refused by now.
            Known::NotOpened(_) if claim.is_some() && guest.has_login() && !matches!(way, Way::Refused) => {
                self.desk.forget_dead_letter(id).await?;
                self.take(guest, way).await
            }
            Known::Ended(verdict) | Known::NotOpened(verdict) => Ok(verdict),
            Known::Nothing if claim.is_some() => self.take(guest, way).await,
            Known::Open => {
                drop(way);
                guest.wait_elsewhere();
                tokio::select! {
                    heard = self.desk.heard(id, ending) => heard,
                    // It is in the store, and perhaps nobody takes it up any more.
                    () = self.stopping() => Ok(Verdict::Accepted),
                }
            }
            Known::Nothing => {
                drop((guest, way));
                self.desk.heard(id, ending).await
            }
        }
    }

    /// Has a new message answered, or leaves it in the store.
    async fn take(&self, guest: Guest, way: Way) -> Result<Verdict, NotReceived> {
        let Guest { arrival, parties, bytes, looked_at, speaker, wait } = guest;
        let Arrival { route, body, id, caller, .. } = arrival;
        let _room = match &way {
            Way::Now(_) => None,
            Way::Refused | Way::Later => {
                let patience = wait.patience.for_room(self.buses_wait);
                let room = self.turns.room_within(&parties.user_device, bytes, patience).await;
                Some(room.ok_or(NotReceived::Full)?)
            }
        };
        let message = message_in(&body)?;
        let mut case = Case::new(parties, &route, message, caller);
        (case.bringer, case.looked_at) = (wait.bringer.clone(), looked_at);
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
        match way {
            Way::Now(_turn) => Ok(self.answer(taken, case, || wait.say_on_disk(speaker)).await),
            Way::Refused => Ok(self.desk.take_up(taken, Some(case)).await),
            Way::Later => {
                self.accept(&taken).await?;
                Ok(Verdict::Accepted)
            }
        }
    }

    /// Answers a message, and says once it is on disk that it is, where it takes so long.
    async fn answer(&self, taken: Taken, case: Case, say_on_disk: impl FnOnce()) -> Verdict {
        let accept = self.accept(&taken);
        let mut work = pin!(self.desk.take_up(taken, Some(case)));
        if let Ok(verdict) = timeout(OFF_DISK, &mut work).await {
            return verdict;
        }
        match accept.await {
            Ok(()) => say_on_disk(),
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
}
