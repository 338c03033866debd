//! Ends connections whose next request never comes whole, or whose answer is never read.
//!
//! The server's own timers watch the first head of a connection and idle connections; between them a caller could send
//! half a second head and stay for ever. Where many are open, those that have waited longest for a request go before their
//! time.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::sync::watch;
use tokio::time::timeout;

use super::attendance::{Attended, Now, Occupation};
use super::crowd::{Crowd, Waiting};
use super::farewell::{Farewell, duplicate};
use super::hanging_up::report_hanging_up;
use super::taking::stopped_taking;
use super::terms::Terms;

type Changed = Result<(), watch::error::RecvError>;

/// Watches the connections of one server. Cheap to clone.
#[derive(Clone)]
pub struct Lookout {
    patience: Duration,
    farewell: Farewell,
    crowd: Crowd,
}

impl Lookout {
    /// For a server on these terms. A connection may be without a whole request for as long as an idle one is kept and a
    /// request takes to come, where others do not need its place.
    pub fn new(terms: &Terms) -> Self {
        Self {
            patience: terms.keep_alive + terms.request_within,
            farewell: Farewell::new(terms.disconnect_within),
            crowd: Crowd::new(terms.connections.saturating_mul(terms.workers)),
        }
    }

    /// Watches a new connection until the server has left it or it has to go; then it ends with a farewell.
    pub fn watch(&self, socket: &dyn Any, data: &mut Extensions) {
        let Some(socket) = duplicate(socket) else { return };
        let (attended, changes) = Attended::begin();
        let (lookout, waiting) = (self.clone(), self.crowd.wait());
        let connection = attended.connection();
        actix_web::rt::spawn(async move {
            let (asked, ended) = (changes.clone(), connection.clone());
            tokio::select! {
                () = lookout.until_left(&socket, changes, waiting) => (),
                never = report_hanging_up(&socket, asked, connection) => match never {},
            }
            // Nobody looks at it any more, and its caller is told nothing more.
            ended.hangs_up();
            lookout.farewell.end(socket).await;
        });
        data.insert(attended);
    }

    async fn until_left(&self, socket: &TcpStream, mut changes: watch::Receiver<Now>, first: Waiting) {
        let mut first = Some(first);
        loop {
            let now = *changes.borrow_and_update();
            if let Some(half) = now.over {
                let _ = socket.shutdown(half);
            }
            let changed = match now.occupation() {
                Occupation::Waiting => {
                    let waiting = first.take().unwrap_or_else(|| self.crowd.wait());
                    self.patiently(&mut changes, waiting).await
                }
                busy => {
                    first = None;
                    let _busy = self.crowd.work();
                    self.at_work(socket, &mut changes, busy).await
                }
            };
            let Some(changed) = changed else {
                let _ = socket.shutdown(Shutdown::Both);
                return;
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// The next change of one who is busy; none where its answer is there and is not read. A slow reader shows itself more
    /// seldom than it reads, so it is given more time than one who says nothing.
    async fn at_work(
        &self,
        socket: &TcpStream,
        changes: &mut watch::Receiver<Now>,
        busy: Occupation,
    ) -> Option<Changed> {
        tokio::select! {
            biased;
            changed = changes.changed() => Some(changed),
            () = stopped_taking(socket, self.patience * 2), if busy == Occupation::Writing => None,
        }
    }

    /// The next change of one who waits; none where it comes too late.
    async fn patiently(&self, changes: &mut watch::Receiver<Now>, mut waiting: Waiting) -> Option<Changed> {
        tokio::select! {
            biased;
            changed = timeout(self.patience, changes.changed()) => changed.ok(),
            () = waiting.has_to_go() => None,
        }
    }
}
