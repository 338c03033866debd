//! Among what is due at webhooks each host has its turn, and each webhook of a host.

use std::sync::Arc;
use std::time::Duration;

use endo::message::DeviceUuid;
use endo::store::{Feed, LineKey, NewDelivery, PassedOver, Store, Taken, WebhookKey, Work};
use serde_json::json;

use super::{Hand, NOW, delivery, fresh, write};
use crate::support::store::{due, due_but};

const SECOND: Duration = Duration::from_secs(1);

fn webhook(host: &str, hook: &str) -> WebhookKey {
    WebhookKey::new(host.into(), DeviceUuid::from("device"), hook.into())
}

/// Accepts so many deliveries for a webhook, the first of them so many seconds ago and one a second.
async fn accept(store: &Store, to: &WebhookKey, since: u32, deliveries: u32) {
    for n in 0..deliveries {
        let target = json!({"host": *to.host, "hook": *to.hook}).to_string();
        let id = format!("{} {}", to.host, to.hook);
        let new = NewDelivery {
            work: Work::Webhook,
            target: Some(target),
            device: to.device.clone(),
            ..delivery(&id)
        };
        let then = NOW.minus(SECOND * since).plus(SECOND * n);
        write(store, move |transaction| transaction.accept(&new, then)).await.unwrap();
    }
}

fn feed(store: &Store) -> Feed {
    Feed::new(store.clone(), Work::Webhook, Hand::at(NOW).clock(), Arc::default())
}

fn names(taken: &[Taken]) -> Vec<&str> {
    taken.iter().map(|taken| taken.delivery.new.id.as_str()).collect()
}

async fn end(store: &Store, taken: Taken, webhook: WebhookKey) {
    let place = taken.place.clone();
    let line = LineKey::new(webhook, taken.delivery.user_device.clone());
    let end = move |transaction: &endo::store::Transaction<'_>| {
        transaction.finish(place.within(transaction)?)?;
        transaction.had_a_turn(&line, NOW)
    };
    write(store, end).await.unwrap();
    taken.ended();
}

#[tokio::test]
async fn each_host_has_its_turn_whatever_waits_for_longer_at_another() {
    let (_directory, store) = fresh();
    for hook in 0..20 {
        accept(&store, &webhook("busy", &hook.to_string()), 100, 10).await;
    }
    accept(&store, &webhook("quiet", "0"), 1, 1).await;
    assert_eq!(names(&due(&feed(&store), 4).await), ["busy 0", "quiet 0", "busy 1", "busy 10"]);
}

#[tokio::test]
async fn each_webhook_of_a_host_has_its_turn_whatever_waits_for_longer_at_another() {
    let (_directory, store) = fresh();
    accept(&store, &webhook("host", "busy"), 100, 50).await;
    accept(&store, &webhook("host", "quiet"), 1, 1).await;
    assert_eq!(names(&due(&feed(&store), 3).await), ["host busy", "host quiet", "host busy"]);
}

#[tokio::test]
async fn who_had_a_turn_is_behind_those_that_wait_for_one() {
    for (busy, quiet) in
        [(webhook("host", "busy"), webhook("host", "quiet")), (webhook("busy", ""), webhook("quiet", ""))]
    {
        let (_directory, store) = fresh();
        accept(&store, &busy, 100, 50).await;
        accept(&store, &quiet, 1, 1).await;
        let feed = feed(&store);
        let first = due(&feed, 1).await.pop().unwrap();
        assert_eq!(first.delivery.new.id.as_str(), format!("{} {}", busy.host, busy.hook));
        end(&store, first, busy).await;
        let second = due(&feed, 1).await.pop().unwrap();
        assert_eq!(second.delivery.new.id.as_str(), format!("{} {}", quiet.host, quiet.hook));
    }
}

#[tokio::test]
async fn who_had_a_turn_and_waits_with_nothing_that_was_tried_in_vain_is_found_after_a_start() {
    let (_directory, store) = fresh();
    let [well, failing, new] = ["well", "failing", "new"].map(|hook| webhook("host", hook));
    accept(&store, &well, 100, 2).await;
    let feed = feed(&store);
    let taken = due(&feed, 1).await.pop().unwrap();
    let line = LineKey::new(well.clone(), taken.delivery.user_device.clone());
    end(&store, taken, well).await;
    accept(&store, &failing, 50, 2).await;
    let of_failing = LineKey::new(failing, line.user_device.clone());
    write(&store, move |transaction| {
        transaction.postpone(3, NOW)?;
        transaction.had_a_turn(&of_failing, NOW)
    })
    .await
    .unwrap();
    accept(&store, &new, 10, 1).await;
    assert_eq!(feed.untroubled_lines(9).await.unwrap(), [line]);
}

#[tokio::test]
async fn a_webhook_that_had_a_turn_before_the_clock_was_set_back_waits_no_longer_for_it() {
    let (_directory, store) = fresh();
    let (hand, to) = (Hand::at(NOW), webhook("host", "hook"));
    accept(&store, &to, 100, 2).await;
    let feed = Feed::new(store.clone(), Work::Webhook, hand.clock(), Arc::default());
    let first = due(&feed, 1).await.pop().unwrap();
    end(&store, first, to).await;
    hand.put(NOW.minus(SECOND * 60));
    assert_eq!(names(&due(&feed, 1).await), ["host hook"]);
}

#[tokio::test]
async fn what_is_led_to_another_webhook_has_the_turn_of_that() {
    let (_directory, store) = fresh();
    let moved = webhook("away", "new");
    accept(&store, &webhook("host", "old"), 100, 1).await;
    let feed = feed(&store);
    let taken = due(&feed, 1).await.pop().unwrap();
    let (place, target) =
        (taken.place.clone(), json!({"host": *moved.host, "hook": *moved.hook}).to_string());
    write(&store, move |transaction| transaction.lead_to(place.within(transaction)?, &target)).await.unwrap();
    drop(taken);
    let but = || PassedOver::of_hosts(["host".into()].into(), None, None);
    assert_eq!(names(&due_but(&feed, 1, but).await), ["host old"]);
}

#[tokio::test]
async fn who_has_a_call_in_hand_stands_behind_all_who_have_none_and_behind_who_had_theirs_before() {
    for [one, other] in
        [[webhook("host", "one"), webhook("host", "other")], [webhook("one", ""), webhook("other", "")]]
    {
        let (_directory, store) = fresh();
        accept(&store, &one, 100, 5).await;
        accept(&store, &other, 1, 5).await;
        let (feed, had) = (feed(&store), std::cell::RefCell::new(Vec::new()));
        let mut in_hand = Vec::new();
        for to in [&one, &other, &one, &other] {
            let but = || {
                let mut but = PassedOver::default();
                had.borrow().iter().zip(1..).for_each(|(line, call)| but.put_behind(line, call));
                but
            };
            let taken = due_but(&feed, 1, but).await;
            assert_eq!(names(&taken), [format!("{} {}", to.host, to.hook)]);
            let user_device = taken[0].delivery.user_device.clone();
            had.borrow_mut().push(LineKey::new(to.clone(), user_device));
            in_hand.extend(taken);
        }
    }
}
