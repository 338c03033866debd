//! Live listeners: what arrives at a device goes to whoever reads along at that moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::message::DeviceUuid;

/// How far a listener may lag behind before it is cut off.
const BACKLOG: usize = 1024;

/// One line of a stream: the message as JSON text, without its newline.
pub type Line = Arc<str>;

type Listeners = HashMap<DeviceUuid, Vec<mpsc::Sender<Line>>>;

/// Everybody who reads along. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<Listeners>>);

impl Streams {
    /// Reads along at `device` from now on, until the receiver is dropped or lags too far behind.
    pub fn listen(&self, device: DeviceUuid) -> mpsc::Receiver<Line> {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        listeners.entry(device).or_default().push(sender);
        receiver
    }

    /// Whether somebody reads along at `device`.
    pub fn listening(&self, device: &DeviceUuid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(device)
    }

    /// Sends `line` to all who read along at `device`; those who do not keep up are cut off.
    pub fn publish(&self, device: &DeviceUuid, line: &Line) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(senders) = listeners.get_mut(device) {
            senders.retain(|sender| sender.try_send(Arc::clone(line)).is_ok());
            if senders.is_empty() {
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
