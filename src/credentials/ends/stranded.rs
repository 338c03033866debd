//! Secrets that a renewal brought too late: the credentials were forgotten, or somebody signed in anew. Nobody else knows
//! them, so they end at the API by the same errand as the one that they were to take the place of.

use super::in_use::GOES_ON;
use crate::ambient::Timestamp;
use crate::credentials::CredentialsDevices;
use crate::credentials::receipts::api_answer::{ApiAnswer, ApiVerdict};
use crate::credentials::receipts::receipt::{Act, Fate, Matter, Part, Receipt, amend};
use crate::message::DeviceUuid;
use crate::source::renewal::{CameTo, Outcome, Sake, Sending, Stranded, is_answer_lost};
use crate::store::{
    CopyOfLine, Fingerprint, HolderOfLine, NewRevocation, RenewalStage, StoreError, Transaction, View,
};

/// How many receipts are looked through for the end of the secret before: rights may have ended since.
const LOOKED_THROUGH: usize = 100;
const NOTHING_CAME: &str = "it brought no new tokens";
/// Of a renewal that was not answered.
pub(in crate::credentials) const ANSWER_LOST: &str =
    "nobody knows whether it brought new tokens; look at the API, and end there what is left";
const TOLD_ELSEWHERE: &str =
    "it brought new tokens; the receipt of the credentials that it was asked for says what became of them";
const NOBODY_HAS_THEM: &str = "it brought new tokens, which nobody here has and the gateway cannot end, or not them alone; look at the \
                               API, and end there what is left";
const HELD_ELSEWHERE: &str =
    "a sign-in since brought the same refresh token again, and the new tokens are in its credentials";

impl CredentialsDevices {
    /// Notes what becomes of a secret that is nobody's: it is to end where the one did that it was brought for. Where another
    /// renewal took the place of that, both are of one sign-in, and nothing ends.
    pub(in crate::credentials) fn strand(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        stranded: Stranded<'_>,
    ) -> Result<(), StoreError> {
        match stranded.sending.sake {
            Sake::End { copy } => self.end_beside(transaction, copy, stranded),
            Sake::Use { .. } => match end_since(transaction, device, stranded.sending)? {
                Some(receipt) => self.end_like(transaction, receipt, stranded),
                None => Ok(()),
            },
        }
    }

    /// It was brought for the end of what is in this sealed copy.
    fn end_beside(
        &self,
        transaction: &Transaction<'_>,
        copy: i64,
        Stranded { record, refresh, ends_at, .. }: Stranded<'_>,
    ) -> Result<(), StoreError> {
        let Some(other) = transaction.revocation(copy)? else {
            tracing::error!(
                "tokens that were brought for an end came when its day was over, and may live on"
            );
            return Ok(());
        };
        let beside = NewRevocation::beside(&other, record, self.clock.now());
        let beside = beside.renewed_by(Some(refresh)).renewable_from(ends_at);
        transaction.add_revocation(&beside)?;
        self.ring_for_ends(transaction);
        Ok(())
    }

    /// It is to end as this receipt says.
    fn end_like(
        &self,
        transaction: &Transaction<'_>,
        receipt: Receipt,
        Stranded { record, refresh, .. }: Stranded<'_>,
    ) -> Result<(), StoreError> {
        if self.first_answer(record).verdict != ApiVerdict::Pending {
            return amend(transaction, receipt.id, |receipt| {
                receipt.renewal_came_to(Fate::Stayed, Some(NOBODY_HAS_THEM));
            });
        }
        let now = self.clock.now();
        let copy = NewRevocation::told_by(receipt.id, &receipt.credentials, record, now);
        transaction.add_revocation(&copy.renewed_by(Some(refresh)))?;
        amend(transaction, receipt.id, |receipt| {
            receipt.renewal_came_to(Fate::Ended, None);
            receipt.await_answer(now);
        })?;
        self.ring_for_ends(transaction);
        Ok(())
    }

