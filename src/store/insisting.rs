//! Writes that are made again and again until they are on disk, which the log says.

use std::time::Duration;

use super::{Account, Store, StoreError, Transaction};
use crate::telemetry::with_causes;

/// How long to wait before the same is written again.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// What is made of a write that fails.
#[derive(Clone, Copy, Debug)]
pub struct Insisting {
    what: &'static str,
    tries: u32,
    waits_for_room: bool,
}

impl Insisting {
    /// It is written until it is on disk, and the log says each time `what` could not be done.
    pub fn that(what: &'static str) -> Self {
        Self { what, tries: u32::MAX, waits_for_room: true }
    }

    /// The same, but so often at most.
    #[must_use]
    pub fn at_most(self, tries: u32) -> Self {
        Self { tries, ..self }
    }

    /// The same, but where there is no room it only waits for that if this is true.
    #[must_use]
    pub fn waiting_for_room(self, waits_for_room: bool) -> Self {
        Self { waits_for_room, ..self }
    }

    fn is_over(&self, tries: u32, error: &StoreError) -> bool {
        match error {
            StoreError::Closed => true,
            StoreError::Full if !self.waits_for_room => true,
            _ => tries >= self.tries,
        }
    }
}

impl Store {
    /// As [`Store::write`], but what fails is written again.
    ///
    /// # Errors
    /// [`StoreError::Closed`]; [`StoreError::Full`] where that is not waited for, and the last of so many.
    pub async fn insist<T, F>(&self, insisting: Insisting, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Transaction<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    {
        self.insist_for(Account::Own, insisting, change).await
    }

    /// As [`Store::insist`], on this account.
    ///
    /// # Errors
    /// As [`Store::insist`].
    pub async fn insist_for<T, F>(
        &self,
        account: Account,
        insisting: Insisting,
        change: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Transaction<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    {
        let mut tries = 0;
        loop {
            let error = match self.write_for(account.clone(), change.clone()).await {
                Err(error) => error,
                written => return written,
            };
            tries += 1;
            if insisting.is_over(tries, &error) {
                return Err(error);
            }
            tracing::error!(error = with_causes(&error), "{}; trying again", insisting.what);
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }
}
