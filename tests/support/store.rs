//! A store, what waits in it, and what it has given up.

use std::path::Path;
use std::time::Duration;

use endo::ambient::Stopwatch;
use endo::store::{
    DeadLetter, Feed, Handed, NewDelivery, PassedOver, Store, StoreError, StoreSettings, Taken, View, Work,
};

/// The store of this directory, which is made where there is none.
pub(crate) fn open(directory: &Path) -> Store {
    try_open(directory, None).unwrap()
}

/// The same, with room for so many pages.
pub(crate) fn try_open(directory: &Path, max_pages: Option<u32>) -> Result<Store, StoreError> {
    open_by(directory, max_pages, Stopwatch::from_fn(|| Duration::ZERO))
}

/// The same with a stopwatch that does not stand still.
pub(crate) fn open_by(
    directory: &Path,
    max_pages: Option<u32>,
    stopwatch: Stopwatch,
) -> Result<Store, StoreError> {
    Store::open(&StoreSettings { directory: directory.to_owned(), max_pages, keep_free_mib: 0, stopwatch })
}

/// A message for the gateway itself.
pub(crate) fn delivery(id: &str) -> NewDelivery {
    NewDelivery {
        id: id.into(),
        work: Work::Job,
        device: "service".into(),
        event: "message.received".to_owned(),
        route: None,
        target: None,
        body: "{}".to_owned(),
    }
}

/// What is due, once something is, but at most so much.
pub(crate) async fn due(feed: &Feed, most: usize) -> Vec<Taken> {
    due_but(feed, most, PassedOver::default).await
}

/// The same of all but what is passed over.
pub(crate) async fn due_but(feed: &Feed, most: usize, but: impl Fn() -> PassedOver) -> Vec<Taken> {
    let handed = feed.next(most, but, |_, _| Some(())).await.unwrap().into_iter();
    handed.filter_map(|handed| if let Handed::Now(taken, ()) = handed { Some(taken) } else { None }).collect()
}

/// How many accepted deliveries have no end yet.
pub(crate) async fn waiting(store: &Store, work: Work) -> u64 {
    store.read::<_, StoreError, _>(move |view| view.waiting(work)).await.unwrap()
}

/// Done when all that was accepted has come to its end.
pub(crate) async fn until_nothing_waits(store: &Store, work: Work) {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while waiting(store, work).await > 0 {
        ticks.tick().await;
    }
}

/// Every dead letter, newest first, with all that is known of it.
pub(crate) async fn dead_letters(store: &Store) -> Vec<DeadLetter> {
    let look = |view: &View<'_>| {
        let list = view.dead_letters(None, usize::from(u16::MAX))?;
        list.iter().filter_map(|entry| view.dead_letter(&entry.id).transpose()).collect()
    };
    store.read::<_, StoreError, _>(look).await.unwrap()
}
