//! Ends connections whose next request never comes whole, or whose answer is never read.
//!
//! The server's own timers watch the first head of a connection and idle connections; between them a caller could send
//! half a second head and stay for ever.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::farewell::{Farewell, duplicate};

/// One caller's connection; it lives as long as the server keeps it.
#[derive(Clone)]
pub(super) struct Connection(Arc<watch::Sender<bool>>);

impl Connection {
    /// Watches a new connection: it may be without a running request for `patience` at a time. Then, or once the server
    /// has left it, it ends by `farewell`.
    pub(super) fn watch(socket: &dyn Any, data: &mut Extensions, patience: Duration, farewell: &Farewell) {
        let Some(socket) = duplicate(socket) else { return };
        let (busy, changes) = watch::channel(false);
        let farewell = farewell.clone();
        actix_web::rt::spawn(async move {
            until_left_or_idle(&socket, changes, patience).await;
            farewell.end(socket).await;
        });
        data.insert(Self(Arc::new(busy)));
    }

    /// Says whether a request is running.
    pub(super) fn busy(&self, busy: bool) {
        self.0.send_replace(busy);
    }
}

async fn until_left_or_idle(socket: &TcpStream, mut changes: watch::Receiver<bool>, patience: Duration) {
    loop {
        let busy = *changes.borrow_and_update();
        let change = match busy {
            true => Ok(changes.changed().await),
            false => timeout(patience, changes.changed()).await,
        };
        match change {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                let _ = socket.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}
