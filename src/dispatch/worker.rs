//! Takes accepted messages off the queue, as there are turns for them, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::Desk;
use super::turns::Turns;
use crate::store::Feed;
use crate::telemetry::with_causes;

/// How long to wait before asking a store again that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// The worker of one gateway.
#[derive(Debug)]
pub struct Dispatch {
    feed: Arc<Feed>,
    desk: Arc<Desk>,
    turns: Turns,
}

impl Dispatch {
    /// A worker that takes from `feed`, and has `desk` answer what has one of the turns.
    pub fn new(feed: Arc<Feed>, desk: Arc<Desk>, turns: Turns) -> Self {
        Self { feed, desk, turns }
    }

    /// Works until `stop` turns true, then finishes what it has in hand. What it cannot finish stays in the queue.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = self.start_some(&mut running) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn start_some(&self, running: &mut JoinSet<()>) {
        while running.try_join_next().is_some() {}
        if running.len() >= self.turns.most() {
            running.join_next().await;
        }
        match self.feed.next(self.turns.most() - running.len()).await {
            Ok(taken) => {
                for taken in taken {
                    // Where there are no more, it stays in the queue.
                    let Some(turn) = self.turns.next().await else { break };
                    let room = self.turns.room(&taken.delivery.new.body).await;
                    let desk = Arc::clone(&self.desk);
                    running.spawn(async move {
                        let _held = (turn, room);
                        desk.handle(taken).await;
                    });
                }
            }
            Err(error) => {
                tracing::error!(error = with_causes(&error), "cannot read the queue");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}
