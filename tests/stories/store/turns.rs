//! Among what is due at webhooks each host has its turn, each device there, and each of its webhooks.

use std::sync::Arc;
use std::time::Duration;

use endo::message::DeviceUuid;
use endo::store::{Feed, HostSet, LineKey, NewDelivery, PassedOver, Store, Taken, WebhookKey, Work};
use serde_json::json;

use super::{Hand, NOW, delivery, fresh, open, raw, write};
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

/// A webhook of another device than [`webhook`]'s.
fn webhook_of_another(host: &str, hook: &str) -> WebhookKey {
    WebhookKey::new(host.into(), DeviceUuid::from("another"), hook.into())
}

#[tokio::test]
async fn each_device_has_its_turn_at_a_host_whatever_number_of_webhooks_another_has_there() {
    let (_directory, store) = fresh();
    for hook in 0..20 {
        accept(&store, &webhook("host", &hook.to_string()), 100, 1).await;
    }
    accept(&store, &webhook_of_another("host", "quiet"), 1, 2).await;
    let feed = feed(&store);
    let taken = due(&feed, 4).await;
    assert_eq!(names(&taken), ["host 0", "host quiet", "host 1", "host quiet"]);
    let but = || {
        let mut but = PassedOver::default();
        but.pass_over_device_of(&webhook("host", "0"));
        but
    };
    accept(&store, &webhook_of_another("host", "last"), 1, 1).await;
    assert_eq!(names(&due_but(&feed, 4, but).await), ["host last"]);
}

#[tokio::test]
async fn who_has_fewer_calls_in_hand_comes_before_who_has_more() {
    let (_directory, store) = fresh();
    let (busy, quiet) = (webhook("host", "busy"), webhook_of_another("host", "quiet"));
    accept(&store, &busy, 100, 1).await;
    accept(&store, &quiet, 1, 1).await;
    let but = || {
        let mut but = PassedOver::default();
        but.put_behind(&LineKey::new(busy.clone(), "".into()), 2, 3);
        but.put_behind(&LineKey::new(quiet.clone(), "".into()), 1, 4);
        but
    };
    assert_eq!(names(&due_but(&feed(&store), 2, but).await), ["host quiet", "host busy"]);
}

#[tokio::test]
async fn what_waited_before_devices_had_turns_waits_in_those_of_its_device() {
    let old = tempfile::tempdir().unwrap();
    let connection = raw(old.path());
    connection.execute_batch(include_str!("../../fixtures/store-format-31.sql")).unwrap();
    connection.execute_batch("PRAGMA application_id = 0x456e646f; PRAGMA user_version = 31").unwrap();
    let sql = "INSERT INTO deliveries (id, work, device, event, route, target, body, accepted_at, due_at)
               VALUES (?1 || ' ' || ?2, 1, ?1, 'message.received', '[]', json_object('host', 'host:443', 'hook', ?2), '{}', 1, ?3)";
    for (due_at, device, hook) in [(1, "busy", "1"), (2, "busy", "2"), (3, "busy", ""), (4, "quiet", "1")] {
        connection.execute(sql, (device, hook, due_at)).unwrap();
    }
    drop(connection);
    let store = open(old.path());
    assert_eq!(names(&due(&feed(&store), 4).await), ["busy 1", "quiet 1", "busy 2", "busy "]);
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
    let but = || PassedOver::of(HostSet::Only(["host".into()].into()), Vec::new(), None);
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
                had.borrow().iter().zip(1..).for_each(|(line, call)| but.put_behind(line, 1, call));
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
