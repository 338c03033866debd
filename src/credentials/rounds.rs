//! What is looked after while the gateway runs.

use std::time::Duration;

use tokio::sync::{Notify, watch};

/// How long after a round it is looked again, if nobody rings before.
pub(super) const BETWEEN: Duration = Duration::from_secs(1);

/// Makes a round whenever `bell` rings, and every second, until stopped. Nobody waits any more for the one that is under way
/// then: it begins nothing new, and what it does not get done is done by the next.
pub(super) async fn until_stopped<R: Future<Output = ()>>(
    mut stopped: watch::Receiver<bool>,
    bell: &Notify,
    round: impl Fn() -> R,
) {
    let rounds = async {
        loop {
            round().await;
            tokio::select! {
                () = bell.notified() => {}
                () = tokio::time::sleep(BETWEEN) => {}
            }
        }
    };
    tokio::select! {
        // Fails where whoever says so is gone.
        _ = stopped.wait_for(|stop| *stop) => {}
        () = rounds => {}
    }
}
