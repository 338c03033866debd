//! Live listeners: what arrives at a device goes to whoever reads along at that moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::message::DeviceUuid;

/// How many lines a listener may lag behind before it is cut off.
const BACKLOG: usize = 1024;
/// How much text the lines together may have that a listener lags behind; one line alone may be longer.
const BACKLOG_KIB: usize = 4 << 10;

/// One line of a stream: the message as JSON text, without its newline.
pub type Line = Arc<str>;

/// A line in a listener's backlog, until it is dropped.
#[derive(Debug)]
pub struct Heard {
    line: Line,
    _room: OwnedSemaphorePermit,
}

impl std::ops::Deref for Heard {
    type Target = str;

    fn deref(&self) -> &str {
        &self.line
    }
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line)
    }
}

#[derive(Debug)]
struct Listener {
    backlog: mpsc::Sender<Heard>,
    room: Arc<Semaphore>,
}

impl Listener {
    /// Whether the listener keeps up.
    fn hear(&self, line: &Line) -> bool {
        let kib = line.len().div_ceil(1 << 10).min(BACKLOG_KIB);
        let room =
            u32::try_from(kib).ok().and_then(|kib| Arc::clone(&self.room).try_acquire_many_owned(kib).ok());
        room.is_some_and(|room| self.backlog.try_send(Heard { line: Arc::clone(line), _room: room }).is_ok())
    }
}

type Listeners = HashMap<DeviceUuid, Vec<Listener>>;

/// Everybody who reads along. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<Listeners>>);

impl Streams {
    /// Reads along at `device` from now on, until the receiver is dropped or lags too far behind.
    pub fn listen(&self, device: DeviceUuid) -> mpsc::Receiver<Heard> {
        let (backlog, receiver) = mpsc::channel(BACKLOG);
        let room = Arc::new(Semaphore::new(BACKLOG_KIB));
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|_, here| {
            here.retain(|listener| !listener.backlog.is_closed());
            !here.is_empty()
        });
        listeners.entry(device).or_default().push(Listener { backlog, room });
        receiver
    }

    /// Whether somebody reads along at `device`.
    pub fn listening(&self, device: &DeviceUuid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(device)
    }

    /// Sends `line` to all who read along at `device`; those who do not keep up are cut off.
    pub fn publish(&self, device: &DeviceUuid, line: &Line) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = listeners.get_mut(device) {
            here.retain(|listener| listener.hear(line));
            if here.is_empty() {
                listeners.remove(device);
            }
        }
    }

    /// Ends all streams of `device`.
    pub fn close(&self, device: &DeviceUuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(device);
    }

    /// Ends all streams.
    pub fn close_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
