//! Hands out work that is due, each piece to one worker at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::due_at_webhooks::Free;
use super::job_lines::Awaited;
use super::place::{AskedFor, InFlight};
use super::{
    Handed, LineKey, NewDelivery, Place, QueuedDelivery, Store, StoreError, Transaction, View, WebhookKey,
    Work,
};
use crate::ambient::{Clock, LastLook, Look, Timestamp};
use crate::memory::{Outlook, Room, Taken as InMemory};

/// The workers' end of the queue of one kind of work.
#[derive(Debug)]
pub struct Feed {
    pub(super) store: Store,
    work: Work,
    clock: Clock,
    pub(super) bell: Arc<Notify>,
    pub(super) in_flight: InFlight,
    pub(super) awaited: Awaited,
    room: Room,
    /// Whether something waits until there is room.
    waits_for_room: Arc<AtomicBool>,
    /// One look at the queue at a time: what it found is marked as handed out before the next. Jobs note the line that was
    /// looked at last.
    pub(super) turn: tokio::sync::Mutex<String>,
    last_look: LastLook,
}

/// What is handed out at once has about as much text, in bytes; what is more waits in the store meanwhile.
pub(super) const AT_ONCE: usize = 8 << 20;
/// Whenever it was accepted.
const EVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// Work in a worker's hands. When it is dropped without an outcome, it is handed out again once it is due.
#[derive(Debug)]
pub struct Taken {
    /// The work.
    pub delivery: QueuedDelivery,
    /// Its place in the queue.
    pub place: Place,
    bell: Arc<Notify>,
    ended: bool,
    room: InMemory,
    waits_for_room: Arc<AtomicBool>,
}

impl Taken {
    /// Lets go of work whose end is on disk.
    pub fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.place.leave();
        self.room = InMemory::default();
        if !self.ended || self.waits_for_room.load(Ordering::SeqCst) {
            self.bell.notify_one();
        }
    }
}

/// What gets no work for now.
#[derive(Debug, Default)]
pub struct PassedOver {
    /// Hosts, host and port of each.
    hosts: HashSet<String>,
    /// All hosts but these, where that is said.
    only: Option<HashSet<String>>,
    webhooks: HashSet<String>,
    lines: HashSet<String>,
    /// When to look again although the bell was not rung; the bell is rung for every other change.
    again_in: Option<Duration>,
}

impl PassedOver {
    /// These hosts, host and port of each, and all but those of `only`, where that is said, for `again_in` at least where no
    /// bell is rung.
    pub fn of_hosts(
        hosts: HashSet<String>,
        only: Option<HashSet<String>>,
        again_in: Option<Duration>,
    ) -> Self {
        Self { hosts, only, again_in, ..Self::default() }
    }

    /// This webhook too, for so long.
    pub fn rests(&mut self, webhook: &WebhookKey, left: Duration) {
        self.webhooks.insert(webhook.text());
        self.again_in = self.again_in.into_iter().chain([left]).min();
    }

    /// This line too.
    pub fn has_its_share(&mut self, line: &LineKey) {
        self.lines.insert(line.text());
    }

    /// Whether anything is passed over.
    pub fn is_something(&self) -> bool {
        let some = [&self.hosts, &self.webhooks, &self.lines];
        self.only.is_some() || some.iter().any(|some| !some.is_empty())
    }

    pub(super) fn has_host(&self, host: &str) -> bool {
        self.hosts.contains(host) || self.only.as_ref().is_some_and(|only| !only.contains(host))
    }

    pub(super) fn has_webhook(&self, webhook: &str) -> bool {
        self.webhooks.contains(webhook)
    }

    pub(super) fn has_line(&self, line: &str) -> bool {
        self.lines.contains(line)
    }
}

/// What one look at the queue finds: work that is due, or when there will be some.
pub(super) enum Found<T> {
    Now(Vec<T>),
    In(Duration),
    Unknown,
}

/// Work that was read from its place in the queue.
struct Read {
    seq: i64,
    delivery: QueuedDelivery,
    room: InMemory,
}

impl Feed {
    /// A feed of `work`; `bell` is rung when there is more. One process needs one feed of a kind.
    pub fn new(store: Store, work: Work, clock: Clock, bell: Arc<Notify>) -> Self {
        let (in_flight, awaited, waits_for_room, turn, last_look) = Default::default();
        let room = Room::without_end();
        Self { store, work, clock, bell, in_flight, awaited, room, waits_for_room, turn, last_look }
    }

    /// The same where the texts of the webhooks' calls that are handed out take room there, until they are dropped: what does
    /// not fit waits, which what is small never does.
    #[must_use]
    pub fn within(self, room: Room) -> Self {
        Self { room, ..self }
    }

    /// Waits until there is work that is due and takes at most `most` pieces of it, oldest first; user devices take turns,
    /// and calls of webhooks.
    ///
    /// # Errors
    /// What the store reports; the feed can be asked again.
    pub async fn next(&self, most: usize) -> Result<Vec<Taken>, StoreError> {
        if self.work == Work::Webhook {
            return self.next_but(most, PassedOver::default).await;
        }
        let due = self.next_jobs(most, |_, _| Some(())).await?;
        Ok(due.into_iter().filter_map(Handed::now).collect())
    }

