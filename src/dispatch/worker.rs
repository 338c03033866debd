//! Takes accepted messages off the queue, as there are turns for them, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::Desk;
use crate::message::DeviceUuid;
use crate::sharing::{Turn, Turns};
use crate::store::{Feed, Handed, PassedOver};
use crate::telemetry::with_causes;

/// How long to wait before asking a store again that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// What all messages together may take in memory that have a turn.
const MESSAGES_BYTES: usize = 256 << 20;

/// The turns of one gateway, so many at a time.
pub fn turns(most: usize) -> Turns {
    Turns::within(most, MESSAGES_BYTES)
}

/// The worker of one gateway.
#[derive(Clone, Debug)]
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
        let stopped = stop.clone();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = self.start_some(&mut running, &stopped) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn start_some(&self, running: &mut JoinSet<()>, stopped: &watch::Receiver<bool>) {
        while running.try_join_next().is_some() {}
        if self.turns.is_closed() {
            // It stays in the queue.
            return std::future::pending().await;
        }
        let turns = self.turns.clone();
        let admit = move |device: &DeviceUuid, bytes| turns.now(device, bytes);
        match self.feed.next(self.turns.most(), PassedOver::default, admit).await {
            Ok(due) => {
                for due in due {
                    running.spawn(self.clone().work_on(due, stopped.clone()));
                }
            }
            Err(error) => {
                tracing::error!(error = with_causes(&error), "cannot read the queue");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }

    async fn work_on(self, due: Handed<Turn>, mut stopped: watch::Receiver<bool>) {
        let (taken, _turn) = match due {
            Handed::Now(taken, turn) => (taken, turn),
            Handed::Later(claim) => {
                let turn = tokio::select! {
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                    turn = self.turns.next(&claim.device, claim.bytes) => turn,
                };
                let Some(turn) = turn else { return };
                match self.feed.take(claim).await {
                    Ok(Some(taken)) => (taken, turn),
                    Ok(None) => return,
                    Err(error) => {
                        return tracing::error!(error = with_causes(&error), "cannot read the queue");
                    }
                }
            }
        };
        self.desk.handle(taken).await;
    }
}
