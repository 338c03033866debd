//! Work that is handed out as whoever takes it has permits for it, or is claimed until they have.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Rows;
use tokio::sync::Notify;

use super::feed::AT_ONCE;
use super::place::InFlight;
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::{Feed, PassedOver, Place, QueuedDelivery, StoreError, Taken, View};

/// For so many at most somebody waits at a time: the others wait in the store.
const MOST_AWAITED: usize = 1000;

/// Work that is handed out.
#[derive(Debug)]
pub enum Handed<P> {
    /// There was a permit for it.
    Now(Taken, P),
    /// There was none, and it is the first of its line that has to wait for one.
    Later(Claim),
}

/// The claim to work of which nothing is read: no other of its line is handed out before somebody has it, or lets go of it.
#[derive(Debug)]
pub struct Claim {
    /// The device whose work it is; an empty name where nobody knows it.
    pub device: DeviceUuid,
    /// What it takes in memory while it is worked on; nothing where it is small.
    pub bytes: usize,
    seq: i64,
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
        self.awaited.all().remove(&PermitLine::of(&self.device, self.bytes));
        self.bell.notify_one();
    }
}

/// The work of one device that waits for permits of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PermitLine {
    device: DeviceUuid,
    size: Size,
}

/// Whether work takes room in memory that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Size {
    Small,
    Large,
}

impl PermitLine {
    /// The line of what takes so many bytes in memory; nothing where it is small.
    pub(super) fn of(device: &DeviceUuid, bytes: usize) -> Self {
        Self { device: device.clone(), size: if bytes == 0 { Size::Small } else { Size::Large } }
    }
}

/// The lines of which somebody has the first piece in hand, and waits for a permit with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<Mutex<HashSet<PermitLine>>>);

impl Awaited {
    pub(super) fn all(&self) -> MutexGuard<'_, HashSet<PermitLine>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that waits, of which nothing but its place is read.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// Whose it is; an empty name where nobody knows it.
    device: DeviceUuid,
    seq: i64,
    /// What it takes in memory while it is worked on; nothing where it is small.
    bytes: usize,
}

/// What a look at the queue is to find.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) now: Timestamp,
    /// The most that is asked for.
    pub(super) most: usize,
    pub(super) but: &'a PassedOver,
    pub(super) in_hand: &'a HashSet<i64>,
    /// The lines of which somebody waits for a permit.
    pub(super) awaited: &'a HashSet<PermitLine>,
}

impl Wanted<'_> {
    /// Of the work in `rows` of `seq, weight, device`, which are those of one line in their order, what is in nobody's hands, up
    /// to that for whose like somebody waits. In memory it takes what `bytes` makes of its weight.
    pub(super) fn of(
        &self,
        mut rows: Rows<'_>,
        bytes: fn(usize) -> usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        let mut due = Vec::new();
        while due.len() < self.most
            && let Some(row) = rows.next()?
        {
            let seq = row.get(0)?;
            if self.in_hand.contains(&seq) {
                continue;
            }
            let device = row.get(2)?;
            let bytes = bytes(usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default());
            if self.awaited.contains(&PermitLine::of(&device, bytes)) {
                break;
            }
            due.push(Waiting { device, seq, bytes });
        }
        Ok(due)
    }
}

/// The first of each, then the second of each, and so on.
pub(super) fn one_of_each(of_each: &[Vec<Waiting>]) -> impl Iterator<Item = Waiting> {
    let longest = of_each.iter().map(Vec::len).max().unwrap_or_default();
    (0..longest).flat_map(move |place| of_each.iter().filter_map(move |due| due.get(place).cloned()))
}

/// What one look at the queue makes of what waits.
pub(super) enum Seen<P> {
    Now(i64, QueuedDelivery, P),
    Later(Waiting),
}

/// Reads so many of these at most for which `admit` gives a permit, in their order; none of a line behind one for which there is
/// none.
pub(super) fn admitted<P>(
    view: &View<'_>,
    due: Vec<Waiting>,
    wanted: Wanted<'_>,
    admit: impl Fn(&DeviceUuid, usize) -> Option<P>,
) -> Result<Vec<Seen<P>>, StoreError> {
    let mut may_wait = MOST_AWAITED.saturating_sub(wanted.awaited.len());
    let (mut seen, mut text, mut passed_over) = (Vec::new(), 0, HashSet::new());
    for waiting in due {
        if seen.len() >= wanted.most || text >= AT_ONCE {
            break;
        }
        let line = PermitLine::of(&waiting.device, waiting.bytes);
        if passed_over.contains(&line) {
            continue;
        }
        if let Some(permit) = admit(&waiting.device, waiting.bytes) {
            if let Some(delivery) = view.queued(waiting.seq)? {
                text += delivery.new.body.len();
                seen.push(Seen::Now(waiting.seq, delivery, permit));
            }
            continue;
        }
        passed_over.insert(line);
        if may_wait > 0 {
            may_wait -= 1;
            seen.push(Seen::Later(waiting));
        }
    }
    Ok(seen)
}

impl Feed {
    /// Takes what was claimed; nothing where it has ended meanwhile.
    ///
    /// # Errors
    /// What the store reports; then it is handed out again.
    pub async fn take(&self, mut claim: Claim) -> Result<Option<Taken>, StoreError> {
        let seq = claim.seq;
        let read = self.store.read::<_, StoreError, _>(move |view| view.queued(seq)).await?;
        Ok(read.map(|delivery| {
            claim.is_taken = true;
            self.handed_out(delivery, Place::taken(seq, self.in_flight.clone()))
        }))
    }

    /// Hands out what was seen, but for what was accepted and taken meanwhile.
    pub(super) fn hand_out<P>(&self, seen: Vec<Seen<P>>) -> Vec<Handed<P>> {
        seen.into_iter().filter_map(|seen| self.hand_out_one(seen)).collect()
    }

    fn hand_out_one<P>(&self, seen: Seen<P>) -> Option<Handed<P>> {
        let (Seen::Now(seq, ..) | Seen::Later(Waiting { seq, .. })) = seen;
        if !self.in_flight.all().insert(seq) {
            return None;
        }
        Some(match seen {
            Seen::Now(seq, delivery, permit) => {
                let place = Place::taken(seq, self.in_flight.clone());
                Handed::Now(self.handed_out(delivery, place), permit)
            }
            Seen::Later(Waiting { device, seq, bytes }) => {
                self.awaited.all().insert(PermitLine::of(&device, bytes));
                Handed::Later(Claim {
                    device,
                    bytes,
                    seq,
                    in_flight: self.in_flight.clone(),
                    awaited: self.awaited.clone(),
                    bell: Arc::clone(&self.bell),
                    is_taken: false,
                })
            }
        })
    }
}
