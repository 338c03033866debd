//! Live listeners: what arrives at a device goes to whoever reads along at that moment.

mod backlog;

use std::collections::HashMap;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

pub use self::backlog::Heard;
use self::backlog::{Backlog, Event, Unheard};
use super::subscription::SubscriptionType;
use crate::memory::{Room, Taken};
use crate::message::{DeviceUuid, Route};
use crate::store::TokenHash;

/// What all events together may take in memory that somebody has not heard yet.
const UNHEARD_BYTES: usize = 64 << 20;
/// What a hop takes, beside the text of the event.
const HOP: usize = 128;

/// An event at the end of its route or at the device that it leaves, as those who read along there get it.
#[derive(Debug)]
pub struct Arrived {
    /// Its kind.
    pub kind: SubscriptionType,
    /// The route it came on; `None` at the device that sends it.
    pub route: Option<Route>,
    /// The routes before this one, oldest first, when devices sent the event on as their own.
    pub forwarded: Vec<Route>,
    /// The message or the document as JSON text.
    pub body: Arc<str>,
}

impl Arrived {
    fn bytes(&self) -> usize {
        self.body.len() + self.bytes_of_routes()
    }

    fn bytes_of_routes(&self) -> usize {
        let hops = self.route.iter().chain(&self.forwarded).map(|route| route.hops().len());
        HOP * hops.sum::<usize>()
    }
}

/// What one message or event leads to at those who read along: where it arrives, and how. All of it has one text.
#[derive(Debug, Default)]
pub struct Telling(Vec<(DeviceUuid, Arrived)>);

impl Telling {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells those who read along at `device` too.
    pub fn at(&mut self, device: DeviceUuid, arrived: Arrived) {
        self.0.push((device, arrived));
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        let text = self.0.first().map_or(0, |(_, arrived)| arrived.body.len());
        text + self.0.iter().map(|(_, arrived)| arrived.bytes_of_routes()).sum::<usize>()
    }
}

/// What somebody wants to hear of: kinds of event, and the device that they arrive at or leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Where.
    pub device: DeviceUuid,
    /// The kinds.
    pub kinds: Vec<SubscriptionType>,
}

