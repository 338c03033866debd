//! Who writes much, or slowly, keeps nobody else from writing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use endo::ambient::Stopwatch;
use endo::store::{Account, Store, StoreError, Transaction};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use tempfile::TempDir;

use crate::support::store::open_by;

type Change = Box<dyn FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send>;

/// A store, and the milliseconds that have passed since it was opened.
fn timed() -> (TempDir, Store, Arc<AtomicU64>) {
    let directory = tempfile::tempdir().unwrap();
    let passed = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&passed);
    let stopwatch = Stopwatch::from_fn(move || Duration::from_millis(told.load(Ordering::SeqCst)));
    let store = open_by(directory.path(), None, stopwatch).unwrap();
    (directory, store, passed)
}

/// Runs writes that all wait in the queue before the first of them is looked at.
async fn waiting(store: &Store, changes: Vec<(Account, Change)>) {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let gate = move |_: &Transaction<'_>| wait.recv().map_err(|_| StoreError::Closed);
    let mut steps: Vec<BoxFuture<'_, Result<(), StoreError>>> = vec![store.write(gate).boxed()];
    steps.extend(changes.into_iter().map(|(account, change)| store.write_for(account, change).boxed()));
    steps.push(async move { go.send(()).map_err(|_| StoreError::Closed) }.boxed());
    assert!(join_all(steps).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn who_was_served_at_length_lets_the_others_go_first() {
    let (_directory, store, passed) = timed();
    let order = Arc::new(Mutex::new(Vec::new()));
    let writes = |account: Account, name: &'static str, takes: u64| {
        let (order, passed) = (Arc::clone(&order), Arc::clone(&passed));
        let change: Change = Box::new(move |_| {
            order.lock().unwrap().push(name);
            passed.fetch_add(takes, Ordering::SeqCst);
            Ok(())
        });
        (account, change)
    };
    let device = |uuid: &str| Account::Of(uuid.into());
    let changes = vec![
        writes(device("greedy"), "greedy 1", 20),
        writes(device("greedy"), "greedy 2", 20),
        writes(device("greedy"), "greedy 3", 20),
        writes(Account::Nobody, "nobody 1", 15),
        writes(Account::Nobody, "nobody 2", 15),
        writes(device("quick"), "quick 1", 5),
        writes(device("quick"), "quick 2", 5),
        writes(Account::Own, "own 1", 90),
        writes(Account::Own, "own 2", 90),
    ];
    waiting(&store, changes).await;
    let expected =
        ["greedy 1", "nobody 1", "quick 1", "quick 2", "own 1", "own 2", "nobody 2", "greedy 2", "greedy 3"];
    assert_eq!(*order.lock().unwrap(), expected);
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
