//! What an answer says of its delivery: whoever answers has it, unless the answer says that nothing was taken.

use endo::ambient::Timestamp;
use endo::store::{Ending, Outcome};
use rusqlite::{Connection, OptionalExtension};

use super::*;

/// More deliveries than failures that would have the webhook rest.
const MANY: usize = SETTINGS.breaker.failures as usize + 1;

impl Post {
    async fn outcome_of(&self, call: &Seen) -> Outcome {
        let id = call.header("x-meshblu-delivery-id").concat().as_str().into();
        let look = move |view: &endo::store::View<'_>| view.outcomes(&id);
        self.bus.bus.store().read::<_, StoreError, _>(look).await.unwrap().remove(0)
    }

    /// Sends so many messages to a webhook one after the other, each once the one before has ended.
    async fn send_one_by_one(&self, device: &Device, messages: usize) {
        let sender = self.bus.device(json!({})).await;
        for _ in 0..messages {
            self.send(&sender, &json!({"devices": device.uuid})).await;
            self.until_nothing_waits().await;
        }
    }
}

/// For how long, in milliseconds, the only delivery waits once it was tried, at a clock that stands at `now`.
async fn pause(post: &Post, now: i64) -> i64 {
    let database = Connection::open(post.bus.directory.path().join("endo.db")).unwrap();
    let sql = "SELECT due_at FROM deliveries WHERE attempts = 1";
    loop {
        tokio::task::yield_now().await;
        let due_at: Option<i64> = database.query_row(sql, [], |row| row.get(0)).optional().unwrap();
        if let Some(due_at) = due_at {
            return due_at - now;
        }
    }
}

#[tokio::test]
async fn a_receiver_that_says_when_to_call_again_is_called_then_within_the_longest_wait() {
    const NOW: i64 = 1_768_478_400_000;
    let settings = WebhookSettings { longest_delay: Duration::from_secs(100), ..SETTINGS };
    for (status, told, pauses) in [
        (503, "retry-after: 60", 60_000..=60_001),
        (429, "retry-after: Thu, 15 Jan 2026 12:01:00 GMT", 60_000..=60_001),
        (503, "retry-after: 86400", 100_000..=100_000),
    ] {
        let clock = Clock::from_fn(|| Timestamp::from_millis(NOW));
        let post = Post::with(clock, loopback(), settings).await;
        let (api, _calls) = answering(status, vec![told]).await;
        let device = post.hooked(hook(&api)).await;
        post.send(&post.bus.device(json!({})).await, &json!({"devices": device.uuid})).await;
        let pause = pause(&post, NOW).await;
        assert!(pauses.contains(&pause), "{told}: {pause}");
    }
}

/// A server that always answers so, and hands on what it is asked.
async fn answering(status: u16, headers: Vec<&'static str>) -> (FakeApi, mpsc::UnboundedReceiver<Seen>) {
    let (sender, calls) = mpsc::unbounded_channel();
    let api = FakeApi::start(move |seen| {
        sender.send(seen.clone()).unwrap();
        Answer::new(status, &headers, "")
    });
    (api.await, calls)
}

#[tokio::test]
async fn any_other_answer_ends_the_delivery_and_does_not_count_as_a_failure() {
    for status in [302, 400, 401, 404, 418, 422, 500, 501, 599] {
        let post = Post::to_loopback().await;
        let (api, mut calls) = answering(status, vec![]).await;
        let device = post.hooked(hook(&api)).await;
        post.send_one_by_one(&device, MANY).await;
        for _ in 0..MANY {
            let outcome = post.outcome_of(&calls.recv().await.unwrap()).await;
            assert_eq!((outcome.ending, outcome.code), (Ending::Delivered, Some(status)));
        }
        assert!(calls.try_recv().is_err(), "{status} was repeated");
        assert!(post.dead_letters().await.is_empty());
    }
}

#[tokio::test]
async fn an_answer_that_says_that_nothing_was_taken_is_followed_by_another_attempt() {
    for status in [408, 425, 429, 502, 503, 504] {
        let post = Post::to_loopback().await;
        let (api, mut calls) = server(&[status, 200]).await;
        let device = post.hooked(hook(&api)).await;
        post.send_one_by_one(&device, 1).await;
        let (first, second) = (calls.recv().await.unwrap(), calls.recv().await.unwrap());
        assert_eq!(first.header("x-meshblu-delivery-id"), second.header("x-meshblu-delivery-id"));
        assert_eq!(post.outcome_of(&first).await.code, Some(200), "{status}");
    }
}

#[tokio::test]
async fn a_receiver_that_says_that_the_delivery_has_ended_is_believed_whatever_the_status() {
    for status in [408, 425, 429, 502, 503, 504] {
        let post = Post::to_loopback().await;
        let (api, mut calls) = answering(status, vec!["x-meshblu-delivery: ended"]).await;
        let device = post.hooked(hook(&api)).await;
        post.send_one_by_one(&device, MANY).await;
        for _ in 0..MANY {
            assert_eq!(post.outcome_of(&calls.recv().await.unwrap()).await.code, Some(status));
        }
        assert!(calls.try_recv().is_err(), "{status} was repeated");
    }
}

#[tokio::test]
async fn a_receiver_that_says_that_the_delivery_is_open_gets_it_again_whatever_the_status() {
    for status in [200, 401, 404, 500] {
        let post = Post::to_loopback().await;
        let (api, _calls) = answering(status, vec!["x-meshblu-delivery: open"]).await;
        let device = post.hooked(hook(&api)).await;
        post.send_one_by_one(&device, 1).await;
        let letter = post.first_dead_letter().await;
        assert_eq!((letter.reason, letter.attempts), (format!("status {status}"), SETTINGS.attempts));
    }
}
