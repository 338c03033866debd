//! Renewing what is to end, once: an API that ends a grant by its access token alone does not know one that ran out, and the
//! refresh token lives on.

use std::sync::Arc;

use super::claim::{begin_to_send, rests};
use super::clients::CameBy;
use super::demand::Demand;
use super::error::RenewalError;
use super::judgement::{end, is_answer_lost, is_held, may_send_again};
use super::records::{Held, Sake};
use super::renewer::{Attempt, Case, Renewer, Run};
use super::subject::Subject;
use crate::message::DeviceUuid;
use crate::store::{Fingerprint, RenewalStage, StoreError, StoredRecord, StoredRefreshToken, Transaction};
use crate::vault::SecretText;

/// A secret that is to end at the API.
#[derive(Debug)]
pub struct EndingSecret {
    /// For what it is sealed.
    pub device: DeviceUuid,
    /// What names its sealed copy in the store.
    pub copy: i64,
    /// That copy.
    pub record: StoredRecord,
    /// The access token in it, and the refresh token that is to end, which may be another's.
    pub held: Held,
}

/// What a refresh token came to that was to be sent for its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastRenewal {
    /// What it brought is on disk: to be ended as well, unless a record came to hold it.
    Brought,
    /// It brings nothing any more.
    Over,
    /// It brings nothing any more, but an answer to it was lost, and what was in that may live on.
    Lost,
}

/// What is found before it is sent.
enum LastClaim {
    /// It may be sent: that it will be is on disk with this.
    Spend,
    CameTo(LastRenewal),
    /// Somebody else is at it.
    Held,
    /// The last try failed a moment ago.
    Resting,
    /// It came by another client of the API.
    OtherClient,
}

impl Renewer {
    /// Sends a refresh token for its own end, as often as one may be sent; what it brings is on disk before this returns. May be
    /// dropped at any await.
    ///
    /// # Errors
    /// [`RenewalError`], where it may come to something another time.
    pub(super) async fn renew_for_an_end(&self, ending: EndingSecret) -> Result<LastRenewal, RenewalError> {
        let EndingSecret { device, copy, record, held } = ending;
        let Some(token) = held.refresh.as_ref().map(SecretText::fingerprint) else {
            return Ok(LastRenewal::Over);
        };
        let holder = self.random.uuid();
        match self.claim_for_an_end(token, held.client.clone(), holder.clone()).await? {
            LastClaim::Spend => {}
            LastClaim::CameTo(last) => return Ok(last),
            LastClaim::Held => return Err(RenewalError::Busy),
            LastClaim::Resting => return Err(RenewalError::Resting),
            LastClaim::OtherClient => return Err(RenewalError::OtherClient),
        }
        let subject = Subject { device, token: Some(token), secret_since: 0 };
        let (demand, ends_at) = (Demand::Due, None);
        let case = Case { demand, record, ends_at, subject, held, holder };
        if let Attempt::Lost(error) = self.spend(&case, &mut Run::default(), Sake::End { copy }).await? {
            return Err(RenewalError::Unavailable(Arc::new(error)));
        }
        let known = self.store.read::<_, StoreError, _>(move |view| view.refresh_token(&token)).await?;
        Ok(known.as_ref().and_then(came_to).unwrap_or(LastRenewal::Brought))
    }

    async fn claim_for_an_end(
        &self,
        token: Fingerprint,
        came_by: Option<String>,
        holder: String,
    ) -> Result<LastClaim, StoreError> {
        let (now, lease, retry) = (self.clock.now(), self.settings.lease, self.retry());
        let client = self.upstream.client.clone();
        let claim = move |transaction: &Transaction<'_>| {
            let known = transaction.refresh_token(&token)?;
            let mut refresh = known.unwrap_or_else(|| StoredRefreshToken::new(token));
            if is_held(&refresh, now) {
                return Ok(LastClaim::Held);
            }
            if let Some(last) = came_to(&refresh) {
                return Ok(LastClaim::CameTo(last));
            }
            let came_by = CameBy { noted: came_by.as_deref(), since: refresh.line_since };
            if came_by.another(transaction, &client)? {
                return Ok(LastClaim::OtherClient);
            }
            if rests(&refresh, now) {
                return Ok(LastClaim::Resting);
            }
            (refresh.noted, refresh.noted_at) = (transaction.next_moment()?, now);
            let may_be_sent = refresh.stage == RenewalStage::Idle || may_send_again(retry, refresh.sent);
            if may_be_sent {
                (refresh.holder, refresh.held_until) = (holder, now.plus(lease));
                begin_to_send(&mut refresh);
            } else {
                end(&mut refresh, None, RenewalStage::GivenUp);
            }
            transaction.store_refresh_token(&refresh)?;
            Ok(if may_be_sent { LastClaim::Spend } else { LastClaim::CameTo(LastRenewal::Lost) })
        };
        self.store.write::<_, StoreError, _>(claim).await
    }
}

/// What it came to, if it did. Where one answer came, its end is that of the grant, and of what was in others that were lost.
fn came_to(refresh: &StoredRefreshToken) -> Option<LastRenewal> {
    match refresh.stage {
        RenewalStage::Idle | RenewalStage::Sending | RenewalStage::InDoubt => None,
        RenewalStage::Spent => Some(LastRenewal::Brought),
        _ if is_answer_lost(refresh) => Some(LastRenewal::Lost),
        RenewalStage::Refused | RenewalStage::GivenUp => Some(LastRenewal::Over),
    }
}
