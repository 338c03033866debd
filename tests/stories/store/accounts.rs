//! Who writes much, or slowly, keeps nobody else from writing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use endo::store::{Account, Store, StoreError, Transaction};
use futures_util::future::{BoxFuture, FutureExt, join_all};

use super::{device, timed};

type Change = Box<dyn FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send>;

/// Runs writes that all wait in the queue before the first of them is looked at.
async fn waiting(store: &Store, changes: Vec<(Account, Change)>) {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let gate = move |_: &Transaction<'_>| wait.recv().map_err(|_| StoreError::Closed);
    let (held, rest) = tokio::join!(store.write(gate), behind(store, changes, go));
    held.unwrap();
    rest
}

/// Runs writes that wait in the queue when that one goes on which waits for `go`.
async fn behind(store: &Store, changes: Vec<(Account, Change)>, go: Sender<()>) {
    let write = |(account, change)| store.write_for(account, change).boxed();
    let mut steps: Vec<BoxFuture<'_, Result<(), StoreError>>> = changes.into_iter().map(write).collect();
    steps.push(async move { go.send(()).map_err(|_| StoreError::Closed) }.boxed());
    assert!(join_all(steps).await.iter().all(Result::is_ok));
}

/// What was written, in its order, and what writes it.
struct Log {
    order: Arc<Mutex<Vec<&'static str>>>,
    passed: Arc<AtomicU64>,
}

impl Log {
    fn new(passed: Arc<AtomicU64>) -> Self {
        Self { order: Arc::default(), passed }
    }

    /// A write of `device` that takes so many milliseconds.
    fn write(&self, account: &Account, name: &'static str, takes: u64) -> (Account, Change) {
        let (order, passed) = (Arc::clone(&self.order), Arc::clone(&self.passed));
        let change: Change = Box::new(move |_| {
            order.lock().unwrap().push(name);
            passed.fetch_add(takes, Ordering::SeqCst);
            Ok(())
        });
        (account.clone(), change)
    }

    fn shows(&self, expected: &[&str]) {
        assert_eq!(*self.order.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn who_was_served_at_length_lets_the_others_go_first() {
    let (_directory, store, passed) = timed();
    let log = Log::new(passed);
    let (greedy, quick) = (device("greedy"), device("quick"));
    let changes = vec![
        log.write(&greedy, "greedy 1", 20),
        log.write(&greedy, "greedy 2", 20),
        log.write(&greedy, "greedy 3", 20),
        log.write(&Account::Nobody, "nobody 1", 15),
        log.write(&Account::Nobody, "nobody 2", 15),
        log.write(&quick, "quick 1", 5),
        log.write(&quick, "quick 2", 5),
    ];
    waiting(&store, changes).await;
    log.shows(&["greedy 1", "nobody 1", "quick 1", "quick 2", "nobody 2", "greedy 2", "greedy 3"]);
}

#[tokio::test]
async fn the_gateway_itself_has_as_much_time_as_all_the_others_together() {
    let (_directory, store, passed) = timed();
    let log = Log::new(passed);
    let changes = vec![
        log.write(&device("one"), "one 1", 20),
        log.write(&device("one"), "one 2", 20),
        log.write(&device("other"), "other 1", 20),
        log.write(&device("other"), "other 2", 20),
        log.write(&Account::Own, "own 1", 30),
        log.write(&Account::Own, "own 2", 30),
        log.write(&Account::Own, "own 3", 30),
    ];
    waiting(&store, changes).await;
    log.shows(&["own 1", "one 1", "other 1", "own 2", "one 2", "own 3", "other 2"]);
}

#[tokio::test]
async fn who_comes_anew_goes_before_nobody_who_has_written_for_long() {
    let (_directory, store, passed) = timed();
    let log = Log::new(passed);
    let (old, busy, fresh) = (device("old"), device("busy"), device("fresh"));
    let (reached, is_reached) = tokio::sync::oneshot::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (account, change) = log.write(&busy, "busy 1", 100);
    let holding: Change = Box::new(move |transaction| {
        let _ = reached.send(());
        wait.recv().map_err(|_| StoreError::Closed)?;
        change(transaction)
    });
    let first = vec![
        log.write(&old, "old 1", 100),
        (account, holding),
        log.write(&old, "old 2", 100),
        log.write(&busy, "busy 2", 100),
    ];
    let later = vec![
        log.write(&fresh, "fresh 1", 30),
        log.write(&fresh, "fresh 2", 30),
        log.write(&fresh, "fresh 3", 30),
    ];
    let arrive = async {
        is_reached.await.unwrap();
        behind(&store, later, go).await;
    };
    tokio::join!(waiting(&store, first), arrive);
    log.shows(&["old 1", "busy 1", "old 2", "busy 2", "fresh 1", "fresh 2", "fresh 3"]);
}

#[tokio::test]
async fn a_commit_that_took_long_is_not_shared_with_more() {
    let (_directory, store, passed) = timed();
    let (first, second) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let is_on_disk = Arc::clone(&first);
    let long: Change = Box::new(move |transaction| {
        transaction.after_commit(move || is_on_disk.store(true, Ordering::SeqCst));
        passed.fetch_add(60, Ordering::SeqCst);
        Ok(())
    });
    let seen = Arc::clone(&second);
    let next: Change = Box::new(move |_| {
        seen.store(first.load(Ordering::SeqCst), Ordering::SeqCst);
        Ok(())
    });
    waiting(&store, vec![(Account::Own, long), (Account::Own, next)]).await;
    assert!(second.load(Ordering::SeqCst));
}
