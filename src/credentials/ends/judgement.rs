//! Whether tokens that are over are ended now: what is in use is not ended with them, nor what somebody may go on with.

use std::collections::HashSet;

use super::end::{End, Tokens};
use super::hindrance::Hindrance;
use super::in_use::ENDS_NEWER_ONES;
use super::left::Left;
use super::lost_answers::MAY_BE_ITS_ANSWER;
use super::of_use::Looks;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::is_held;
use crate::store::{HolderOfLine, QueuedRevocation, StoreError, StoredRefreshToken, View};
use crate::vault::SecretText;

/// What is added where the API may have ended what these are spared for.
const ASKED_BEFORE: &str = "it may have been asked before they came, and did not answer, so it was looked whether it still takes them";
const HELD: &str = "credentials here hold the same tokens, or some that may end with them";
const NOBODY_S: &str =
    "the record does not say whose tokens they are, and that may end newer tokens of the same account";

/// What becomes of tokens that are over.
#[derive(Debug)]
pub(super) enum Judgement {
    /// The API is asked to end them.
    End,
    /// They are left alone.
    Spare(Spared),
    /// Nobody can tell yet, for this reason.
    Wait(Hindrance),
}

/// Credentials, and what they hold.
type Holders = Vec<(DeviceUuid, Tokens)>;

/// Why tokens are left alone, and with what they end then.
#[derive(Debug)]
pub(super) struct Spared {
    pub(super) why: String,
    /// Credentials of their account which may end with them.
    pub(super) beside: Option<DeviceUuid>,
}

/// Whoever judges tokens that are over. The API is asked at most once about each secret that is kept.
pub(super) struct Judge<'a> {
    devices: &'a CredentialsDevices,
    revocation: &'a QueuedRevocation,
    left: &'a Left,
    end: &'a End,
    looks: Looks<'a>,
    /// What turned out dead in a look.
    dead: HashSet<DeviceUuid>,
}

/// Why tokens are not to be ended now.
struct Reason {
    why: &'static str,
    /// For the sake of what is kept here.
    kept: Vec<DeviceUuid>,
    /// Whether that is of their account, too.
    is_of_account: bool,
}

impl Reason {
    /// What becomes of them by this.
    fn spare(self, also: Option<&str>) -> Judgement {
        let Self { why, kept, is_of_account } = self;
        let why = also.map_or_else(|| why.to_owned(), |also| format!("{why}; {also}"));
        Judgement::Spare(Spared { why, beside: kept.into_iter().next().filter(|_| is_of_account) })
    }
}

impl<'a> Judge<'a> {
    /// That of what is left of these tokens, and of its end.
    pub(super) fn of(
        devices: &'a CredentialsDevices,
        revocation: &'a QueuedRevocation,
        left: &'a Left,
        end: &'a End,
    ) -> Self {
        Self { devices, revocation, left, end, looks: devices.looks_for_an_end(), dead: HashSet::new() }
    }

    /// What becomes of them. Where the API may have been asked to end them already and did not say what it did, what they are
    /// spared for may have ended: nobody is to believe that it is good, and nothing is spared for the sake of what is dead. Nor
    /// are they spared for good for the sake of what may be dead, where that will be known.
    pub(super) async fn judge(mut self) -> Result<Judgement, CredentialsError> {
        while let Some(reason) = self.spared().await? {
            let may_have_ended = self.revocation.attempts > 0 && !reason.kept.is_empty();
            if may_have_ended && self.finds_more_dead_of(&reason.kept).await? {
                continue;
            }
            return Ok(match self.looks.are_unsure(&reason.kept) {
                true => Judgement::Wait(Hindrance::RanOut),
                false => reason.spare(may_have_ended.then_some(ASKED_BEFORE)),
            });
        }
        match self.may_be_waited_for().await? {
            true => Ok(Judgement::Wait(Hindrance::Doubt)),
            false => Ok(Judgement::End),
        }
    }

    /// Looks whether these live; answers whether any turned out dead that had not before, so that to judge again comes to an end.
    async fn finds_more_dead_of(&mut self, kept: &[DeviceUuid]) -> Result<bool, CredentialsError> {
        for device in kept {
            self.looks.probe(device).await?;
        }
        let of_use = self.looks.of_use(kept.to_vec()).await?;
        let known = self.dead.len();
        self.dead.extend(kept.iter().filter(|device| !of_use.contains(device)).cloned());
        Ok(self.dead.len() > known)
    }

