//! Live listeners: what arrives at a device goes to whoever reads along at that moment.

use std::collections::HashMap;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::subscription::SubscriptionType;
use crate::message::{DeviceUuid, Route};
use crate::store::TokenHash;

/// How many events a listener may lag behind before it is cut off.
const BACKLOG: usize = 1024;
/// How much text the events together may have that a listener lags behind; one event alone may be longer.
const BACKLOG_KIB: usize = 4 << 10;
/// What a hop takes, beside the text of the event.
const HOP: usize = 128;

/// An event at the end of its route, as those who read along get it.
#[derive(Debug)]
pub struct Arrived {
    /// Its kind.
    pub kind: SubscriptionType,
    /// The route it came on.
    pub route: Route,
    /// The routes before this one, oldest first, when devices sent the event on as their own.
    pub forwarded: Vec<Route>,
    /// The message or the document as JSON text.
    pub body: Arc<str>,
}

impl Arrived {
    fn kib(&self) -> usize {
        let hops = std::iter::once(&self.route).chain(&self.forwarded).map(|route| route.hops().len());
        (self.body.len() + HOP * hops.sum::<usize>()).div_ceil(1 << 10)
    }
}

/// An event in a listener's backlog, until it is dropped.
#[derive(Debug)]
pub struct Heard {
    event: Arc<Arrived>,
    _room: OwnedSemaphorePermit,
}

impl std::ops::Deref for Heard {
    type Target = Arrived;

    fn deref(&self) -> &Arrived {
        &self.event
    }
}

/// Who reads along, and by which of its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The device whose token was shown.
    pub device: DeviceUuid,
    /// The token: reading along ends with it.
    pub token: TokenHash,
}

/// The reading end: the events that arrive at one device from now on.
#[derive(Debug)]
pub struct Listening {
    backlog: mpsc::Receiver<Heard>,
    revoked: watch::Receiver<bool>,
}

impl Listening {
    /// The next event. `None` once it is over: at once if the reader's token was revoked, else after what had arrived.
    pub async fn next(&mut self) -> Option<Heard> {
        self.next_when(ready(())).await
    }

    /// The next event, which stays in the backlog until `taken` is done.
    pub async fn next_when(&mut self, taken: impl Future<Output = ()>) -> Option<Heard> {
        let next = async {
            taken.await;
            self.backlog.recv().await
        };
        tokio::select! {
            biased;
            () = revocation(&mut self.revoked) => None,
            heard = next => heard,
        }
    }

    /// An event that is there already.
    pub fn next_now(&mut self) -> Option<Heard> {
        self.backlog.try_recv().ok().filter(|_| !*self.revoked.borrow())
    }

    /// Done when the reader's token is revoked; never if reading along ends in another way.
    pub async fn revoked(&mut self) {
        revocation(&mut self.revoked).await;
    }
}

async fn revocation(revoked: &mut watch::Receiver<bool>) {
    if revoked.wait_for(|revoked| *revoked).await.is_err() {
        pending().await
    }
}

/// Known until its reading end is dropped, so that a token that is revoked ends also what is read out of a backlog.
#[derive(Debug)]
struct Listener {
    reader: Option<Reader>,
    /// None once it is cut off.
    backlog: Option<mpsc::Sender<Heard>>,
    room: Arc<Semaphore>,
    revoked: watch::Sender<bool>,
}

impl Listener {
    /// Cuts the listener off if it does not keep up.
    fn hear(&mut self, event: &Arc<Arrived>) {
        let Some(backlog) = &self.backlog else { return };
        let kib = u32::try_from(event.kib().min(BACKLOG_KIB)).ok();
        let room = kib.and_then(|kib| Arc::clone(&self.room).try_acquire_many_owned(kib).ok());
        let heard = room.map(|room| Heard { event: Arc::clone(event), _room: room });
        if heard.is_none_or(|heard| backlog.try_send(heard).is_err()) {
            self.backlog = None;
        }
    }

    fn is_read(&self) -> bool {
        !self.revoked.is_closed()
    }

    fn is_of(&self, device: &DeviceUuid) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.device == *device)
    }
}

#[derive(Debug, Default)]
struct Listeners {
    at: HashMap<DeviceUuid, Vec<Listener>>,
    closed: bool,
}

impl Listeners {
    fn retain(&mut self, keep: impl Fn(&Listener) -> bool) {
        self.at.retain(|_, here| {
            here.retain(&keep);
            !here.is_empty()
        });
    }
}

/// Everybody who reads along. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<Listeners>>);

impl Streams {
    /// Reads along at `device` from now on, until the reading end is dropped or lags too far behind. Without a
    /// `reader` no token ends it.
    pub fn listen(&self, device: DeviceUuid, reader: Option<Reader>) -> Listening {
        let (backlog, receiver) = mpsc::channel(BACKLOG);
        let (revoked, revocation) = watch::channel(false);
        let room = Arc::new(Semaphore::new(BACKLOG_KIB));
        let mut listeners = self.listeners();
        listeners.retain(Listener::is_read);
        if !listeners.closed {
            let backlog = Some(backlog);
            listeners.at.entry(device).or_default().push(Listener { reader, backlog, room, revoked });
        }
        Listening { backlog: receiver, revoked: revocation }
    }

    /// Whether somebody reads along at `device`.
    pub fn listening(&self, device: &DeviceUuid) -> bool {
        let listeners = self.listeners();
        listeners.at.get(device).is_some_and(|here| here.iter().any(|listener| listener.backlog.is_some()))
    }

    /// Sends `event` to all who read along at `device`; those who do not keep up are cut off.
    pub fn publish(&self, device: &DeviceUuid, event: &Arc<Arrived>) {
        let mut listeners = self.listeners();
        if let Some(here) = listeners.at.get_mut(device) {
            here.iter_mut().for_each(|listener| listener.hear(event));
            here.retain(Listener::is_read);
            if here.is_empty() {
                listeners.at.remove(device);
            }
        }
    }

    /// Ends at once whatever is read by one of these tokens of `device`.
    pub fn revoke(&self, device: &DeviceUuid, tokens: &[TokenHash]) {
        self.listeners().retain(|listener| {
            let ended = |reader: &Reader| reader.device == *device && tokens.contains(&reader.token);
            let ended = listener.reader.as_ref().is_some_and(ended);
            if ended {
                listener.revoked.send_replace(true);
            }
            !ended
        });
    }

    /// Ends all reading at `device` and by it.
    pub fn close(&self, device: &DeviceUuid) {
        let mut listeners = self.listeners();
        listeners.at.remove(device);
        listeners.retain(|listener| !listener.is_of(device));
    }

    /// Ends all reading, for ever.
    pub fn close_all(&self) {
        *self.listeners() = Listeners { at: HashMap::new(), closed: true };
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
