//! Takes accepted messages off the queue, a bounded number at a time, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::Desk;
use crate::store::Feed;
use crate::telemetry::with_causes;

/// How long to wait before asking a store again that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// The worker of one gateway.
#[derive(Debug)]
pub struct Dispatch {
    feed: Arc<Feed>,
    desk: Arc<Desk>,
    concurrency: usize,
}

impl Dispatch {
    /// A worker that takes from `feed` and does at most `concurrency` messages at a time.
    pub fn new(feed: Arc<Feed>, desk: Arc<Desk>, concurrency: usize) -> Self {
        Self { feed, desk, concurrency: concurrency.max(1) }
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
        if running.len() >= self.concurrency {
            running.join_next().await;
        }
        match self.feed.next(self.concurrency - running.len()).await {
            Ok(taken) => taken.into_iter().for_each(|taken| {
                let desk = Arc::clone(&self.desk);
                running.spawn(async move { desk.handle(taken).await });
            }),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "cannot read the queue");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}
