//! The clock was set back: what waits for its time would wait for all the time that passes twice, so it is due at once.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::CredentialsDevices;
use crate::ambient::Timestamp;
use crate::store::{StoreError, Transaction};

/// By how much clocks are put right without anybody minding.
const SLIGHT: Duration = Duration::from_secs(1);

/// The time of the last round.
#[derive(Debug)]
pub(super) struct LastRound(AtomicI64);

impl Default for LastRound {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl CredentialsDevices {
    /// Has everything be due that waits, where the clock was set back since the last round.
    pub(super) async fn mind_the_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        let LastRound(last) = &*self.last_round;
        let before = Timestamp::from_millis(last.load(Ordering::SeqCst));
        if before > now.plus(SLIGHT) {
            tracing::warn!("the clock was set back; what waits is done at once");
            self.hasten(now).await?;
        }
        last.store(now.as_millis(), Ordering::SeqCst);
        Ok(())
    }

    /// Has everything be due by now that waits.
    pub(super) async fn hasten(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.write(move |transaction: &Transaction<'_>| transaction.hasten_what_waits(now)).await
    }
}
