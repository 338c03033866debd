//! Work is handed out once, again when nobody ended it, and not before it is due.

use std::sync::Arc;
use std::time::Duration;

use endo::ambient::{Clock, Timestamp};
use endo::message::Done;
use endo::store::{
    AskedFor, Death, Feed, Handed, LeavingReply, NewDelivery, PassedOver, Store, StoreError, Taken,
    Transaction, Work, WrittenReply,
};
use futures_util::FutureExt;
use serde_json::json;
use tokio::sync::Notify;

use super::{Hand, NOW, accept, delivery, fresh, read, write};
use crate::support::store::due;

const HOUR: Duration = Duration::from_secs(3600);

fn feed(store: &Store, clock: Clock) -> Feed {
    Feed::new(store.clone(), Work::Job, clock, Arc::default())
}

fn leaving() -> LeavingReply {
    LeavingReply { text: "{}".into(), done: Done::Yes }
}

fn names(taken: &[Taken]) -> Vec<&str> {
    taken.iter().map(|taken| taken.delivery.new.id.as_str()).collect()
}

async fn one(feed: &Feed) -> Taken {
    due(feed, 1).await.pop().unwrap()
}

async fn postpone(store: &Store, taken: Taken, due_at: Timestamp) {
    let place = taken.place.clone();
    write(store, move |transaction| transaction.postpone(place.within(transaction)?, due_at)).await.unwrap();
}

async fn end(store: &Store, taken: Taken) {
    let place = taken.place.clone();
    assert!(write(store, move |transaction| transaction.finish(place.within(transaction)?)).await.unwrap());
    taken.ended();
}

#[tokio::test]
async fn each_piece_is_handed_out_once_oldest_first_and_never_more_than_asked_for() {
    let (_directory, store) = fresh();
    for id in ["a", "b", "c", "d"] {
        accept(&store, delivery(id)).await.unwrap();
    }
    let feed = feed(&store, Hand::at(NOW).clock());
    let first = due(&feed, 3).await;
    let second = due(&feed, 3).await;
    assert_eq!((names(&first), names(&second)), (vec!["a", "b", "c"], vec!["d"]));
}

/// A message to the gateway by this user device.
fn to(user_device: &str, id: &str) -> NewDelivery {
    let hop = |from: &str, to: &str| json!({"from": from, "to": to, "type": "message.received"});
    let new = delivery(id);
    let hops =
        [hop("flow", user_device), hop(user_device, "credentials"), hop("credentials", new.device.as_str())];
    NewDelivery { route: Some(json!(hops).to_string()), ..new }
}

#[tokio::test]
async fn each_user_device_has_its_turn_whatever_waits_for_longer_at_another() {
    let (_directory, store) = fresh();
    for id in ["a 1", "a 2", "a 3", "b 1"] {
        accept(&store, to(&id[..1], id)).await.unwrap();
    }
    let feed = feed(&store, Hand::at(NOW).clock());
    let first = due(&feed, 3).await;
    assert_eq!(names(&first), ["a 1", "b 1", "a 2"]);
    accept(&store, to("b", "b 2")).await.unwrap();
    accept(&store, to("c", "c 1")).await.unwrap();
    let second = due(&feed, 1).await;
    assert_eq!(names(&second), ["c 1"]);
    assert_eq!(names(&due(&feed, 5).await), ["a 3", "b 2"]);
}

#[tokio::test]
async fn what_is_claimed_waits_with_all_behind_it_until_it_is_taken_or_let_go() {
    let (_directory, store) = fresh();
    for id in ["a 1", "a 2"] {
        accept(&store, to("a", id)).await.unwrap();
    }
    let feed = feed(&store, Hand::at(NOW).clock());
    let claim = async || match feed.next(5, PassedOver::default, |_, _| None::<()>).await.unwrap().pop() {
        Some(Handed::Later(claim)) => claim,
        other => panic!("{other:?}"),
    };
    let claimed = claim().await;
    assert_eq!((claimed.device.as_str(), claimed.bytes), ("a", 0));
    accept(&store, to("b", "b 1")).await.unwrap();
    let other = due(&feed, 5).await;
    assert_eq!(names(&other), ["b 1"]);
    drop(claimed);
    let taken = feed.take(claim().await).await.unwrap().unwrap();
    assert_eq!(taken.delivery.new.id.as_str(), "a 1");
    assert_eq!(names(&due(&feed, 5).await), ["a 2"]);
}