    /// As [`Feed::next`] for webhooks, but passes over calls of the hosts and webhooks `but`.
    ///
    /// # Errors
    /// As [`Feed::next`].
    pub async fn next_but(
        &self,
        most: usize,
        but: impl Fn() -> PassedOver,
    ) -> Result<Vec<Taken>, StoreError> {
        loop {
            let rung = self.bell.notified();
            // One moment for both: what becomes due between two would be seen by neither.
            let now = self.now().await?;
            let but = but();
            let again_in = but.again_in;
            let due_in = match self.take_calls(most, but, now).await? {
                Found::Now(taken) => return Ok(taken),
                Found::In(wait) => Some(wait),
                Found::Unknown => None,
            };
            match due_in.into_iter().chain(again_in).min() {
                Some(wait) => {
                    let _ = tokio::time::timeout(wait, rung).await;
                }
                None => rung.await,
            }
        }
    }

    /// Takes a job in hand that is not on disk yet: it is from the first thing on that is written at its place, where its
    /// body is kept alone.
    pub fn hold(&self, new: NewDelivery, asked_for: AskedFor) -> Taken {
        let now = self.clock.now();
        let without_body = NewDelivery {
            id: new.id.clone(),
            work: new.work,
            device: new.device.clone(),
            event: new.event.clone(),
            route: new.route.clone(),
            target: new.target.clone(),
            body: String::new(),
        };
        let place = Place::of_new(new, asked_for, now, self.in_flight.clone());
        self.handed_out(QueuedDelivery::first(without_body, now), place, InMemory::default())
    }

    async fn take_calls(
        &self,
        most: usize,
        but: PassedOver,
        now: Timestamp,
    ) -> Result<Found<Taken>, StoreError> {
        let _turn = self.turn.lock().await;
        let (in_flight, room) = (self.in_flight.clone(), self.room.clone());
        let look = move |view: &View<'_>| {
            // Before the first read, which fixes the moment that is seen: what is not busy any more has ended by then.
            let busy = in_flight.all().clone();
            let outlook = Outlook::of(&room);
            let free = Free { but: &but, in_hand: &busy, now, limit: most, outlook: &outlook };
            let found = in_memory(view, view.due_at_webhooks(free)?, &room)?;
            if !found.is_empty() {
                return Ok((Found::Now(found), outlook));
            }
            let next = view.next_due_at_webhooks(now)?;
            let found = next.map_or(Found::Unknown, |due| Found::In(due.since(now)));
            Ok((found, outlook))
        };
        let (found, outlook) = self.store.read::<_, StoreError, _>(look).await?;
        self.waits_for_room.store(outlook.is_short(), Ordering::SeqCst);
        if outlook.is_short() && outlook.has_more_now() {
            // It was given back before anybody knew that something waits for it.
            self.bell.notify_one();
        }
        Ok(match found {
            Found::Now(found) => {
                Found::Now(found.into_iter().filter_map(|found| self.hand_out(found)).collect())
            }
            Found::In(wait) => Found::In(wait),
            Found::Unknown => Found::Unknown,
        })
    }

    /// The time; a clock that was set back, also while no feed ran, must not keep work waiting for the time it lost.
    pub(super) async fn now(&self) -> Result<Timestamp, StoreError> {
        let now = self.clock.now();
        let accepted_after = match self.last_look.compare(now) {
            Look::First => Some(now),
            Look::SetBack => Some(EVER),
            Look::On => None,
        };
        if let Some(accepted_after) = accepted_after {
            let work = self.work;
            let hasten = move |transaction: &Transaction<'_>| transaction.hasten(work, accepted_after, now);
            self.store.write::<_, StoreError, _>(hasten).await?;
        }
        self.last_look.note(now);
        Ok(now)
    }

    /// `None` for what was accepted and taken while the queue was looked at.
    fn hand_out(&self, Read { seq, delivery, room }: Read) -> Option<Taken> {
        let is_free = self.in_flight.all().insert(seq);
        is_free.then(|| self.handed_out(delivery, Place::taken(seq, self.in_flight.clone()), room))
    }

    pub(super) fn handed_out(&self, delivery: QueuedDelivery, place: Place, room: InMemory) -> Taken {
        let (bell, waits_for_room) = (Arc::clone(&self.bell), Arc::clone(&self.waits_for_room));
        Taken { delivery, place, bell, ended: false, room, waits_for_room }
    }
}

/// Reads these, as far as they fit into memory together.
fn in_memory(view: &View<'_>, places: Vec<i64>, room: &Room) -> Result<Vec<Read>, StoreError> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for seq in places {
        if bytes >= AT_ONCE {
            break;
        }
        let Some(delivery) = view.queued(seq)? else { continue };
        bytes += delivery.new.body.len();
        let Ok(room) = room.take_now(delivery.new.body.len()) else { break };
        found.push(Read { seq, delivery, room });
    }
    Ok(found)
}
