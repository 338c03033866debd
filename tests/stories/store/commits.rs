//! Writes share a commit, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use endo::store::{Store, StoreError, Transaction};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use serde_json::json;

use super::{fresh, has_fact, open, raw, read, uuid, write};

type Change = Box<dyn FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send>;

fn change(change: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static) -> Change {
    Box::new(change)
}

fn remember(name: &'static str) -> Change {
    change(move |transaction| transaction.remember_fact(name, b"x"))
}

/// Runs writes in one commit: they wait in the queue until the first of them lets the writer go on.
async fn together(store: &Store, changes: Vec<Change>) -> Vec<Result<(), StoreError>> {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let gate = change(move |_| wait.recv().map_err(|_| StoreError::Closed));
    let mut steps: Vec<BoxFuture<'_, Result<(), StoreError>>> = vec![store.write(gate).boxed()];
    steps.extend(changes.into_iter().map(|change| store.write(change).boxed()));
    steps.push(async move { go.send(()).map_err(|_| StoreError::Closed) }.boxed());
    let results = join_all(steps).await;
    results[1..results.len() - 1].to_vec()
}

/// Counts how often hooks ran.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicUsize>);

impl Runs {
    fn hook(&self) -> impl FnOnce() + Send + 'static {
        let runs = Arc::clone(&self.0);
        move || {
            runs.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_write_that_fails_or_panics_undoes_only_itself() {
    let (_directory, store) = fresh();
    let results = together(
        &store,
        vec![
            remember("first"),
            change(|transaction| {
                transaction.remember_fact("failed", b"x")?;
                Err(StoreError::TooSlow)
            }),
            change(|transaction| {
                transaction.remember_fact("panicked", b"x")?;
                panic!("a write may panic")
            }),
            remember("last"),
        ],
    )
    .await;
    assert!(matches!(results[..], [Ok(()), Err(StoreError::TooSlow), Err(StoreError::Panicked), Ok(())]));
    assert!(has_fact(&store, "first").await && has_fact(&store, "last").await);
    assert!(!has_fact(&store, "failed").await && !has_fact(&store, "panicked").await);
}

/// A store whose next commit fails once the fact `poison` is among what it holds.
fn poisoned() -> (tempfile::TempDir, Store) {
    let (directory, store) = fresh();
    drop(store);
    raw(directory.path())
        .execute_batch(
            "CREATE TABLE parents (id INTEGER PRIMARY KEY);
             CREATE TABLE children (parent REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER poison AFTER INSERT ON facts WHEN new.name = 'poison'
                 BEGIN INSERT INTO children VALUES (1); END;
             CREATE TRIGGER undo AFTER INSERT ON facts WHEN new.name = 'undo'
                 BEGIN SELECT raise(ROLLBACK, 'all of it'); END;",
        )
        .unwrap();
    let store = open(directory.path());
    (directory, store)
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_everybody_and_leaves_nothing_behind() {
    let (_directory, store) = poisoned();
    let runs = Runs::default();
    let hook = runs.hook();
    let results = together(
        &store,
        vec![
            change(move |transaction| {
                transaction.after_commit(hook);
                transaction.add_device(&uuid("phantom"), &json!({}))?;
                transaction.device(&uuid("phantom")).map(drop)
            }),
            remember("poison"),
            remember("other"),
        ],
    )
    .await;
    assert!(results.iter().all(|result| matches!(result, Err(StoreError::Database(_)))), "{results:?}");
    assert_eq!(runs.count(), 0);
    assert!(!has_fact(&store, "other").await);
    let seen = write(&store, |transaction| transaction.device(&uuid("phantom"))).await.unwrap();
    assert_eq!(seen, None, "the cache shows what was rolled back");
    write(&store, remember("after")).await.unwrap();
    assert!(has_fact(&store, "after").await);
}

#[tokio::test]
async fn nothing_is_kept_alone_after_the_database_ended_the_transaction_by_itself() {
    let (_directory, store) = poisoned();
    let results = together(
        &store,
        vec![
            remember("before"),
            change(|transaction| {
                let _ = transaction.remember_fact("undo", b"x");
                let _ = transaction.remember_fact("alone", b"x");
                Ok(())
            }),
            remember("behind"),
        ],
    )
    .await;
    assert!(results.iter().all(|result| matches!(result, Err(StoreError::Undone))), "{results:?}");
    for name in ["before", "alone", "behind"] {
        assert!(!has_fact(&store, name).await, "{name}");
    }
    write(&store, remember("after")).await.unwrap();
}

#[tokio::test]
async fn a_write_that_cannot_begin_is_told_why() {
    let (directory, store) = fresh();
    let other = raw(directory.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = write(&store, remember("a")).await;
    assert!(matches!(&refused, Err(StoreError::Database(_))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    write(&store, remember("a")).await.unwrap();
}

#[tokio::test]
async fn hooks_run_once_after_the_commit_and_never_for_what_is_undone() {
    let (_directory, store) = fresh();
    let (kept, undone) = (Runs::default(), Runs::default());
    let (hook, no_hook) = (kept.hook(), undone.hook());
    let refused = change(move |transaction| {
        transaction.after_commit(no_hook);
        Err(StoreError::TooSlow)
    });
    let wanted = change(move |transaction| {
        transaction.after_commit(|| panic!("a hook may panic"));
        transaction.after_commit(hook);
        Ok(())
    });
    let results = together(&store, vec![refused, wanted]).await;
    assert!(matches!(results[..], [Err(StoreError::TooSlow), Ok(())]));
    assert_eq!((kept.count(), undone.count()), (1, 0));
    write(&store, remember("after")).await.unwrap();
}

#[tokio::test]
async fn the_writer_never_reads_what_a_failed_write_left_in_its_memory() {
    let (_directory, store) = fresh();
    write(&store, |transaction| transaction.add_device(&uuid("device"), &json!({"n": 1}))).await.unwrap();
    let failed = write(&store, |transaction| {
        transaction.replace_device(&uuid("device"), &json!({"n": 2}))?;
        transaction.add_device(&uuid("phantom"), &json!({}))?;
        let seen = (transaction.device(&uuid("device"))?, transaction.device(&uuid("phantom"))?);
        assert_eq!(*seen.0.unwrap(), json!({"n": 2}));
        assert!(seen.1.is_some());
        Err::<(), _>(StoreError::TooSlow)
    })
    .await;
    assert!(matches!(failed, Err(StoreError::TooSlow)));
    let seen = write(&store, |transaction| {
        Ok((transaction.device(&uuid("device"))?, transaction.device(&uuid("phantom"))?))
    });
    let (device, phantom) = seen.await.unwrap();
    assert_eq!(*device.unwrap(), json!({"n": 1}));
    assert_eq!(phantom, None);
}

#[tokio::test]
async fn a_reader_that_panics_takes_nothing_along() {
    let (_directory, store) = fresh();
    for _ in 0..5 {
        let broken: Result<(), StoreError> = store.read(|_| panic!("a read may panic")).await;
        assert!(matches!(broken, Err(StoreError::Panicked)));
    }
    assert!(!has_fact(&store, "any").await);
}

#[tokio::test]
async fn all_that_a_reader_sees_is_of_one_moment() {
    let (_directory, store) = fresh();
    let (looked, first_look) = tokio::sync::oneshot::channel();
    let (go_on, second_look) = std::sync::mpsc::channel::<()>();
    let reading = read(&store, move |view| {
        let before = view.fact("news")?;
        looked.send(()).unwrap();
        second_look.recv().unwrap();
        Ok((before, view.fact("news")?))
    });
    let writing = async {
        first_look.await.unwrap();
        write(&store, remember("news")).await.unwrap();
        go_on.send(()).unwrap();
    };
    let (seen, ()) = tokio::join!(reading, writing);
    assert_eq!(seen, (None, None));
    assert!(has_fact(&store, "news").await);
}
