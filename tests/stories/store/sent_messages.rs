//! Messages that people sent over a bus elsewhere: known to their sender alone, the newest of each, for a while.

use std::time::Duration;

use endo::message::DeliveryId;
use endo::store::SentMessage;

use super::{NOW, fresh, open, read, uuid, write};

fn mark(number: u32) -> DeliveryId {
    format!("page-{number}").into()
}

#[tokio::test]
async fn what_somebody_sent_is_known_to_them_alone_also_after_a_restart() {
    let (directory, store) = fresh();
    write(&store, |transaction| transaction.note_sent(&mark(1), &uuid("ada"), NOW)).await.unwrap();
    drop(store);
    let store = open(directory.path());
    let known = read(&store, |view| {
        Ok([view.sent_message(&mark(1), &uuid("ada"))?, view.sent_message(&mark(1), &uuid("bob"))?])
    });
    assert_eq!(known.await, [Some(SentMessage { sent_at: NOW, delivery: None }), None]);
}

#[tokio::test]
async fn old_ones_and_all_but_the_newest_of_each_sender_are_forgotten() {
    let (_directory, store) = fresh();
    write(&store, |transaction| {
        transaction.note_sent(&mark(1000), &uuid("bob"), NOW)?;
        (0..70).try_for_each(|number| {
            let now = NOW.plus(Duration::from_secs(number.into()));
            transaction.note_sent(&mark(number), &uuid("ada"), now)
        })
    })
    .await
    .unwrap();
    let known = || {
        read(&store, |view| {
            let first = (0..70).find_map(|number| {
                view.sent_message(&mark(number), &uuid("ada")).transpose().map(|_| number)
            });
            Ok((first, view.sent_message(&mark(1000), &uuid("bob"))?.is_some()))
        })
    };
    assert_eq!(known().await, (Some(6), true), "64 are left, and nobody takes another's place");
    store.forget_old(NOW.plus(Duration::from_secs(69)), 10).await.unwrap();
    assert_eq!(known().await, (Some(69), false));
}
