//! Who reads much, or searches slowly, keeps nobody else from reading or searching.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use endo::store::{Account, Store, StoreError, View};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use tempfile::TempDir;

use super::{device, timed};
use crate::support::store::open;

/// As many searches of one account wait.
const SEARCHES: usize = 4096;

/// Keeps a connection until it is told to go on.
fn until_told(wait: Receiver<()>) -> impl FnOnce(&View<'_>) -> Result<(), StoreError> + Send {
    move |_| wait.recv().map_err(|_| StoreError::Closed)
}

async fn tell(go: Sender<()>) -> Result<(), StoreError> {
    go.send(()).map_err(|_| StoreError::Closed)
}

/// What was read, in its order; each took twenty milliseconds.
struct Log {
    _directory: TempDir,
    store: Store,
    passed: Arc<AtomicU64>,
    order: Arc<Mutex<Vec<&'static str>>>,
}

impl Log {
    fn open() -> Self {
        let (directory, store, passed) = timed();
        Self { _directory: directory, store, passed, order: Arc::default() }
    }

    fn look(&self, name: &'static str) -> impl FnOnce(&View<'_>) -> Result<(), StoreError> + Send + 'static {
        let (order, passed) = (Arc::clone(&self.order), Arc::clone(&self.passed));
        move |_| {
            order.lock().unwrap().push(name);
            passed.fetch_add(20, Ordering::SeqCst);
            Ok(())
        }
    }

    fn shows(&self, expected: &[&str]) {
        assert_eq!(*self.order.lock().unwrap(), expected);
    }
}

async fn all(steps: Vec<BoxFuture<'_, Result<(), StoreError>>>) {
    assert!(join_all(steps).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn who_has_many_searches_waiting_keeps_nobody_from_a_turn() {
    let log = Log::open();
    let (go, wait) = channel();
    let search = |account: Account, name| log.store.search_for(account, log.look(name)).boxed();
    let steps = vec![
        log.store.search(until_told(wait)).boxed(),
        search(device("greedy"), "greedy 1"),
        search(device("greedy"), "greedy 2"),
        search(device("greedy"), "greedy 3"),
        search(device("other"), "other"),
        search(Account::Own, "own"),
        tell(go).boxed(),
    ];
    all(steps).await;
    log.shows(&["own", "greedy 1", "other", "greedy 2", "greedy 3"]);
}

#[tokio::test]
async fn who_has_many_reads_waiting_keeps_nobody_from_a_turn() {
    let log = Log::open();
    let ((go, wait), (last, rest)) = (channel(), channel());
    let read = |account: Account, name| log.store.read_for(account, log.look(name)).boxed();
    let steps = vec![
        log.store.read(until_told(wait)).boxed(),
        read(Account::Nobody, "nobody 1"),
        read(Account::Nobody, "nobody 2"),
        read(Account::Nobody, "nobody 3"),
        read(device("other"), "other"),
        log.store.glance(log.look("own")).boxed(),
        tell(go).boxed(),
    ];
    let reads = async {
        all(steps).await;
        tell(last).await
    };
    let (held, told) = tokio::join!(log.store.read(until_told(rest)), reads);
    assert!(held.is_ok() && told.is_ok());
    log.shows(&["own", "nobody 1", "other", "nobody 2", "nobody 3"]);
}

#[tokio::test]
async fn one_account_has_so_many_searches_waiting_and_what_is_given_up_waits_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (go, wait) = channel();
    let search = |uuid| store.search_for(device(uuid), |_: &View<'_>| Ok::<_, StoreError>(()));
    let full = async {
        for _ in 0..SEARCHES {
            assert!(search("greedy").now_or_never().is_none());
        }
        let mut waiting: Vec<_> = (0..SEARCHES).map(|_| search("greedy").boxed()).collect();
        for search in &mut waiting {
            assert!(futures_util::poll!(search).is_pending());
        }
        assert!(matches!(search("greedy").now_or_never(), Some(Err(StoreError::Crowded))));
        assert!(search("other").now_or_never().is_none());
        tell(go).await.unwrap();
        all(waiting).await;
        search("greedy").await
    };
    let (held, done) = tokio::join!(store.search(until_told(wait)), full);
    assert!(held.is_ok() && done.is_ok());
}
