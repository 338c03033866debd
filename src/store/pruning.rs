//! Forgetting what is over, a little at a time so that nobody waits.

use super::{Store, StoreError, Transaction, View};
use crate::ambient::Timestamp;

/// How many refresh tokens are forgotten at once.
const AT_ONCE: usize = 1000;

impl Store {
    /// Forgets what is known of refresh tokens that nobody holds since `before`: no sign-in brings them any more.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn forget_old_refresh_tokens(&self, before: Timestamp) -> Result<(), StoreError> {
        loop {
            let look = move |view: &View<'_>| view.refresh_tokens_of_nobody(before, AT_ONCE);
            let tokens = self.read::<_, StoreError, _>(look).await?;
            if tokens.is_empty() {
                return Ok(());
            }
            let forget = move |transaction: &Transaction<'_>| transaction.forget_refresh_tokens(&tokens);
            self.write::<_, StoreError, _>(forget).await?;
        }
    }

    /// Forgets outcomes and dead letters older than `before`, and all but the newest `keep` of each; messages that people
    /// sent as well.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn forget_old(&self, before: Timestamp, keep: u64) -> Result<(), StoreError> {
        let letters = move |transaction: &Transaction<'_>| {
            transaction.forget_sent(before)?;
            transaction.forget_dead_letters(before, keep)
        };
        self.write::<_, StoreError, _>(letters).await?;
        let outcomes = move |transaction: &Transaction<'_>| transaction.forget_outcomes(before, keep);
        while self.write::<_, StoreError, _>(outcomes).await? {}
        Ok(())
    }
}