#[tokio::test]
async fn what_takes_much_memory_has_a_line_of_its_own() {
    let (_directory, store) = fresh();
    let heavy = NewDelivery { body: json!([vec![[0]; 2000]]).to_string(), ..to("a", "heavy") };
    accept(&store, heavy).await.unwrap();
    accept(&store, to("a", "light")).await.unwrap();
    let feed = feed(&store, Hand::at(NOW).clock());
    let due = feed.next(5, PassedOver::default, |_, bytes| (bytes == 0).then_some(())).await.unwrap();
    let [Handed::Later(claim), Handed::Now(taken, ())] = due.as_slice() else { panic!("{due:?}") };
    assert!(claim.bytes > 512 << 10);
    assert_eq!(taken.delivery.new.id.as_str(), "light");
}

/// Gives the one piece of this work up that waits, and puts it back into the queue; tells in whose line it was before.
async fn die_and_come_back(store: &Store, work: Work) -> String {
    let feed = Feed::new(store.clone(), work, Hand::at(NOW).clock(), Arc::default());
    let taken = one(&feed).await;
    let (place, id) = (taken.place.clone(), taken.delivery.new.id.clone());
    let replay = move |transaction: &Transaction<'_>| {
        transaction.give_up(place.within(transaction)?, &Death::of("expired", NOW))?;
        transaction.replay(&id, NOW)
    };
    assert!(write(store, replay).await.unwrap().is_some());
    taken.delivery.user_device.to_string()
}

#[tokio::test]
async fn what_is_replayed_waits_in_the_line_that_it_waited_in_and_needs_as_much_room() {
    let (_directory, store) = fresh();
    let heavy = NewDelivery { body: json!([vec![[0]; 2000]]).to_string(), ..to("a", "heavy") };
    accept(&store, heavy).await.unwrap();
    assert_eq!(die_and_come_back(&store, Work::Job).await, "a");
    let jobs = feed(&store, Hand::at(NOW).clock());
    let due = jobs.next(5, PassedOver::default, |_, _| None::<()>).await.unwrap();
    let [Handed::Later(claim)] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(claim.device.as_str(), "a");
    assert!(claim.bytes > 512 << 10);
    accept(&store, NewDelivery { work: Work::Webhook, ..to("a", "call") }).await.unwrap();
    for _ in 0..2 {
        assert_eq!(die_and_come_back(&store, Work::Webhook).await, "a");
    }
}

#[tokio::test]
async fn two_who_ask_at_once_never_get_the_same() {
    let (_directory, store) = fresh();
    for n in 0..40 {
        accept(&store, delivery(&n.to_string())).await.unwrap();
    }
    let feed = feed(&store, Hand::at(NOW).clock());
    let asking = (0..10).map(|_| due(&feed, 4));
    let taken: Vec<Taken> = futures_util::future::join_all(asking).await.into_iter().flatten().collect();
    let mut names = names(&taken);
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), taken.len()), (40, 40));
}

#[tokio::test]
async fn what_is_dropped_without_an_end_is_handed_out_again_and_what_ended_never() {
    let (_directory, store) = fresh();
    accept(&store, delivery("dropped")).await.unwrap();
    accept(&store, delivery("ended")).await.unwrap();
    let feed = feed(&store, Hand::at(NOW).clock());
    let mut taken = due(&feed, 2).await;
    end(&store, taken.pop().unwrap()).await;
    drop(taken);
    let again = due(&feed, 2).await;
    assert_eq!(names(&again), ["dropped"]);
    assert_eq!(again[0].delivery.attempts, 0);
}

#[tokio::test]
async fn dropping_work_wakes_whoever_waits_for_some() {
    let (_directory, store) = fresh();
    accept(&store, delivery("a")).await.unwrap();
    let feed = feed(&store, Hand::at(NOW).clock());
    let taken = due(&feed, 1).await;
    let (again, ()) = tokio::join!(due(&feed, 1), async { drop(taken) });
    assert_eq!(names(&again), ["a"]);
}

