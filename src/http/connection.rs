//! Ends connections whose next request never comes whole, or whose answer is never read.
//!
//! The server's own timers watch the first head of a connection and idle connections; between them a caller could send
//! half a second head and stay for ever. Where many are open, those that have waited longest for a request go before their
//! time: a server takes only so many, and whoever comes then would wait until one of them ends.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::limits::Limits;
use crate::farewell::{Farewell, duplicate};

/// One caller's connection; it lives as long as the server keeps it.
#[derive(Clone)]
pub(super) struct Connection(Arc<watch::Sender<bool>>);

/// Watches the connections of one server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lookout {
    patience: Duration,
    farewell: Farewell,
    crowd: Arc<Crowd>,
}

/// Those who are there.
struct Crowd {
    open: AtomicUsize,
    idle: AtomicUsize,
    /// How many may be open before those that are idle go.
    most: usize,
    /// Told for each that has to go; whoever has waited longest hears it first.
    room: Notify,
}

/// Counted while it is held.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn among(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// Says whether a request is running.
    pub(super) fn busy(&self, busy: bool) {
        self.0.send_replace(busy);
    }
}

impl Lookout {
    pub(super) fn new(limits: &Limits) -> Self {
        let (open, idle, room) = (AtomicUsize::new(0), AtomicUsize::new(0), Notify::new());
        // A quarter stays free for those who come while others are on their way out.
        let most = limits.connections.saturating_mul(limits.workers) / 4 * 3;
        Self {
            patience: limits.keep_alive + limits.request_within,
            farewell: Farewell::new(limits.disconnect_within),
            crowd: Arc::new(Crowd { open, idle, most, room }),
        }
    }

    /// Watches a new connection: it may be without a running request for a while at a time. Then, where others need its
    /// place, or once the server has left it, it ends with a farewell.
    pub(super) fn watch(&self, socket: &dyn Any, data: &mut Extensions) {
        let Some(socket) = duplicate(socket) else { return };
        let (busy, changes) = watch::channel(false);
        let Self { patience, farewell, crowd } = self.clone();
        actix_web::rt::spawn(async move {
            {
                let _open = Counted::among(&crowd.open);
                crowd.make_room();
                crowd.until_left_or_idle(&socket, changes, patience).await;
            }
            farewell.end(socket).await;
        });
        data.insert(Connection(Arc::new(busy)));
    }
}

impl Crowd {
    /// Has the one go that has waited longest, where there are too many.
    fn make_room(&self) {
        if self.open.load(Ordering::Relaxed) > self.most && self.idle.load(Ordering::Relaxed) > 0 {
            self.room.notify_one();
        }
    }

    async fn until_left_or_idle(
        &self,
        socket: &TcpStream,
        mut changes: watch::Receiver<bool>,
        patience: Duration,
    ) {
        loop {
            let busy = *changes.borrow_and_update();
            let change = match busy {
                true => Some(changes.changed().await),
                false => {
                    let _idle = Counted::among(&self.idle);
                    tokio::select! {
                        change = timeout(patience, changes.changed()) => change.ok(),
                        () = self.room.notified() => None,
                    }
                }
            };
            match change {
                Some(Ok(())) => {}
                Some(Err(_)) => return,
                None => {
                    let _ = socket.shutdown(Shutdown::Both);
                    return;
                }
            }
        }
    }
}
