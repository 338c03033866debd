//! What a listener has not heard yet: bounded for each, and taken from whoever lags far behind where all have too much.

use std::future::poll_fn;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Arrived;
use crate::memory::Taken;

/// How many events a listener may lag behind before it is cut off.
const EVENTS: usize = 1024;
/// How much text the events together may have that a listener lags behind; one event alone may be longer.
const KIB: usize = 4 << 10;

/// An event on its way to listeners, and the room that it takes until all have heard it.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) arrived: Arrived,
    pub(super) _room: Arc<Taken>,
}

/// An event in a listener's backlog, until it is dropped.
#[derive(Debug)]
pub struct Heard {
    event: Arc<Event>,
    _share: OwnedSemaphorePermit,
}

impl Deref for Heard {
    type Target = Arrived;

    fn deref(&self) -> &Arrived {
        &self.event.arrived
    }
}

/// The reading end.
#[derive(Clone, Debug)]
pub(super) struct Unheard(Arc<Mutex<mpsc::Receiver<Heard>>>);

impl Unheard {
    /// The next event; `None` once no more will come.
    pub(super) async fn next(&self) -> Option<Heard> {
        poll_fn(|context| self.events().poll_recv(context)).await
    }

    /// An event that is there already.
    pub(super) fn next_now(&self) -> Option<Heard> {
        self.events().try_recv().ok()
    }

    fn events(&self) -> MutexGuard<'_, mpsc::Receiver<Heard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writing end.
#[derive(Debug)]
pub(super) struct Backlog {
    /// None once the listener is cut off.
    to: Option<mpsc::Sender<Heard>>,
    unheard: Unheard,
    share: Arc<Semaphore>,
}

impl Backlog {
    pub(super) fn new() -> (Self, Unheard) {
        let (sender, receiver) = mpsc::channel(EVENTS);
        let unheard = Unheard(Arc::new(Mutex::new(receiver)));
        let backlog =
            Self { to: Some(sender), unheard: unheard.clone(), share: Arc::new(Semaphore::new(KIB)) };
        (backlog, unheard)
    }

    pub(super) fn is_open(&self) -> bool {
        self.to.is_some()
    }

    /// Cuts the listener off if it does not keep up.
    pub(super) fn put(&mut self, event: &Arc<Event>) {
        let Some(to) = &self.to else { return };
        let kib = u32::try_from(event.arrived.bytes().div_ceil(1 << 10).min(KIB)).ok();
        let share = kib.and_then(|kib| Arc::clone(&self.share).try_acquire_many_owned(kib).ok());
        let heard = share.map(|share| Heard { event: Arc::clone(event), _share: share });
        if heard.is_none_or(|heard| to.try_send(heard).is_err()) {
            self.close();
        }
    }

    /// Nothing more comes than what is there.
    pub(super) fn close(&mut self) {
        self.to = None;
    }

    /// How far the listener lags behind what it could hear next, in KiB.
    pub(super) fn behind(&self) -> usize {
        if self.unheard.events().is_empty() { 0 } else { KIB - self.share.available_permits() }
    }

    /// Closes it, and drops what is there: nobody hears that.
    pub(super) fn drop_all(&mut self) {
        self.close();
        while self.unheard.next_now().is_some() {}
    }
}