#[tokio::test]
async fn work_that_was_put_off_waits_until_it_is_due() {
    let (_directory, store) = fresh();
    let hand = Hand::at(NOW);
    let feed = feed(&store, hand.clock());
    accept(&store, delivery("later")).await.unwrap();
    postpone(&store, one(&feed).await, NOW.plus(HOUR)).await;
    accept(&store, delivery("now")).await.unwrap();
    assert_eq!(names(&due(&feed, 5).await), ["now"]);
    hand.put(NOW.plus(HOUR));
    let due = due(&feed, 5).await;
    assert_eq!(names(&due), ["now", "later"]);
    assert_eq!(due[1].delivery.attempts, 1);
}

#[tokio::test]
async fn a_feed_that_waits_looks_again_when_something_becomes_due() {
    let (_directory, store) = fresh();
    let hand = Hand::at(NOW);
    let feed = feed(&store, hand.clock());
    accept(&store, delivery("soon")).await.unwrap();
    let due_at = NOW.plus(Duration::from_millis(5));
    postpone(&store, one(&feed).await, due_at).await;
    let (due, ()) = tokio::join!(due(&feed, 1), async { hand.put(due_at) });
    assert_eq!(names(&due), ["soon"]);
}

#[tokio::test]
async fn the_bell_wakes_a_feed_that_waits_however_early_it_rings() {
    let (_directory, store) = fresh();
    let bell = Arc::new(Notify::new());
    let feed = Feed::new(store.clone(), Work::Job, Hand::at(NOW).clock(), Arc::clone(&bell));
    for n in 0..50 {
        let id = n.to_string();
        let new = delivery(&id);
        let bell = Arc::clone(&bell);
        let accepting = write(&store, move |transaction| {
            transaction.accept(&new, NOW)?;
            transaction.after_commit(move || bell.notify_one());
            Ok(())
        });
        let (mut taken, accepted) = tokio::join!(due(&feed, 1), accepting);
        accepted.unwrap();
        let taken = taken.pop().unwrap();
        assert_eq!(taken.delivery.new.id.as_str(), id);
        end(&store, taken).await;
    }
}