    /// Has what is due be done as soon as this is committed.
    pub(in crate::credentials) fn ring_for_ends(&self, transaction: &Transaction<'_>) {
        let bell = self.aftermath.clone();
        transaction.after_commit(move || bell.notify_one());
    }
}

/// Ends the wait of a secret whose refresh token a sign-in came to hold, and says so where its end is told. What else it was
/// to end is set aside.
pub(in crate::credentials) fn take_up(
    transaction: &Transaction<'_>,
    copy: &CopyOfLine,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction.erase_revocation(copy.seq)?;
    let others_wait = transaction.has_revocations(&copy.credentials, copy.receipt)?;
    amend(transaction, copy.receipt, |receipt| {
        receipt.keep_renewal(HELD_ELSEWHERE);
        receipt.answered(ApiAnswer::spared(HELD_ELSEWHERE, now), others_wait);
    })
}

/// Says, where a secret ended when a renewal was asked for or later, what became of that.
pub(in crate::credentials) fn tell_outcome(
    transaction: &Transaction<'_>,
    device: &DeviceUuid,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let Some(receipt) = end_since(transaction, device, outcome.sending)? else { return Ok(()) };
    let (fate, why) = match outcome.came_to {
        CameTo::Nothing => (Fate::Ended, NOTHING_CAME),
        CameTo::ElsewhereHeld => (Fate::Stayed, HELD_ELSEWHERE),
    };
    amend(transaction, receipt.id, |receipt| receipt.renewal_came_to(fate, Some(why)))
}

/// The receipt that says how a secret of these credentials ended since this was sent, if one did: the first that waits for what
/// a renewal brings, for the later ones are of other secrets.
pub(super) fn end_since(
    view: &View<'_>,
    device: &DeviceUuid,
    sending: Sending,
) -> Result<Option<Receipt>, StoreError> {
    let Sake::Use { last_receipt } = sending.sake else { return Ok(None) };
    let newest_first = view.receipts_of(device, LOOKED_THROUGH)?;
    let is_end = |receipt: &Receipt| {
        let is_end = matches!(receipt.act, Act::Forgotten | Act::Replaced);
        is_end && !goes_on(receipt) && receipt.id > last_receipt
    };
    let mut ends: Vec<_> = newest_first.iter().filter_map(Receipt::read).filter(is_end).collect();
    let waiting = ends.iter().rposition(Receipt::awaits_renewal).unwrap_or_default();
    Ok((!ends.is_empty()).then(|| ends.swap_remove(waiting)))
}

/// Whether the refresh token stayed, and with it what a renewal brings.
fn goes_on(receipt: &Receipt) -> bool {
    let why = receipt.api.as_ref().and_then(|api| api.why.as_deref());
    let is_access_alone = |part: &Part| part.what == Matter::EarlierAccessToken;
    why.is_some_and(|why| why.starts_with(GOES_ON)) || receipt.parts.iter().any(is_access_alone)
}

/// What came of the last sending of a refresh token that was to end, as far as that is known.
pub(super) fn came_of(
    view: &View<'_>,
    token: Option<Fingerprint>,
) -> Result<(Fate, &'static str), StoreError> {
    let Some(token) = token else { return Ok((Fate::Stayed, ANSWER_LOST)) };
    let Some(known) = view.refresh_token(&token)? else { return Ok((Fate::Stayed, ANSWER_LOST)) };
    Ok(match known.stage {
        _ if is_answer_lost(&known) => (Fate::Stayed, ANSWER_LOST),
        RenewalStage::Refused => (Fate::Ended, NOTHING_CAME),
        RenewalStage::Spent => match view.holders_of_line(&token)?.iter().any(HolderOfLine::has_the_last) {
            true => (Fate::Stayed, HELD_ELSEWHERE),
            false => (Fate::Stayed, TOLD_ELSEWHERE),
        },
        _ => (Fate::Stayed, ANSWER_LOST),
    })
}