    /// Whether they are not to be ended now.
    async fn spared(&mut self) -> Result<Option<Reason>, CredentialsError> {
        let end = self.end;
        if end.is_of_all() && end.account().is_none() {
            return Ok(Some(Reason { why: NOBODY_S, kept: Vec::new(), is_of_account: false }));
        }
        if end.account().is_none()
            && let Some(device) = self.holder_of_line().await?
        {
            return Ok(Some(Reason { why: HELD, kept: vec![device], is_of_account: false }));
        }
        let (of_account, of_others) = self.holders().await?;
        let of_use = self.looks.of_use(names(&of_account)).await?;
        let of_account = of_account.into_iter().filter(|(device, _)| of_use.contains(device));
        let (held, rest): (Vec<_>, Vec<_>) = of_account.partition(|(_, held)| end.takes(held));
        if !held.is_empty() {
            let why = if end.is_of_all() { ENDS_NEWER_ONES } else { HELD };
            return Ok(Some(Reason { why, kept: names(&held), is_of_account: true }));
        }
        let kept = self.devices.holders_of_its_lost_answer(self.left, names(&rest)).await?;
        if !kept.is_empty() {
            return Ok(Some(Reason { why: MAY_BE_ITS_ANSWER, kept, is_of_account: true }));
        }
        for (device, _) in of_others {
            if !self.looks.of_use(vec![device.clone()]).await?.is_empty() {
                return Ok(Some(Reason { why: HELD, kept: vec![device], is_of_account: false }));
            }
        }
        Ok(None)
    }

    /// Credentials, of whichever account, to which one of these tokens is of use, or what came of one, or what came with one: the
    /// store knows them, and no record is opened for that.
    async fn holder_of_line(&mut self) -> Result<Option<DeviceUuid>, CredentialsError> {
        let tokens: Vec<_> = self.left.grants.tokens().map(SecretText::fingerprint).collect();
        let look = move |view: &View<'_>| {
            let holders: Result<Vec<_>, _> = tokens.iter().map(|token| view.holders_of_line(token)).collect();
            let names = holders?.into_iter().flatten().map(|holder| holder.credentials);
            Ok::<_, StoreError>(names.collect())
        };
        let of_use = self.looks.of_use(self.devices.store.read(look).await?).await?;
        Ok(of_use.into_iter().next())
    }

    /// What credentials hold that are of their account, and those of others that hold what may end with them; of what is dead
    /// nothing.
    async fn holders(&self) -> Result<(Holders, Holders), CredentialsError> {
        let Self { devices, end, dead, .. } = self;
        let is_of_account = |held: &Tokens| end.account().is_some_and(|account| held.may_be_of(account));
        let mut holders = Vec::new();
        if let Some(account) = end.account() {
            // What a bus does not answer is why many a sign-in was not kept.
            let kept = devices.kept_of(account, self.is_stray()).await?;
            holders.extend(kept.into_iter().map(|kept| (kept.device, Tokens::held_in(&kept.opened))));
        }
        let known: HashSet<_> = holders.iter().map(|(device, _)| device.clone()).collect();
        let others = devices.holders(|held| is_of_account(held) || end.takes(held)).await?;
        holders.extend(others.into_iter().filter(|(device, _)| !known.contains(device)));
        holders.retain(|(device, _)| !dead.contains(device));
        Ok(holders.into_iter().partition(|(_, held)| is_of_account(held)))
    }

    /// Whether they are a stray that may be what a renewal brought whose answer was lost or is awaited: that of credentials of its
    /// account, or of any where nobody knows whose it is. What these are renewed by, or use, may end with it.
    async fn may_be_waited_for(&mut self) -> Result<bool, CredentialsError> {
        if !self.is_stray() {
            return Ok(false);
        }
        for holder in self.devices.whose_answer_may_be(self.revocation.came).await? {
            if self.goes_on(&holder).await? && self.are_of_its_account(&holder.credentials).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether somebody is at their refresh token, or it is sent again, or the access token beside it is good.
    async fn goes_on(
        &mut self,
        HolderOfLine { credentials, renewal }: &HolderOfLine,
    ) -> Result<bool, CredentialsError> {
        let now = self.devices.clock.now();
        let is_sent = |held: &StoredRefreshToken| is_held(held, now) || self.devices.can_renew_by(held);
        Ok(renewal.refresh.as_ref().is_some_and(is_sent)
            || self.looks.is_access_good(credentials, renewal).await?)
    }

    async fn are_of_its_account(&self, credentials: &DeviceUuid) -> Result<bool, CredentialsError> {
        let Some(account) = self.end.account() else { return Ok(true) };
        match self.devices.is_of_account(credentials, account).await {
            // Nobody uses what no key here opens.
            Err(CredentialsError::Record(_)) => Ok(false),
            is_one => is_one,
        }
    }

    fn is_stray(&self) -> bool {
        self.revocation.receipt.is_none()
    }
}

fn names(holders: &[(DeviceUuid, Tokens)]) -> Vec<DeviceUuid> {
    holders.iter().map(|(device, _)| device.clone()).collect()
}
