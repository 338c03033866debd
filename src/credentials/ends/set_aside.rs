//! Tokens that are left alone for the sake of others of their account: they are set aside in the record of those, and end with
//! them.

use super::in_use::tokens_of;
use super::judgement::Spared;
use super::left::{Grants, Left};
use super::telling::Closing;
use crate::credentials::receipts::api_answer::ApiAnswer;
use crate::credentials::records::reseal::{SettingAside, Successor};
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::QueuedRevocation;
use crate::telemetry::with_causes;
use crate::vault::{Credentials, Grant, Owners, SecretText};

/// What is added to the reason where they are.
const ENDS_WITH_THOSE: &str = "it is set aside with those, and ended when they are not used any more, but not where sixteen newer tokens were \
                               set aside like it by then, for those alone are kept";

impl CredentialsDevices {
    /// Leaves tokens alone whose end waits; what of them nobody uses is set aside where their account goes on, and their wait is
    /// over with that. Where nothing is, answers what their receipt says then.
    ///
    /// # Errors
    /// What the store or the bus reports, also where that record is gone by now: then it is to be judged again.
    pub(super) async fn spare(
        &self,
        revocation: &QueuedRevocation,
        left: &Left,
        Spared { why, beside }: Spared,
    ) -> Result<Option<ApiAnswer>, CredentialsError> {
        let now = self.clock.now();
        if let Some(device) = beside {
            let answer = ApiAnswer::spared(&format!("{why}; {ENDS_WITH_THOSE}"), now);
            let closing = Closing { revocation: revocation.clone(), answer };
            if self.set_aside_in(&device, &left.rest, closing).await? {
                return Ok(None);
            }
        }
        Ok(Some(ApiAnswer::spared(&why, now)))
    }

    /// Answers whether anything is set aside then.
    async fn set_aside_in(
        &self,
        device: &DeviceUuid,
        spared: &Grants,
        closing: Closing,
    ) -> Result<bool, CredentialsError> {
        let (now, spared) = (self.clock.now(), spared.oldest_first());
        let set_aside = move |opened: &Credentials, owners: Owners| {
            let is_new = |one: &SecretText| !tokens_of(opened).any(|token| token.is(one.expose()));
            let new = |grant: &Grant| grant.living(now)?.those(is_new);
            let new: Vec<_> = spared.iter().filter_map(new).collect();
            if new.is_empty() {
                return Ok(None);
            }
            let grants = opened.set_aside().iter().filter_map(|grant| grant.living(now)).chain(new).collect();
            let set_aside = Some(SettingAside { grants, closing: closing.clone() });
            Ok(Some(Successor { set_aside, ..Successor::new(owners, opened.format()) }))
        };
        match self.reseal(device, set_aside).await {
            Ok(resealed) => Ok(resealed.is_some()),
            Err(CredentialsError::Rekey(error)) => {
                let error = with_causes(&error);
                tracing::error!(error, credentials.uuid = %device.logged(), "tokens cannot be set aside, and may live on");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
