//! What is kept in the queue, and for whom: callers may leave it, and come in any number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use endo::store::{Account, Store, StoreError, Transaction};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::unconstrained;

use super::{device, fresh, timed};

/// How many may wait.
const QUEUE: usize = 4096;

type Written = BoxFuture<'static, Result<(), StoreError>>;

/// A write that waits in the queue from now on.
fn waiting<F>(store: &Store, account: Account, change: F) -> Written
where
    F: FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static,
{
    let store = store.clone();
    // Else Tokio lets only so many into the queue at once.
    let mut write = unconstrained(async move { store.write_for(account, change).await }).boxed();
    assert!(write.as_mut().now_or_never().is_none());
    write
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_done_unless_it_is_the_gateways_own() {
    let (_directory, store) = fresh();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let gate = waiting(&store, Account::Own, move |_| wait.recv().map_err(|_| StoreError::Closed));
    let done = Arc::new(Mutex::new(Vec::new()));
    for (account, name) in [(device("hasty"), "hasty"), (Account::Nobody, "nobody's"), (Account::Own, "own")]
    {
        let done = Arc::clone(&done);
        drop(waiting(&store, account, move |_| {
            done.lock().unwrap().push(name);
            Ok(())
        }));
    }
    go.send(()).unwrap();
    gate.await.unwrap();
    store.write(|_: &Transaction<'_>| Ok::<_, StoreError>(())).await.unwrap();
    assert_eq!(*done.lock().unwrap(), ["own"]);
    assert_eq!(Arc::strong_count(&done), 1, "nothing is kept of it");
}

/// A store in which each write that is held up takes 20 milliseconds.
struct Held {
    _directory: TempDir,
    store: Store,
    passed: Arc<AtomicU64>,
}

impl Held {
    fn open() -> Self {
        let (directory, store, passed) = timed();
        Self { _directory: directory, store, passed }
    }

    /// A write that begins when it tells so, and ends when it is told to.
    fn up(&self, account: Account) -> (Written, oneshot::Receiver<()>, std::sync::mpsc::Sender<()>) {
        let ((go, wait), (begin, begun)) = (std::sync::mpsc::channel::<()>(), oneshot::channel());
        let passed = Arc::clone(&self.passed);
        let write = waiting(&self.store, account, move |_| {
            let _ = begin.send(());
            passed.fetch_add(20, Ordering::SeqCst);
            wait.recv().map_err(|_| StoreError::Closed)
        });
        (write, begun, go)
    }
}

#[tokio::test]
async fn who_does_little_has_a_turn_however_many_writes_another_has_waiting() {
    let held = Held::open();
    let order = Arc::new(Mutex::new(Vec::new()));
    let write = |name: &'static str| {
        let order = Arc::clone(&order);
        waiting(&held.store, device(name), move |_| {
            order.lock().unwrap().push(name);
            Ok(())
        })
    };
    let (first, begun, end_first) = held.up(Account::Own);
    begun.await.unwrap();
    let (second, begun, end_second) = held.up(device("greedy"));
    let mut many: Vec<_> = (1..QUEUE).map(|_| write("greedy")).collect();
    end_first.send(()).unwrap();
    begun.await.unwrap();
    many.extend((0..10).map(|_| write("greedy")));
    let quick = write("quick");
    end_second.send(()).unwrap();
    assert!(join_all([first, second, quick]).await.iter().all(Result::is_ok));
    let many = join_all(many).await;
    let refused = many.iter().filter(|write| matches!(write, Err(StoreError::Crowded))).count();
    assert_eq!((refused, many.iter().filter(|write| write.is_ok()).count()), (10, QUEUE - 1));
    let turn = order.lock().unwrap().iter().position(|name| *name == "quick");
    assert!(turn <= Some(1), "{turn:?}");
}
