//! Jobs that take long leave turns and room in memory to those of other user devices.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use endo::dispatch::turns;
use endo::job::{Job, JobContext, JobError};
use endo::sharing::Turns;
use futures_util::future::FutureExt;
use futures_util::poll;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::desk::{Chain, Worker, Workshop, formless, only};

/// A job that answers at once, or where it is asked to wait, once it is told.
#[derive(Clone)]
struct Gate {
    open: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Job for Gate {
    type Data = Value;
    type Response = Value;

    async fn run(&self, data: Value, _context: JobContext) -> Result<Value, JobError> {
        if data["waits"] == json!(true) {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            self.open.acquire().await.unwrap().forget();
        }
        Ok(json!({}))
    }
}

/// A gateway whose worker runs, and two user devices.
struct Scene {
    workshop: Workshop,
    busy: Chain,
    other: Chain,
    gate: Gate,
    worker: Worker,
}

impl Scene {
    async fn set(turns: Turns) -> Self {
        let workshop = Workshop::open("http://127.0.0.1:9").await;
        let (busy, other) = (workshop.chain().await, workshop.chain().await);
        let gate = Gate { open: Arc::new(Semaphore::new(0)), waiting: Arc::default() };
        let worker = workshop.worker(only(vec![formless("gate", gate.clone())]), turns);
        Self { workshop, busy, other, gate, worker }
    }

    async fn send(&self, chain: &Chain, data: &Value) {
        self.workshop.send(chain, json!({"metadata": {"jobType": "Gate"}, "data": data})).await;
    }

    /// Sends so many to the busy device whose jobs wait, until so many do.
    async fn keep_busy(&self, messages: usize, data: &Value, at_once: usize) {
        for _ in 0..messages {
            self.send(&self.busy, data).await;
        }
        while self.waiting() < at_once {
            tokio::task::yield_now().await;
        }
    }

    fn waiting(&self) -> usize {
        self.gate.waiting.load(Ordering::SeqCst)
    }

    async fn end(self) {
        self.gate.open.add_permits(100);
        self.workshop.until_nothing_waits().await;
        self.worker.stop().await;
    }
}

async fn is_answered(chain: &mut Chain) {
    let reply = chain.replies.next().await.unwrap();
    let message: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(message["metadata"]["code"], 200, "{message}");
}

/// A text of a few kilobytes that takes more than a megabyte of memory.
fn heavy() -> Value {
    json!(vec![[0]; 4_000])
}

#[tokio::test]
async fn one_device_s_jobs_leave_turns_to_another_s() {
    let mut scene = Scene::set(turns(8)).await;
    scene.keep_busy(20, &json!({"waits": true}), 4).await;
    scene.send(&scene.other, &json!({})).await;
    is_answered(&mut scene.other).await;
    assert_eq!(scene.waiting(), 4);
    scene.end().await;
}

#[tokio::test]
async fn who_waits_for_turns_gets_the_next_one_before_others_who_have_more() {
    let mut scene = Scene::set(turns(1)).await;
    scene.keep_busy(20, &json!({"waits": true}), 1).await;
    scene.send(&scene.other, &json!({})).await;
    scene.gate.open.add_permits(2);
    is_answered(&mut scene.other).await;
    assert!(scene.workshop.waiting().await >= 18);
    scene.end().await;
}

#[tokio::test]
async fn messages_that_wait_for_room_in_memory_hold_up_none_that_need_none() {
    let mut scene = Scene::set(Turns::within(8, 1 << 20)).await;
    scene.keep_busy(3, &json!({"waits": true, "heavy": heavy()}), 1).await;
    scene.send(&scene.other, &json!({})).await;
    is_answered(&mut scene.other).await;
    scene.send(&scene.busy, &json!({})).await;
    is_answered(&mut scene.busy).await;
    assert_eq!(scene.waiting(), 1);
    scene.end().await;
}

#[tokio::test]
async fn one_device_s_messages_leave_room_in_memory_to_another_s() {
    let mut scene = Scene::set(Turns::within(8, 12 << 20)).await;
    scene.keep_busy(20, &json!({"waits": true, "heavy": heavy()}), 2).await;
    scene.send(&scene.other, &json!({"heavy": heavy()})).await;
    is_answered(&mut scene.other).await;
    scene.end().await;
}

#[tokio::test]
async fn a_message_that_needs_all_the_room_gets_it_before_what_came_later() {
    let mut scene = Scene::set(Turns::within(8, 3 << 20)).await;
    scene.keep_busy(1, &json!({"waits": true, "heavy": heavy()}), 1).await;
    scene.send(&scene.other, &json!({"waits": true, "heavy": vec![[0]; 20_000]})).await;
    scene.send(&scene.busy, &json!({"waits": true, "heavy": heavy()})).await;
    scene.gate.open.add_permits(2);
    is_answered(&mut scene.other).await;
    scene.end().await;
}

#[tokio::test]
async fn who_waits_for_room_in_memory_no_more_keeps_nobody_waiting() {
    const ROOM: usize = 4 << 20;
    let turns = Turns::within(8, ROOM);
    let [busy, patient, next] = ["busy", "patient", "next"].map(Into::into);
    let _held = turns.now(&busy, ROOM / 2).unwrap();
    let mut wants_all = turns.next(&patient, ROOM).boxed();
    assert!(poll!(&mut wants_all).is_pending());
    let mut wants_some = turns.next(&next, ROOM / 2).boxed();
    assert!(poll!(&mut wants_some).is_pending(), "it came later");
    drop(wants_all);
    assert!(wants_some.now_or_never().flatten().is_some());
}
