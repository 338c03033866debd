//! Connections that only read, each lent to one reader at a time; whoever waits for one has their turn as those who write.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::accounts::{Account, Accounts};
use crate::ambient::Stopwatch;
use crate::store::{StoreError, View};

/// A bounded set of reading connections.
pub(in crate::store) struct Readers(Arc<Desk>);

struct Desk {
    lending: Mutex<Lending>,
    /// How many of one account wait at most; the gateway's own are not counted.
    most: usize,
    stopwatch: Stopwatch,
}

/// Nobody waits while a connection is idle.
struct Lending {
    idle: Vec<Connection>,
    waiting: Accounts<oneshot::Sender<Lent>>,
}

impl Readers {
    pub(in crate::store) fn new(connections: Vec<Connection>, most: usize, stopwatch: Stopwatch) -> Self {
        let lending = Mutex::new(Lending { idle: connections, waiting: Accounts::new() });
        Self(Arc::new(Desk { lending, most, stopwatch }))
    }

    /// Runs `look` on a thread where it may block, with a connection of its own. Its time is taken on `account`.
    pub(in crate::store) async fn read<T, E, F>(&self, account: Account, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        let lent = self.0.turn(account)?.await.map_err(|_| StoreError::Closed)?;
        look_elsewhere(lent, look).await
    }

    /// Runs `look` where the caller is if a connection is free, else as [`Readers::read`] does. Its time is the gateway's.
    pub(in crate::store) async fn glance<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        let mut turn = self.0.turn(Account::Own)?;
        match turn.try_recv() {
            Ok(lent) => look_through(lent, look),
            Err(TryRecvError::Closed) => Err(StoreError::Closed.into()),
            Err(TryRecvError::Empty) => {
                look_elsewhere(turn.await.map_err(|_| StoreError::Closed)?, look).await
            }
        }
    }

    /// Closes the connections that nobody uses.
    pub(in crate::store) fn close(&self) {
        self.0.lending().idle.clear();
    }
}

impl Desk {
    /// Brings a connection when it is the account's turn. Whoever gives up before lets go of it, or of the place.
    fn turn(self: &Arc<Self>, account: Account) -> Result<oneshot::Receiver<Lent>, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let idle = {
            let mut lending = self.lending();
            if lending.waiting.of(&account) >= self.most {
                lending.waiting.retain(|waiting| !waiting.is_closed());
                if lending.waiting.of(&account) >= self.most {
                    return Err(StoreError::Crowded);
                }
            }
            lending.waiting.wait(account, sender);
            lending.idle.pop()
        };
        if let Some(connection) = idle {
            self.lend(connection);
        }
        Ok(receiver)
    }

    /// Hands a connection to whoever is next.
    fn lend(self: &Arc<Self>, mut connection: Connection) {
        loop {
            let mut lending = self.lending();
            let Some((account, waiting)) = lending.waiting.next() else {
                lending.idle.push(connection);
                return;
            };
            drop(lending);
            let lent = Lent { connection: Some(connection), account, begun: None, home: Arc::clone(self) };
            let Err(mut refused) = waiting.send(lent) else { return };
            let Some(back) = refused.connection.take() else { return };
            self.lending().waiting.took(refused.account.clone(), Duration::ZERO);
            connection = back;
        }
    }

    fn lending(&self) -> MutexGuard<'_, Lending> {
        self.lending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_elsewhere<T, E>(
    lent: Lent,
    look: impl FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let task = tokio::task::spawn_blocking(move || look_through(lent, look));
    task.await.unwrap_or_else(|broken| Err(StoreError::of_task(&broken).into()))
}

fn look_through<T, E: From<StoreError>>(
    mut lent: Lent,
    look: impl FnOnce(&View<'_>) -> Result<T, E>,
) -> Result<T, E> {
    lent.begun = Some(lent.home.stopwatch.passed());
    let connection = lent.connection.as_ref().ok_or(StoreError::Closed)?;
    connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([])).map_err(StoreError::from)?;
    look(&View::of_reader(connection))
}

/// A connection in somebody's hands. Ends the reader's transaction and gives the connection back, also when the reader
/// panics.
struct Lent {
    connection: Option<Connection>,
    account: Account,
    begun: Option<Duration>,
    home: Arc<Desk>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let passed = self.home.stopwatch.passed();
            if self.begun.is_some() {
                // Fails only where none is open; then there is nothing to end.
                let _ = connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
            }
            let time = passed.saturating_sub(self.begun.unwrap_or(passed));
            self.home.lending().waiting.took(self.account.clone(), time);
            self.home.lend(connection);
        }
    }
}
