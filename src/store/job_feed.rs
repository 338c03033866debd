//! Hands out jobs that are due, each user device in its turn, as whoever takes them has room.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::feed::{AT_ONCE, Found};
use super::job_lines::{Awaited, Waiting, Wanted, device_of};
use super::place::InFlight;
use super::{Feed, Place, QueuedDelivery, StoreError, Taken, View, Work};
use crate::ambient::Timestamp;
use crate::memory::Taken as InMemory;
use crate::message::DeviceUuid;

/// For so many at most somebody waits at a time: the others wait in the store.
const MOST_AWAITED: usize = 1000;

/// A job that is handed out.
#[derive(Debug)]
pub enum Handed<P> {
    /// There was a permit for it.
    Now(Taken, P),
    /// There was none, and it is the first of its line that has to wait for one.
    Later(Claim),
}

impl<P> Handed<P> {
    pub(super) fn now(self) -> Option<Taken> {
        match self {
            Self::Now(taken, _) => Some(taken),
            Self::Later(_) => None,
        }
    }
}

/// The claim to a job of which nothing is read: no other of its line is handed out before somebody has it, or lets go of it.
#[derive(Debug)]
pub struct Claim {
    /// The user device whose job it is; an empty name where nobody knows it.
    pub device: DeviceUuid,
    /// What it takes in memory while it is worked on; nothing where it is small.
    pub bytes: usize,
    seq: i64,
    line: String,
    in_flight: InFlight,
    awaited: Awaited,
    bell: Arc<Notify>,
    is_taken: bool,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_taken {
            self.in_flight.all().remove(&self.seq);
        }
        self.awaited.all().remove(&self.line);
        self.bell.notify_one();
    }
}

/// What one look at the lines finds.
enum Seen<P> {
    Now(i64, QueuedDelivery, P),
    Later(String, Waiting),
}

/// How much one look finds at most.
struct Limits {
    most: usize,
    /// For so many of these somebody may wait.
    may_wait: usize,
}

impl Feed {
    /// Waits until jobs are due and takes at most `most` of them: of each user device one, and then the next of each, oldest
    /// first. `admit` gives the permit that a job of a device takes which needs so many bytes of memory; nothing of one is read
    /// before.
    ///
    /// # Errors
    /// What the store reports; the feed can be asked again.
    pub async fn next_jobs<P, A>(&self, most: usize, admit: A) -> Result<Vec<Handed<P>>, StoreError>
    where
        P: Send + 'static,
        A: Fn(&DeviceUuid, usize) -> Option<P> + Clone + Send + 'static,
    {
        loop {
            let rung = self.bell.notified();
            let now = self.now().await?;
            match self.take_jobs(most, admit.clone(), now).await? {
                Found::Now(due) => return Ok(due),
                Found::In(wait) => drop(tokio::time::timeout(wait, rung).await),
                Found::Unknown => rung.await,
            }
        }
    }

    /// Takes the job that was claimed; nothing where it has ended meanwhile.
    ///
    /// # Errors
    /// What the store reports; then the job is handed out again.
    pub async fn take(&self, mut claim: Claim) -> Result<Option<Taken>, StoreError> {
        let seq = claim.seq;
        let read = self.store.read::<_, StoreError, _>(move |view| view.queued(seq)).await?;
        Ok(read.map(|delivery| {
            claim.is_taken = true;
            self.handed_out(delivery, Place::taken(seq, self.in_flight.clone()), InMemory::default())
        }))
    }

    async fn take_jobs<P, A>(
        &self,
        most: usize,
        admit: A,
        now: Timestamp,
    ) -> Result<Found<Handed<P>>, StoreError>
    where
        P: Send + 'static,
        A: Fn(&DeviceUuid, usize) -> Option<P> + Send + 'static,
    {
        let mut last_line = self.turn.lock().await;
        let (after, in_flight, awaited) =
            (last_line.clone(), self.in_flight.clone(), self.awaited.all().clone());
        let look = move |view: &View<'_>| {
            // Before the first read, which fixes the moment that is seen: what is not busy any more has ended by then.
            let busy = in_flight.all().clone();
            let wanted = Wanted { after: &after, now, busy: &busy, awaited: &awaited, most };
            let lines = view.due_lines(&wanted)?;
            let last = lines.last().map(|(line, _)| line.clone());
            let may_wait = MOST_AWAITED.saturating_sub(awaited.len());
            let seen = admitted(view, lines, Limits { most, may_wait }, admit)?;
            let next = if seen.is_empty() { view.next_due(Work::Job, now)? } else { None };
            Ok((seen, last, next))
        };
        let (seen, last, next) = self.store.read::<_, StoreError, _>(look).await?;
        if let Some(last) = last {
            *last_line = last;
        }
        if seen.is_empty() {
            return Ok(next.map_or(Found::Unknown, |due| Found::In(due.since(now))));
        }
        Ok(Found::Now(seen.into_iter().filter_map(|seen| self.hand_out_job(seen)).collect()))
    }

    /// `None` for what was accepted and taken while the queue was looked at.
    fn hand_out_job<P>(&self, seen: Seen<P>) -> Option<Handed<P>> {
        let (Seen::Now(seq, ..) | Seen::Later(_, Waiting { seq, .. })) = seen;
        if !self.in_flight.all().insert(seq) {
            return None;
        }
        Some(match seen {
            Seen::Now(seq, delivery, permit) => {
                let place = Place::taken(seq, self.in_flight.clone());
                Handed::Now(self.handed_out(delivery, place, InMemory::default()), permit)
            }
            Seen::Later(line, Waiting { seq, bytes }) => {
                self.awaited.all().insert(line.clone());
                Handed::Later(Claim {
                    device: device_of(&line),
                    bytes,
                    seq,
                    line,
                    in_flight: self.in_flight.clone(),
                    awaited: self.awaited.clone(),
                    bell: Arc::clone(&self.bell),
                    is_taken: false,
                })
            }
        })
    }
}

/// Reads those for which there is a permit, of each line one and then the next of each.
fn admitted<P>(
    view: &View<'_>,
    lines: Vec<(String, Vec<Waiting>)>,
    Limits { most, mut may_wait }: Limits,
    admit: impl Fn(&DeviceUuid, usize) -> Option<P>,
) -> Result<Vec<Seen<P>>, StoreError> {
    let (mut seen, mut text) = (Vec::new(), 0);
    let mut lines: VecDeque<_> = lines.into_iter().map(|(line, due)| (line, due.into_iter())).collect();
    while seen.len() < most
        && text < AT_ONCE
        && let Some((line, mut due)) = lines.pop_front()
    {
        let Some(waiting) = due.next() else { continue };
        if let Some(permit) = admit(&device_of(&line), waiting.bytes) {
            if let Some(delivery) = view.queued(waiting.seq)? {
                text += delivery.new.body.len();
                seen.push(Seen::Now(waiting.seq, delivery, permit));
            }
            lines.push_back((line, due));
        } else if may_wait > 0 {
            may_wait -= 1;
            seen.push(Seen::Later(line, waiting));
        }
    }
    Ok(seen)
}
