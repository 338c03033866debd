//! Ends connections so that callers who were answered before they had said everything can read the answer.
//!
//! A connection that is closed while bytes of its caller lie unread is reset, and a reset takes the answer with it
//! (RFC 9112, 9.6). So what a server leaves is read out first, within limits.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, copy, sink};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Connections of one listener that are read out at a time; others end at once. They are no longer counted by the server.
const AT_A_TIME: usize = 64;

/// What is read of one caller who does not end.
const MOST_BYTES: u64 = 8 << 20;

/// How the connections of one listener end.
#[derive(Clone, Debug)]
pub(super) struct Farewell {
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Farewell {
    /// Callers may go on for `patience` after the server has left them.
    pub(super) fn new(patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(AT_A_TIME)), patience }
    }

    /// Ends a connection that the server has left: nothing more is said, what still comes is read and thrown away.
    pub(super) async fn end(&self, socket: TcpStream) {
        let Ok(_place) = self.places.try_acquire() else { return };
        // Who waits for the end of the answer before it ends itself has to see it now.
        let _ = socket.shutdown(Shutdown::Write);
        if let Ok(socket) = tokio::net::TcpStream::from_std(socket) {
            let _ = timeout(self.patience, copy(&mut socket.take(MOST_BYTES), &mut sink())).await;
        }
    }
}

/// The same connection once more, so that it outlives the server's hold on it.
pub(super) fn duplicate(socket: &dyn Any) -> Option<TcpStream> {
    let socket = socket.downcast_ref::<tokio::net::TcpStream>()?;
    socket.as_fd().try_clone_to_owned().ok().map(TcpStream::from)
}
