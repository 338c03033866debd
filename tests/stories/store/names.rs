//! Which deliveries the store may know by their names: none that is new is looked for on the disk.

use std::sync::Arc;

use endo::ambient::Timestamp;
use endo::store::{AskedFor, Death, Feed, Store, Transaction, Work};

use super::{Hand, NOW, accept, delivery, fresh, open, outcome, write};

const LATER: Timestamp = Timestamp::from_millis(2_000_000_000);

fn may_know<'a>(store: &Store, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().filter(|name| store.may_know(&(**name).into())).copied().collect()
}

#[tokio::test]
async fn any_name_may_be_known_until_the_names_are_read() {
    let (_directory, store) = fresh();
    assert_eq!(may_know(&store, &["new"]), ["new"]);
    store.learn_names().await.unwrap();
    assert!(may_know(&store, &["new"]).is_empty());
}

#[tokio::test]
async fn the_names_of_all_that_is_kept_are_known_after_the_next_start() {
    let (directory, store) = fresh();
    for id in ["waits", "over", "dead"] {
        accept(&store, delivery(id)).await.unwrap();
    }
    write(&store, |transaction| {
        transaction.finish(2)?;
        transaction.note_outcome(&"over".into(), &outcome(None))?;
        transaction.give_up(3, &Death::of("refused", NOW))
    })
    .await
    .unwrap();
    drop(store);
    let store = open(directory.path());
    store.learn_names().await.unwrap();
    assert_eq!(may_know(&store, &["waits", "over", "dead", "new"]), ["waits", "over", "dead"]);
    let forget = |transaction: &Transaction<'_>| transaction.forget_outcomes(LATER, 0);
    write(&store, forget).await.unwrap();
    assert_eq!(may_know(&store, &["over"]), ["over"], "no name is taken for new too soon");
}

#[tokio::test]
async fn a_name_is_known_once_something_is_written_under_it() {
    let (_directory, store) = fresh();
    store.learn_names().await.unwrap();
    let feed = Feed::new(store.clone(), Work::Job, Hand::at(NOW).clock(), Arc::default());
    let taken = feed.hold(delivery("a"), AskedFor::Again);
    assert!(may_know(&store, &["a"]).is_empty(), "nothing is written so far");
    let place = taken.place.clone();
    write(&store, move |transaction| place.within(transaction)).await.unwrap();
    assert_eq!(may_know(&store, &["a", "b"]), ["a"]);
}
