//! Changes that are made piece by piece, so that others write in between. What was begun is done to its end, though whoever
//! asked for it hangs up or the process is killed: what is left is noted with each piece.

use serde::{Deserialize, Serialize};

use super::revocation::Revocation;
use super::unsubscribing::Unsubscribing;
use super::{BusError, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{Account, HalfDone, StoreError, Transaction};

/// What is left of a change that was allowed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Remainder {
    /// Tokens and subscriptions of a device that is removed, of which nothing is known any more.
    Removal(DeviceUuid),
    /// Tokens that end.
    Revocation(Revocation),
    /// Subscriptions that end.
    Unsubscribing(Unsubscribing),
}

impl EmbeddedBus {
    /// Begins a change on this account, and does the rest of it piece by piece, whether or not whoever asked for it still
    /// waits.
    ///
    /// # Errors
    /// As [`EmbeddedBus::change`] where nothing was begun. Inside, what the store reports where the rest could not be done:
    /// that is done when the bus is opened again.
    pub async fn change_in_pieces(
        &self,
        account: Account,
        begin: impl FnOnce(&Self, &Transaction<'_>) -> Result<Option<HalfDone>, BusError> + Send + 'static,
    ) -> Result<Result<(), StoreError>, BusError> {
        let bus = self.clone();
        let work = tokio::spawn(async move {
            match bus.change_for(account.clone(), begin).await? {
                Some(half_done) => Ok(bus.finish(account, half_done).await),
                None => Ok(Ok(())),
            }
        });
        work.await.unwrap_or_else(|broken| Err(StoreError::of_task(&broken).into()))
    }

    /// Does the first piece of a change. What comes back is still to be done.
    pub(super) fn begin(
        &self,
        transaction: &Transaction<'_>,
        change: Remainder,
    ) -> Result<Option<HalfDone>, StoreError> {
        let left = self.piece(transaction, change)?;
        left.map(|left| transaction.note_begun(&text(&left))).transpose()
    }

    /// Does what processes left undone that were killed.
    pub(super) async fn finish_all(&self) -> Result<(), StoreError> {
        while let Some(half_done) = self.store.read::<_, StoreError, _>(|view| view.half_done()).await? {
            self.finish(Account::Own, half_done).await?;
        }
        Ok(())
    }

    async fn finish(&self, account: Account, half_done: HalfDone) -> Result<(), StoreError> {
        let mut is_left = true;
        while is_left {
            let bus = self.clone();
            let next = move |transaction: &Transaction<'_>| bus.next_piece(transaction, half_done);
            is_left = self.store.write_for(account.clone(), next).await?;
        }
        Ok(())
    }

    /// Whether more is left after it.
    fn next_piece(&self, transaction: &Transaction<'_>, half_done: HalfDone) -> Result<bool, StoreError> {
        let Some(noted) = transaction.left_of(half_done)? else { return Ok(false) };
        let left = self.piece(
            transaction,
            serde_json::from_str(&noted).map_err(|error| StoreError::unreadable(&error))?,
        )?;
        match &left {
            Some(left) => transaction.note_left(half_done, &text(left))?,
            None => transaction.note_done(half_done)?,
        }
        Ok(left.is_some())
    }

    fn piece(
        &self,
        transaction: &Transaction<'_>,
        change: Remainder,
    ) -> Result<Option<Remainder>, StoreError> {
        Ok(match change {
            Remainder::Removal(uuid) => transaction.clear_away(&uuid)?.then_some(Remainder::Removal(uuid)),
            Remainder::Revocation(revocation) => {
                self.revoke_some(transaction, revocation)?.map(Remainder::Revocation)
            }
            Remainder::Unsubscribing(unsubscribing) => {
                self.unsubscribe_some(transaction, unsubscribing)?.map(Remainder::Unsubscribing)
            }
        })
    }
}

fn text(remainder: &Remainder) -> String {
    serde_json::to_string(remainder).expect("names, texts and numbers are JSON")
}
