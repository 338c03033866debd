//! The one writer: takes what waits, puts it into one commit, and answers when that is on disk.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::device_cache::DeviceCache;
use super::{StoreError, Transaction};

/// How many writes may wait before callers wait to hand in theirs.
const QUEUE: usize = 4096;
/// How many writes share one commit at most.
const GROUP: usize = 512;

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Write = Box<dyn FnOnce(&Transaction<'_>) -> Written + Send>;

/// A write that ran: whether its changes are wanted, and who waits for the commit.
pub(super) struct Written {
    keep: bool,
    answer: Answer,
}

/// The callers' end of the queue to the writer.
#[derive(Clone)]
pub(super) struct WriteQueue(mpsc::Sender<Write>);

impl WriteQueue {
    /// Runs `change` in a transaction and answers what it returned, after the commit.
    pub(super) async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let write: Write = Box::new(move |transaction| {
            let result = change(transaction);
            Written {
                keep: result.is_ok(),
                answer: Box::new(move |committed: Result<(), StoreError>| {
                    let answer = result.and_then(|value| committed.map(|()| value).map_err(E::from));
                    // Nobody listens any more where the caller was cancelled; the commit stands.
                    let _ = sender.send(answer);
                }),
            }
        });
        self.0.send(write).await.map_err(|_| StoreError::Closed)?;
        receiver.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }
}

/// Starts the writer on a thread of its own. It ends when the last [`WriteQueue`] is dropped.
pub(super) fn start(
    connection: Connection,
    cache_bytes: usize,
) -> std::io::Result<(WriteQueue, std::thread::JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
        let cache = RefCell::new(DeviceCache::new(cache_bytes));
        Writer { connection: &connection, cache: &cache }.run(receiver);
    })?;
    Ok((WriteQueue(sender), thread))
}

struct Writer<'c> {
    connection: &'c Connection,
    cache: &'c RefCell<DeviceCache>,
}

impl Writer<'_> {
    fn run(&self, mut queue: mpsc::Receiver<Write>) {
        while let Some(first) = queue.blocking_recv() {
            self.commit_group(first, &mut queue);
        }
    }

    fn commit_group(&self, first: Write, queue: &mut mpsc::Receiver<Write>) {
        let mut waiting = Vec::new();
        let mut hooks = Vec::new();
        let mut outcome = self.execute("BEGIN IMMEDIATE");
        let mut next = Some(first);
        while let Some(write) = next {
            if outcome.is_ok() {
                outcome = self.apply(write, &mut waiting, &mut hooks);
            }
            next = if waiting.len() < GROUP { queue.try_recv().ok() } else { None };
        }
        let outcome = outcome.and_then(|()| self.execute("COMMIT"));
        if outcome.is_err() {
            // Fails where SQLite has rolled back by itself already.
            let _ = self.execute("ROLLBACK");
            self.cache.borrow_mut().clear();
        } else {
            hooks.into_iter().for_each(|hook: Box<dyn FnOnce() + Send>| hook());
        }
        waiting.into_iter().for_each(|answer: Answer| answer(outcome.clone()));
    }

    /// Runs one write inside its own savepoint; what it does not want to keep is undone alone.
    fn apply(
        &self,
        write: Write,
        waiting: &mut Vec<Answer>,
        hooks: &mut Vec<Box<dyn FnOnce() + Send>>,
    ) -> Result<(), StoreError> {
        self.execute("SAVEPOINT one")?;
        let transaction = Transaction::new(self.connection, self.cache);
        // A write that panics must not take the others of its group along.
        match catch_unwind(AssertUnwindSafe(|| write(&transaction))) {
            Ok(Written { keep: true, answer }) => {
                hooks.extend(transaction.kept());
                waiting.push(answer);
                self.execute("RELEASE one")
            }
            refused => {
                transaction.undone();
                if let Ok(Written { answer, .. }) = refused {
                    waiting.push(answer);
                }
                self.execute("ROLLBACK TO one").and_then(|()| self.execute("RELEASE one"))
            }
        }
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
