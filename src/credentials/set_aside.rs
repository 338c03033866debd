//! Tokens that are left alone for the sake of others of their account: they are set aside in the record of those, and end with
//! them.

use super::api_answer::ApiAnswer;
use super::in_use::tokens_of;
use super::judgement::Spared;
use super::left::{Grants, Left};
use super::receipt::amend;
use super::reseal::Successor;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{QueuedRevocation, StoreError, Transaction};
use crate::telemetry::with_causes;
use crate::vault::{Credentials, Grant, Owners, SecretText};

/// What is added to the reason where they are.
const ENDS_WITH_THOSE: &str = "it is set aside with those, and ended when they are not used any more, but not where sixteen newer tokens were \
                               set aside like it by then, for those alone are kept";

impl CredentialsDevices {
    /// Leaves tokens alone whose end waits; what of them nobody uses is set aside where their account goes on. Answers what
    /// their receipt says then.
    ///
    /// # Errors
    /// What the store or the bus reports, also where that record is gone by now: then it is to be judged again.
    pub(super) async fn spare(
        &self,
        revocation: &QueuedRevocation,
        left: &Left,
        spared: Spared,
    ) -> Result<ApiAnswer, CredentialsError> {
        let Spared { why, beside } = spared;
        let crowded_out = match &beside {
            Some(device) => self.set_aside_in(device, &left.grants).await?,
            None => None,
        };
        let (Some(crowded_out), Some(device)) = (crowded_out, beside) else {
            return Ok(ApiAnswer::spared(&why, self.clock.now()));
        };
        self.tell_of_those(crowded_out, device, revocation).await?;
        Ok(ApiAnswer::spared(&format!("{why}; {ENDS_WITH_THOSE}"), self.clock.now()))
    }

    /// Answers how many older ones the record has no room for then; none where nothing is set aside.
    async fn set_aside_in(
        &self,
        device: &DeviceUuid,
        spared: &Grants,
    ) -> Result<Option<usize>, CredentialsError> {
        let (now, spared) = (self.clock.now(), spared.oldest_first());
        let set_aside = move |opened: &Credentials, owners: Owners| {
            let is_new = |one: &SecretText| !tokens_of(opened).any(|token| token.is(one.expose()));
            let new = |grant: &Grant| grant.living(now)?.those(is_new);
            let new: Vec<_> = spared.iter().filter_map(new).collect();
            if new.is_empty() {
                return Ok(None);
            }
            let all = opened.set_aside().iter().filter_map(|grant| grant.living(now)).chain(new).collect();
            Ok(Some(Successor { set_aside: Some(all), ..Successor::new(owners, opened.format()) }))
        };
        match self.reseal(device, set_aside).await {
            Ok(resealed) => Ok(resealed.map(|new| new.crowded_out)),
            Err(CredentialsError::Rekey(error)) => {
                let error = with_causes(&error);
                tracing::error!(error, credentials.uuid = %device, "tokens cannot be set aside, and may live on");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Says in the receipt that as many older ones stay at the API.
    async fn tell_of_those(
        &self,
        crowded_out: usize,
        device: DeviceUuid,
        revocation: &QueuedRevocation,
    ) -> Result<(), StoreError> {
        let Some(receipt) = revocation.receipt.filter(|_| crowded_out > 0) else { return Ok(()) };
        let tell = move |transaction: &Transaction<'_>| {
            amend(transaction, receipt, |receipt| receipt.crowded_out(crowded_out, &device))
        };
        self.store.write(tell).await
    }
}
