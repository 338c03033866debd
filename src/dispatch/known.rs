//! What is known of a delivery that is brought again under its name.

use tokio::sync::oneshot;

use super::answer::Desk;
use super::ending::NOT_OPENED;
use super::{NotReceived, Verdict};
use crate::message::DeliveryId;
use crate::store::{StoreError, Transaction, View};

/// What is known of a delivery that has a name.
pub(super) enum Known {
    Nothing,
    /// It was accepted and has not ended.
    Open,
    Ended(Verdict),
    /// It was given up before its job ran, for want of somebody who could answer it or of a record that opens.
    NotOpened(Verdict),
}

impl Desk {
    pub(super) async fn known(&self, id: DeliveryId) -> Result<Known, StoreError> {
        if let Some(verdict) = self.endings.refusal_of(&id) {
            return Ok(Known::Ended(verdict));
        }
        if !self.store.may_know(&id) {
            return Ok(Known::Nothing);
        }
        let look = move |view: &View<'_>| {
            if let Some(outcome) = view.outcomes(&id)?.first() {
                return Ok(Known::Ended(Verdict::of(outcome)));
            }
            if let Some(letter) = view.dead_letter(&id)? {
                let known = if letter.reason == NOT_OPENED { Known::NotOpened } else { Known::Ended };
                return Ok(known(Verdict::of_dead_letter(&letter)));
            }
            Ok(if view.is_queued(&id)? { Known::Open } else { Known::Nothing })
        };
        self.store.glance(look).await
    }

    pub(super) async fn forget_dead_letter(&self, id: DeliveryId) -> Result<(), StoreError> {
        let forget = move |transaction: &Transaction<'_>| transaction.forget_dead_letter(&id);
        self.store.write(forget).await
    }

    /// The end of a delivery that somebody else has in hand, or that they left it in the store.
    pub(super) async fn heard(
        &self,
        id: DeliveryId,
        ending: oneshot::Receiver<Verdict>,
    ) -> Result<Verdict, NotReceived> {
        if let Ok(verdict) = ending.await {
            return Ok(verdict);
        }
        match self.known(id).await? {
            Known::Ended(verdict) | Known::NotOpened(verdict) => Ok(verdict),
            Known::Open => Ok(Verdict::Accepted),
            Known::Nothing => Err(NotReceived::LetGo),
        }
    }
}
