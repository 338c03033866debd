//! What somebody in this process is just making, call by call, on a bus elsewhere: nobody else begins it meanwhile.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long anybody waits for somebody else to be done.
const PATIENCE: Duration = Duration::from_secs(10);

/// The names of it all: devices, and accounts by their `idKey`.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    names: Mutex<HashSet<String>>,
    freed: Notify,
}

/// One of them; free again when dropped.
pub(super) struct Taken {
    under_way: UnderWay,
    name: String,
}

impl UnderWay {
    /// `None` where somebody else is at it.
    pub(super) fn take(&self, name: &str) -> Option<Taken> {
        let is_free = self.lock().insert(name.to_owned());
        is_free.then(|| Taken { under_way: self.clone(), name: name.to_owned() })
    }

    /// The same as soon as nobody else is at it; `None` where somebody is for long.
    pub(super) async fn take_in_turn(&self, name: &str) -> Option<Taken> {
        let turn = async {
            loop {
                let mut freed = pin!(self.0.freed.notified());
                // Before the look: who is done after it rings.
                freed.as_mut().enable();
                if let Some(taken) = self.take(name) {
                    return taken;
                }
                freed.await;
            }
        };
        timeout(PATIENCE, turn).await.ok()
    }

    /// Every change is one call, so that what a panic left behind is whole.
    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.under_way.lock().remove(&self.name);
        self.under_way.0.freed.notify_waiters();
    }
}
