//! Ends connections whose next request never comes whole, or whose answer is never read.
//!
//! The server's own timers watch the first head of a connection and idle connections; between them a caller could send
//! half a second head and stay for ever.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::sync::watch;
use tokio::time::timeout;

/// One caller's connection; it lives as long as the server keeps it.
#[derive(Clone)]
pub(super) struct Connection(Arc<Watched>);

struct Watched {
    socket: TcpStream,
    busy: watch::Sender<bool>,
}

impl Connection {
    /// Watches a new connection: it may be without a running request for `patience` at a time.
    pub(super) fn watch(socket: &dyn Any, data: &mut Extensions, patience: Duration) {
        let duplicate = |socket: &tokio::net::TcpStream| socket.as_fd().try_clone_to_owned().ok();
        let Some(socket) = socket.downcast_ref().and_then(duplicate) else { return };
        let (busy, changes) = watch::channel(false);
        let watched = Arc::new(Watched { socket: socket.into(), busy });
        actix_web::rt::spawn(end_when_idle(Arc::downgrade(&watched), changes, patience));
        data.insert(Self(watched));
    }

    /// Says whether a request is running.
    pub(super) fn busy(&self, busy: bool) {
        self.0.busy.send_replace(busy);
    }
}

async fn end_when_idle(watched: Weak<Watched>, mut changes: watch::Receiver<bool>, patience: Duration) {
    loop {
        let busy = *changes.borrow_and_update();
        let change = match busy {
            true => Ok(changes.changed().await),
            false => timeout(patience, changes.changed()).await,
        };
        match (change, watched.upgrade()) {
            (Ok(_), Some(_)) => {}
            (Err(_), Some(watched)) => {
                let _ = watched.socket.shutdown(Shutdown::Both);
                return;
            }
            (_, None) => return,
        }
    }
}