#[tokio::test]
async fn a_feed_hands_out_its_own_kind_of_work() {
    let (_directory, store) = fresh();
    let webhook = NewDelivery { work: Work::Webhook, ..delivery("webhook") };
    accept(&store, webhook).await.unwrap();
    accept(&store, delivery("job")).await.unwrap();
    let clock = Hand::at(NOW).clock();
    let webhooks = Feed::new(store.clone(), Work::Webhook, clock.clone(), Arc::default());
    assert_eq!(names(&due(&feed(&store, clock), 5).await), ["job"]);
    assert_eq!(names(&due(&webhooks, 5).await), ["webhook"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_work_waiting() {
    let (_directory, store) = fresh();
    let hand = Hand::at(NOW);
    let feed = feed(&store, hand.clock());
    for id in ["put off", "fresh"] {
        accept(&store, delivery(id)).await.unwrap();
    }
    postpone(&store, one(&feed).await, NOW.plus(HOUR)).await;
    hand.put(NOW.minus(24 * HOUR));
    assert_eq!(names(&due(&feed, 5).await), ["put off", "fresh"]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_before_the_start_keeps_no_accepted_work_waiting() {
    let (_directory, store) = fresh();
    let early = NOW.minus(24 * HOUR);
    let hand = Hand::at(early);
    let old = delivery("put off in time");
    write(&store, move |transaction| transaction.accept(&old, early)).await.unwrap();
    let feed_before = feed(&store, hand.clock());
    postpone(&store, one(&feed_before).await, early.plus(HOUR)).await;
    accept(&store, delivery("accepted in the future")).await.unwrap();
    assert_eq!(names(&due(&feed(&store, hand.clock()), 5).await), ["accepted in the future"]);
}

#[tokio::test]
async fn a_feed_whose_asker_gives_up_loses_nothing() {
    let (_directory, store) = fresh();
    let feed = feed(&store, Hand::at(NOW).clock());
    accept(&store, delivery("a")).await.unwrap();
    assert!(due(&feed, 1).now_or_never().is_none());
    assert_eq!(names(&due(&feed, 1).await), ["a"]);
}

#[tokio::test]
async fn that_a_call_started_is_remembered() {
    let (_directory, store) = fresh();
    accept(&store, delivery("a")).await.unwrap();
    let feed = feed(&store, Hand::at(NOW).clock());
    let taken = one(&feed).await;
    assert!(!taken.delivery.call_started);
    let place = taken.place.clone();
    write(&store, move |transaction| transaction.start_call(place.within(transaction)?)).await.unwrap();
    drop(taken);
    assert!(one(&feed).await.delivery.call_started);
    let waiting = read(&store, |view| view.waiting(Work::Job)).await;
    assert_eq!(waiting, 1);
}

#[tokio::test]
async fn what_was_held_and_has_ended_is_not_accepted_afterwards() {
    let (_directory, store) = fresh();
    let feed = feed(&store, Hand::at(NOW).clock());
    let taken = feed.hold(delivery("held"), AskedFor::Again);
    let place = taken.place.clone();
    let end_first = move |transaction: &Transaction<'_>| {
        transaction.finish(place.within(transaction)?)?;
        place.accept_within(transaction)
    };
    write(&store, end_first).await.unwrap();
    let place = taken.place.clone();
    taken.ended();
    write(&store, move |transaction| place.accept_within(transaction)).await.unwrap();
    assert!(!read(&store, |view| view.is_queued(&"held".into())).await);
}

#[tokio::test]
async fn what_nobody_asks_for_again_may_be_answered_and_end_with_nothing_written() {
    let (_directory, store) = fresh();
    let feed = feed(&store, Hand::at(NOW).clock());
    let named = feed.hold(delivery("named"), AskedFor::Again);
    assert!(!named.place.reply_off_disk(&leaving()));
    assert!(!named.place.end_off_disk());
    let taken = feed.hold(delivery("unnamed"), AskedFor::Never);
    assert!(taken.place.reply_off_disk(&leaving()));
    assert!(taken.place.end_off_disk());
    let place = taken.place.clone();
    write(&store, move |transaction| place.accept_within(transaction)).await.unwrap();
    assert!(!read(&store, |view| view.is_queued(&"unnamed".into())).await);
}

#[tokio::test]
async fn what_is_accepted_after_its_reply_left_says_so() {
    let (_directory, store) = fresh();
    let feed = feed(&store, Hand::at(NOW).clock());
    let taken = feed.hold(delivery("unnamed"), AskedFor::Never);
    assert!(taken.place.reply_off_disk(&leaving()));
    let place = taken.place.clone();
    write(&store, move |transaction| place.accept_within(transaction)).await.unwrap();
    assert!(!taken.place.reply_off_disk(&leaving()), "it is on disk");
    assert!(!taken.place.end_off_disk(), "its end has to be written");
    drop(taken);
    assert!(matches!(one(&feed).await.delivery.reply, WrittenReply::MayHaveLeft));
}

#[tokio::test]
async fn the_place_of_what_was_undone_belongs_to_whoever_gets_it_next() {
    let (_directory, store) = fresh();
    let feed = feed(&store, Hand::at(NOW).clock());
    let (undone, next) =
        (feed.hold(delivery("undone"), AskedFor::Again), feed.hold(delivery("next"), AskedFor::Again));
    let place = undone.place.clone();
    let undo = move |transaction: &Transaction<'_>| {
        place.within(transaction)?;
        Err::<(), _>(StoreError::Undone)
    };
    write(&store, undo).await.unwrap_err();
    let place = next.place.clone();
    let at = write(&store, move |transaction| place.within(transaction)).await.unwrap();
    let place = undone.place.clone();
    let later = write(&store, move |transaction| place.within(transaction)).await.unwrap();
    assert_ne!(at, later);
    drop(undone);
    let again = due(&feed, 5).await;
    assert_eq!(names(&again), ["undone"], "what somebody has in hand is not handed out");
    drop(next);
    assert_eq!(names(&due(&feed, 5).await), ["next"]);
}
