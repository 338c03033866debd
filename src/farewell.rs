//! Ends connections so that callers who were answered before they had said everything can read the answer.
//!
//! A connection that is closed while bytes of its caller lie unread is reset, and a reset takes the answer with it
//! (RFC 9112, 9.6). So what a server leaves is read out first, within limits.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use tokio::io::{AsyncReadExt, copy, sink};
use tokio::sync::{Semaphore, mpsc};
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
struct Held(mpsc::Sender<Shutdown>);

/// A connection in the hands of somebody who knows better than its server when it is over.
#[derive(Debug)]
pub struct Ending(mpsc::WeakSender<Shutdown>);

impl Farewell {
    /// Callers may go on for `patience` after the server has left them.
    pub fn new(patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(AT_A_TIME)), patience }
    }

    /// Awaits that the server leaves this connection, and ends it; for a server that watches its connections in no other
    /// way.
    pub fn attend(&self, socket: &dyn Any, data: &mut Extensions) {
        let Some(socket) = duplicate(socket) else { return };
        let (held, mut asked) = mpsc::channel(1);
        let farewell = self.clone();
        actix_web::rt::spawn(async move {
            while let Some(half) = asked.recv().await {
                let _ = socket.shutdown(half);
            }
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

impl Ending {
    /// The end of the connection that this request came by, where it is attended.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Held>().map(|held| Self(held.0.downgrade()))
    }

    /// The caller has said its last word: the server waits for no more, and leaves once it has said its own.
    pub fn nothing_more_comes(&self) {
        self.ask(Shutdown::Read);
    }

    /// The caller is given up, with all that it has not read.
    pub fn give_up(&self) {
        self.ask(Shutdown::Both);
    }

    fn ask(&self, half: Shutdown) {
        if let Some(held) = self.0.upgrade() {
            // Whatever was asked before ends it too.
            let _ = held.try_send(half);
        }
    }
}

/// The same connection once more, so that it outlives the server's hold on it.
pub fn duplicate(socket: &dyn Any) -> Option<TcpStream> {
    let socket = socket.downcast_ref::<tokio::net::TcpStream>()?;
    socket.as_fd().try_clone_to_owned().ok().map(TcpStream::from)
}
