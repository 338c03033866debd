//! Whether tokens that are over are ended now: what is in use is not ended with them, nor what somebody may go on with.

use std::collections::HashSet;

use super::held_tokens::Tokens;
use super::hindrance::Hindrance;
use super::in_use::{ENDS_NEWER_ONES, may_end_together, share_a_token, tokens_of};
use super::lost_answers::MAY_BE_ITS_ANSWER;
use super::of_account::Kept;
use super::of_use::Looks;
use super::strays::whose;
use super::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::source::renewal::is_held;
use crate::store::{HolderOfLine, QueuedRevocation, StoreError, StoredRefreshToken, View};
use crate::vault::{Credentials, ResourceOwnerId, SecretText};

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
    opened: &'a Credentials,
    /// Whose tokens they are, as far as that is known.
    account: Option<&'a ResourceOwnerId>,
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
    /// That of these tokens, which were opened.
    pub(super) fn of(
        devices: &'a CredentialsDevices,
        revocation: &'a QueuedRevocation,
        opened: &'a Credentials,
    ) -> Self {
        let account = whose(revocation, opened);
        Self { devices, revocation, opened, account, looks: devices.looks(), dead: HashSet::new() }
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
            self.looks.whether_it_lives(device).await?;
        }
        let of_use = self.looks.of_use(kept.to_vec()).await?;
        let known = self.dead.len();
        self.dead.extend(kept.iter().filter(|device| !of_use.contains(device)).cloned());
        Ok(self.dead.len() > known)
    }

    /// Whether they are not to be ended now.
    async fn spared(&mut self) -> Result<Option<Reason>, CredentialsError> {
        let of_one_line = self.of_use_to().await?;
        match self.account {
            Some(account) => {
                let spared = self.spared_for_the_sake_of(account, &of_one_line).await?;
                if spared.is_some() {
                    return Ok(spared);
                }
            }
            None if !self.devices.ends_one_alone() => {
                return Ok(Some(Reason { why: NOBODY_S, kept: Vec::new(), is_of_account: false }));
            }
            None => {}
        }
        let holder = match of_one_line.into_iter().next() {
            None => self.holder_of_use().await?,
            holder => holder,
        };
        Ok(holder.map(|device| Reason { why: HELD, kept: vec![device], is_of_account: false }))
    }

    /// The credentials, of whichever account, that use one of these tokens, or some that may end with them: of what is no stray
    /// those of the same account are known.
    async fn holder_of_use(&mut self) -> Result<Option<DeviceUuid>, CredentialsError> {
        let (devices, ending) = (self.devices, Tokens::ending(self.opened));
        let is_known = self.account.is_some() && !self.is_stray();
        let is_alone = devices.ends_nothing_beside(self.opened);
        let may_end = |held: &Tokens| match is_known || is_alone {
            true => held.share_one_with(&ending),
            false => held.may_end_with(&ending),
        };
        while let Some(device) = devices.holder(&self.dead, may_end).await? {
            if !self.looks.of_use(vec![device.clone()]).await?.is_empty() {
                return Ok(Some(device));
            }
            self.dead.insert(device);
        }
        Ok(None)
    }

    async fn spared_for_the_sake_of(
        &mut self,
        account: &ResourceOwnerId,
        of_one_line: &[DeviceUuid],
    ) -> Result<Option<Reason>, CredentialsError> {
        let (devices, opened) = (self.devices, self.opened);
        // What a bus does not answer is why many a sign-in was not kept.
        let mut kept = devices.kept_of(account, self.is_stray()).await?;
        kept.extend(devices.kept_of_other_forms(account).await?);
        let of_use = self.looks.of_use(kept.iter().map(|kept| kept.device.clone()).collect()).await?;
        let ends_all = !devices.ends_one_alone();
        let ends_alone = devices.ends_nothing_beside(opened);
        let may_end = |kept: &Kept| match ends_alone {
            true => share_a_token(&kept.opened, opened),
            false => of_one_line.contains(&kept.device) || may_end_together(&kept.opened, opened),
        };
        let kept = kept.into_iter().filter(|kept| of_use.contains(&kept.device));
        let (held, others): (Vec<_>, Vec<_>) = kept.partition(|kept| ends_all || may_end(kept));
        let names = |kept: Vec<Kept>| kept.into_iter().map(|kept| kept.device).collect();
        if !held.is_empty() {
            let why = if ends_all { ENDS_NEWER_ONES } else { HELD };
            return Ok(Some(Reason { why, kept: names(held), is_of_account: true }));
        }
        let kept = devices.holders_of_its_lost_answer(opened, names(others)).await?;
        Ok((!kept.is_empty()).then_some(Reason { why: MAY_BE_ITS_ANSWER, kept, is_of_account: false }))
    }

    /// The credentials, of whichever account, to which one of these tokens is of use, or what came of one, or what came with one.
    async fn of_use_to(&mut self) -> Result<Vec<DeviceUuid>, CredentialsError> {
        let tokens: Vec<_> = tokens_of(self.opened).map(SecretText::fingerprint).collect();
        let look = move |view: &View<'_>| {
            let holders: Result<Vec<_>, _> = tokens.iter().map(|token| view.holders_of_line(token)).collect();
            let names = holders?.into_iter().flatten().map(|holder| holder.credentials);
            Ok::<_, StoreError>(names.collect())
        };
        self.looks.of_use(self.devices.store.read(look).await?).await
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
        let Some(account) = self.account else { return Ok(true) };
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
