//! Connections that only read, each lent to one reader at a time.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{StoreError, View};

/// A bounded set of reading connections.
#[derive(Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let turns = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), turns }
    }

    /// Runs `look` on a thread where it may block, with a connection of its own.
    pub(super) async fn read<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let idle = Arc::clone(&self.idle);
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            look_through(&idle, look)
        });
        task.await.unwrap_or_else(|broken| Err(unanswered(&broken).into()))
    }

    /// Runs `look` where the caller is if a connection is free, else as [`Readers::read`] does.
    pub(super) async fn glance<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    {
        if let Ok(_turn) = self.turns.try_acquire() {
            return look_through(&self.idle, look);
        }
        self.read(look).await
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn look_through<T, E: From<StoreError>>(
    idle: &Arc<Mutex<Vec<Connection>>>,
    look: impl FnOnce(&View<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let connection = take(idle).ok_or(StoreError::Closed)?;
    let lent = Lent { connection: Some(connection), home: Arc::clone(idle) };
    let connection = lent.connection.as_ref().ok_or(StoreError::Closed)?;
    connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([])).map_err(StoreError::from)?;
    look(&View::of_reader(connection))
}

fn take(idle: &Mutex<Vec<Connection>>) -> Option<Connection> {
    idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// A blocking task breaks off when it panics, or when the runtime shuts down before its turn.
fn unanswered(broken: &tokio::task::JoinError) -> StoreError {
    if broken.is_panic() { StoreError::Panicked } else { StoreError::Closed }
}

/// Ends the reader's transaction and gives the connection back, also when the reader panics.
struct Lent {
    connection: Option<Connection>,
    home: Arc<Mutex<Vec<Connection>>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Fails only where none is open; then there is nothing to end.
            let _ = connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
            self.home.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