impl Interest {
    /// In all that arrives at `device`.
    pub fn in_what_arrives_at(device: DeviceUuid) -> Self {
        let kinds = [
            SubscriptionType::MessageReceived,
            SubscriptionType::BroadcastReceived,
            SubscriptionType::ConfigureReceived,
            SubscriptionType::UnregisterReceived,
        ];
        Self { device, kinds: kinds.to_vec() }
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

/// The reading end: the events at one device from now on.
#[derive(Debug)]
pub struct Listening {
    unheard: Unheard,
    revoked: watch::Receiver<bool>,
}

impl Listening {
    /// The next event. `None` once it is over: at once if the reader's token was revoked, or its backlog was dropped, else
    /// after what had arrived.
    pub async fn next(&mut self) -> Option<Heard> {
        self.next_when(ready(())).await
    }

    /// The next event, which stays in the backlog until `taken` is done.
    pub async fn next_when(&mut self, taken: impl Future<Output = ()>) -> Option<Heard> {
        let next = async {
            taken.await;
            self.unheard.next().await
        };
        tokio::select! {
            biased;
            () = revocation(&mut self.revoked) => None,
            heard = next => heard,
        }
    }

    /// An event that is there already.
    pub fn next_now(&mut self) -> Option<Heard> {
        self.unheard.next_now().filter(|_| !*self.revoked.borrow())
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
    kinds: Vec<SubscriptionType>,
    backlog: Backlog,
    revoked: watch::Sender<bool>,
}

impl Listener {
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
    fn retain(&mut self, mut keep: impl FnMut(&mut Listener) -> bool) {
        self.at.retain(|_, here| {
            here.retain_mut(&mut keep);
            !here.is_empty()
        });
    }

    fn listening(&self, device: &DeviceUuid, kind: SubscriptionType) -> bool {
        let hears = |listener: &Listener| listener.backlog.is_open() && listener.kinds.contains(&kind);
        self.at.get(device).is_some_and(|here| here.iter().any(hears))
    }

    fn tell(&mut self, device: &DeviceUuid, tell: impl FnMut(&mut Listener)) {
        if let Some(here) = self.at.get_mut(device) {
            here.retain(Listener::is_read);
            here.iter_mut().for_each(tell);
            if here.is_empty() {
                self.at.remove(device);
            }
        }
    }

    /// Cuts off whoever lags behind the furthest, and drops what it has not heard; false where nobody lags behind.
    fn cut_off_one(&mut self) -> bool {
        let backlogs = self.at.values_mut().flatten().map(|listener| &mut listener.backlog);
        let lagging = backlogs.map(|backlog| (backlog.behind(), backlog)).filter(|(behind, _)| *behind > 0);
        let furthest = lagging.max_by_key(|(behind, _)| *behind);
        furthest.map(|(_, backlog)| backlog.drop_all()).is_some()
    }
}

/// Everybody who reads along. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Streams {
    listeners: Arc<Mutex<Listeners>>,
    room: Room,
}

impl Default for Streams {
    fn default() -> Self {
        Self { listeners: Arc::default(), room: Room::to_the_last(UNHEARD_BYTES) }
    }
}

impl Streams {
    /// Reads along from now on, until the reading end is dropped or lags too far behind. Without a `reader` no token
    /// ends it.
    pub fn listen(&self, Interest { device, kinds }: Interest, reader: Option<Reader>) -> Listening {
        let (backlog, unheard) = Backlog::new();
        let (revoked, revocation) = watch::channel(false);
        let mut listeners = self.listeners();
        listeners.retain(|listener| listener.is_read());
        if !listeners.closed {
            listeners.at.entry(device).or_default().push(Listener { reader, kinds, backlog, revoked });
        }
        Listening { unheard, revoked: revocation }
    }

    /// Whether somebody reads events of this kind along at `device`.
    pub fn listening(&self, device: &DeviceUuid, kind: SubscriptionType) -> bool {
        self.listeners().listening(device, kind)
    }

    /// Tells all who read along where something arrived; those who do not keep up are cut off. Where what nobody has heard
    /// yet leaves no room, so are those who lag behind the furthest.
    pub fn publish(&self, telling: Telling) {
        let mut listeners = self.listeners();
        let bytes = telling.bytes();
        let mut room = Taken::default();
        let mut has_room = self.room.grow(&mut room, bytes).is_ok();
        while !has_room && listeners.cut_off_one() {
            has_room = self.room.grow(&mut room, bytes).is_ok();
        }
        let room = Arc::new(room);
        for (device, arrived) in telling.0 {
            let event = Arc::new(Event { arrived, _room: Arc::clone(&room) });
            listeners.tell(&device, |listener| match listener.kinds.contains(&event.arrived.kind) {
                true if has_room => listener.backlog.put(&event),
                true => listener.backlog.close(),
                false => {}
            });
        }
    }

    /// Ends at once whatever is read by one of these tokens of `device`.
    pub fn revoke(&self, device: &DeviceUuid, tokens: &[TokenHash]) {
        self.listeners().retain(|listener| {
            let ended = |reader: &Reader| reader.device == *device && tokens.contains(&reader.token);
            let ended = listener.reader.as_ref().is_some_and(ended);
            if ended {
                listener.revoked.send_replace(true);
                listener.backlog.drop_all();
            }
            !ended
        });
    }

    /// Ends all reading at `device` and by it.
    pub fn close(&self, device: &DeviceUuid) {
        let mut listeners = self.listeners();
        listeners.tell(device, |listener| listener.backlog.close());
        listeners.retain(|listener| {
            if listener.is_of(device) {
                listener.backlog.close();
            }
            listener.is_read()
        });
    }

    /// Ends all reading, for ever.
    pub fn close_all(&self) {
        *self.listeners() = Listeners { at: HashMap::new(), closed: true };
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
