//! Ends connections so that callers who were answered before they had said everything can read the answer.
//!
//! A connection that is closed while bytes of its caller lie unread is reset, and a reset takes the answer with it
//! (RFC 9112, 9.6). So what a server leaves is read out first, within limits.

use std::any::Any;
use std::convert::Infallible;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::io::{AsyncReadExt, copy, sink};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// Connections of one listener that are read out at a time; others end at once. They are no longer counted by the server.
const AT_A_TIME: usize = 64;

/// What is read of one caller who does not end.
const MOST_BYTES: u64 = 8 << 20;

/// How the connections of one listener end.
#[derive(Clone, Debug)]
pub struct Farewell {
    places: Arc<Semaphore>,
    patience: Duration,
}

/// The server's side of a connection; gone once the server has left it.
struct Held(#[expect(dead_code, reason = "that it is dropped is what it tells")] oneshot::Sender<Infallible>);

impl Farewell {
    /// Callers may go on for `patience` after the server has left them.
    pub fn new(patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(AT_A_TIME)), patience }
    }

    /// Awaits that the server leaves this connection, and ends it; for a server that watches its connections in no other
    /// way.
    pub fn attend(&self, socket: &dyn Any, data: &mut Extensions) {
        let Some(socket) = duplicate(socket) else { return };
        let (held, left) = oneshot::channel();
        let farewell = self.clone();
        actix_web::rt::spawn(async move {
            // Nothing is ever sent.
            let _ = left.await;
            farewell.end(socket).await;
        });
        data.insert(Held(held));
    }

    /// Ends a connection that the server has left: nothing more is said, what still comes is read and thrown away.
    pub async fn end(&self, socket: TcpStream) {
        let Ok(_place) = self.places.try_acquire() else { return };
        // Who waits for the end of the answer before it ends itself has to see it now.
        let _ = socket.shutdown(Shutdown::Write);
        if let Ok(socket) = tokio::net::TcpStream::from_std(socket) {
            let _ = timeout(self.patience, copy(&mut socket.take(MOST_BYTES), &mut sink())).await;
        }
    }
}

/// The same connection once more, so that it outlives the server's hold on it.
pub fn duplicate(socket: &dyn Any) -> Option<TcpStream> {
    let socket = socket.downcast_ref::<tokio::net::TcpStream>()?;
    socket.as_fd().try_clone_to_owned().ok().map(TcpStream::from)
}
