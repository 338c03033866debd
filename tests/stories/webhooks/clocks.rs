//! A clock that was ahead for a while keeps nothing waiting for the time that it was ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use endo::ambient::Timestamp;

use super::*;

const DAY: i64 = 86_400_000;

/// Until its only delivery was tried so often.
async fn tried(post: &Post, times: u32) {
    let database = rusqlite::Connection::open(post.bus.directory.path().join("endo.db")).unwrap();
    let attempts = || database.query_row("SELECT attempts FROM deliveries", [], |row| row.get::<_, u32>(0));
    while attempts().unwrap() < times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_was_put_off_by_a_clock_that_was_a_day_ahead_is_due_where_it_was_put_right_before_a_start() {
    let now = Arc::new(AtomicI64::new(1_768_478_400_000));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || Timestamp::from_millis(told.load(Ordering::SeqCst)));
    let post = Post::at(clock.clone(), loopback()).await;
    let (api, mut calls) = server(&[503, 503, 200]).await;
    let device = post.hooked(hook(&api)).await;
    post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
    tried(&post, 1).await;
    now.fetch_add(DAY, Ordering::SeqCst);
    post.bus.bus.webhook_bell().notify_one();
    tried(&post, 2).await;
    let Post { bus, working } = post;
    working.task.abort();
    assert!(working.task.await.is_err());
    now.fetch_sub(DAY - 1000, Ordering::SeqCst);
    let working = Working::on(&bus, clock, loopback(), SETTINGS);
    let post = Post { bus, working };
    post.until_nothing_waits().await;
    for _ in 0..3 {
        calls.recv().await.unwrap();
    }
    assert!(post.dead_letters().await.is_empty());
}
