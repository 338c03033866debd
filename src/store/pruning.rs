//! Forgetting what is over, a little at a time so that nobody waits.

use super::{Store, StoreError, Transaction};
use crate::ambient::Timestamp;

impl Store {
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
