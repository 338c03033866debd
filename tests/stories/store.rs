//! Durable state and durable work: what is kept, what is undone, and what is handed out.

mod accounts;
mod callers;
mod commits;
mod crowds;
mod feed;
mod full;
mod lost_sendings;
mod names;
mod opening;
mod plans;
mod proofs;
mod readers;
mod rights;
mod rows;
mod sent_messages;
mod sessions;
mod turns;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use endo::ambient::{Clock, Stopwatch, Timestamp};
use endo::message::DeviceUuid;
use endo::store::{Account, Ending, Fate, NewDelivery, Outcome, Store, StoreError, Transaction, View};
use tempfile::TempDir;

use crate::support::store::{delivery, open, open_by, try_open};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn open_with(directory: &Path, max_pages: Option<u32>) -> Store {
    try_open(directory, max_pages).unwrap()
}

fn fresh() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    (directory, store)
}

/// The database of a closed store, as another program opens it.
fn raw(directory: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(directory.join("endo.db")).unwrap()
}

async fn write<T: Send + 'static>(
    store: &Store,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    store.write(change).await
}

async fn read<T: Send + 'static>(
    store: &Store,
    look: impl FnOnce(&View<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.read(look).await.unwrap()
}

async fn has_fact(store: &Store, name: &'static str) -> bool {
    read(store, move |view| Ok(view.fact(name)?.is_some())).await
}

fn uuid(name: &str) -> DeviceUuid {
    name.into()
}

async fn accept(store: &Store, new: NewDelivery) -> Result<(), StoreError> {
    write(store, move |transaction| transaction.accept(&new, NOW).map(drop)).await
}

fn outcome(reply: Option<String>) -> Outcome {
    Outcome { ending: Ending::Replied, code: Some(200), reply, fate: Fate::default(), ended_at: NOW }
}

/// A clock that stands where it was put.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.as_millis())))
    }

    fn put(&self, time: Timestamp) {
        self.0.store(time.as_millis(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let hand = Arc::clone(&self.0);
        Clock::from_fn(move || Timestamp::from_millis(hand.load(Ordering::SeqCst)))
    }
}

/// The account of this device.
fn device(uuid: &str) -> Account {
    Account::Of(uuid.into())
}

/// A store, and the milliseconds that have passed since it was opened.
fn timed() -> (TempDir, Store, Arc<AtomicU64>) {
    let directory = tempfile::tempdir().unwrap();
    let passed = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&passed);
    let stopwatch = Stopwatch::from_fn(move || Duration::from_millis(told.load(Ordering::SeqCst)));
    let store = open_by(directory.path(), None, stopwatch).unwrap();
    (directory, store, passed)
}
