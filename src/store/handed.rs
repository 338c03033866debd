//! Work that is handed out as whoever takes it has permits for it, or is claimed until they have.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::feed::AT_ONCE;
use super::place::InFlight;
use super::{Feed, Place, QueuedDelivery, StoreError, Taken, View};
use crate::message::DeviceUuid;

/// For so many at most somebody waits at a time: the others wait in the store.
const MOST_AWAITED: usize = 1000;
/// What the names of all lines begin with, as the column `line` has them; both are of one length.
pub(super) const KINDS: [&str; 2] = ["large ", "small "];

/// Work that is handed out.
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

/// The claim to work of which nothing is read: no other of its line is handed out before somebody has it, or lets go of it.
#[derive(Debug)]
pub struct Claim {
    /// The device whose work it is; an empty name where nobody knows it.
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

/// The lines of which somebody has the first piece in hand, and waits for a permit with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<Mutex<HashSet<String>>>);

impl Awaited {
    pub(super) fn all(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The device of a line; an empty name where nobody knows it.
fn device_of(line: &str) -> DeviceUuid {
    line.get(KINDS[0].len()..).unwrap_or_default().into()
}

/// Work that waits, of which nothing but its place is read.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// The line of its device, for what is small or for what is large.
    pub(super) line: String,
    pub(super) seq: i64,
    /// What it takes in memory while it is worked on; nothing where it is small.
    pub(super) bytes: usize,
}

/// What one look at the queue makes of what waits.
pub(super) enum Seen<P> {
    Now(i64, QueuedDelivery, P),
    Later(Waiting),
}

/// Reads so many of these at most for which there is a permit, in their order; none of a line behind one for which there is none.
pub(super) fn admitted<P>(
    view: &View<'_>,
    due: impl IntoIterator<Item = Waiting>,
    most: usize,
    desk: Desk<'_, P>,
) -> Result<Vec<Seen<P>>, StoreError> {
    let mut may_wait = MOST_AWAITED.saturating_sub(desk.awaited.len());
    let (mut seen, mut text, mut passed_over) = (Vec::new(), 0, HashSet::new());
    for waiting in due {
        if seen.len() >= most || text >= AT_ONCE {
            break;
        }
        if passed_over.contains(&waiting.line) {
            continue;
        }
        if let Some(permit) = (desk.admit)(&device_of(&waiting.line), waiting.bytes) {
            if let Some(delivery) = view.queued(waiting.seq)? {
                text += delivery.new.body.len();
                seen.push(Seen::Now(waiting.seq, delivery, permit));
            }
            continue;
        }
        passed_over.insert(waiting.line.clone());
        if may_wait > 0 {
            may_wait -= 1;
            seen.push(Seen::Later(waiting));
        }
    }
    Ok(seen)
}

/// Who gives permits, and in which lines somebody waits for one.
pub(super) struct Desk<'a, P> {
    pub(super) awaited: &'a HashSet<String>,
    pub(super) admit: &'a dyn Fn(&DeviceUuid, usize) -> Option<P>,
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
            Seen::Later(Waiting { line, seq, bytes }) => {
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
