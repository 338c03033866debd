//! What is on disk of the questions that the API is asked: should this process end, the next knows where it was.

use super::hindrance::{LONGEST, STILL_AT_IT};
use crate::credentials::CredentialsDevices;
use crate::credentials::receipts::receipt::{Receipt, amend};
use crate::store::{Fingerprint, QueuedRevocation, StoreError, Transaction};

impl CredentialsDevices {
    /// That the API is asked is on disk before it is: should nobody hear its answer, it is known that it may be at it. Answers
    /// whether the copy still waits.
    pub(super) async fn note_asked(&self, revocation: &QueuedRevocation) -> Result<bool, StoreError> {
        let QueuedRevocation { seq, made_at, .. } = *revocation;
        let rested_at = self.clock.now().plus(STILL_AT_IT).min(made_at.plus(LONGEST));
        let note = move |transaction: &Transaction<'_>| transaction.note_asked(seq, rested_at);
        self.store.write(note).await
    }

    /// That these of its tokens are over is on disk before another is asked for, and in the receipt, where they ended by being asked
    /// for: an API may refuse to end what is over.
    pub(super) async fn note_over(
        &self,
        revocation: &QueuedRevocation,
        tokens: Vec<Fingerprint>,
        have_ended: bool,
    ) -> Result<(), StoreError> {
        let QueuedRevocation { seq, receipt, .. } = *revocation;
        let note = move |transaction: &Transaction<'_>| {
            transaction.note_over(seq, &tokens)?;
            match receipt.filter(|_| have_ended) {
                Some(receipt) => amend(transaction, receipt, Receipt::note_some_ended),
                None => Ok(()),
            }
        };
        self.store.write(note).await
    }
}
