//! What is looked after while the gateway runs.

use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::CredentialsDevices;
use crate::telemetry::with_causes;

/// How long after a round it is looked again, if nobody rings before.
pub(super) const BETWEEN: Duration = Duration::from_secs(1);
/// How many secrets are renewed in one go.
const AT_ONCE: usize = 256;

impl CredentialsDevices {
    /// Does what follows from what is over, renews what is due, and shows a bus elsewhere what is new, until stopped.
    pub async fn look_after(self, stopped: watch::Receiver<bool>) {
        let attending = self.clone().attend(stopped.clone());
        tokio::join!(attending, self.keep_renewed(stopped.clone()), self.keep_shown(stopped));
    }

    /// Waits until everything is answered that the API was asked: what a refresh token brings, and whether tokens of a sign-in
    /// are over. For the end of a gateway, once nothing more is begun.
    pub async fn until_answered(&self) {
        self.lasting.until_over().await;
        if let Some(renewing) = &self.renewing {
            renewing.renewals.until_over().await;
        }
    }

    async fn keep_renewed(&self, stopped: watch::Receiver<bool>) {
        let Some(renewing) = &self.renewing else { return };
        let round = || async {
            if let Err(error) = renewing.renewals.renew_due(AT_ONCE).await {
                tracing::warn!(error = with_causes(&error), "secrets are not renewed now");
            }
        };
        let nobody_rings = Notify::new();
        until_stopped(stopped, &nobody_rings, round).await;
    }
}

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
