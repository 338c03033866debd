//! The kept proof of what was ended: what is over, what stayed and why, and what the API answered.

use serde::{Deserialize, Serialize};

use super::api_answer::{ApiAnswer, ApiVerdict};
use super::revoker::By;
use crate::ambient::Timestamp;
use crate::credentials::CredentialsError;
use crate::credentials::ends::hindrance::Hindrance;
use crate::credentials::ends::in_use::NO_ROOM_FOR_IT;
use crate::message::DeviceUuid;
use crate::store::{Errand, ErrandKind, StoreError, StoredReceipt, Transaction};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// One user device was cut off.
    CutOff,
    /// All user devices were cut off.
    CutOffAll,
    /// The secret was forgotten, and every user device cut off.
    Forgotten,
    /// The secret was replaced by a newer one of the same account.
    Replaced,
    /// An owner gave up the management.
    Left,
}

impl Act {
    /// The word that receipts have for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "cut-off",
            Self::CutOffAll => "cut-off-all",
            Self::Forgotten => "forgotten",
            Self::Replaced => "replaced",
            Self::Left => "left",
        }
    }
}

/// What a part of a receipt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// The right of a user device to use the credentials.
    Right,
    /// The subscription that brings its messages.
    Subscription,
    /// The connections that are read by it, or at it.
    Sockets,
    /// What its lists allow the credentials device.
    Whitelists,
    /// The user device itself.
    Device,
    /// The sealed record in the gateway's database.
    Record,
    /// The secret that was kept there until a newer one took its place.
    EarlierSecret,
    /// The access token that was kept there until then, whose refresh token stays.
    EarlierAccessToken,
    /// The oldest of the tokens that were set aside until the refresh token ends.
    OldestSetAside,
    /// The copy of the record on the bus.
    BusCopy,
    /// An owner's management of the credentials.
    Management,
    /// A renewal of the secret that was under way; it may have brought new ones.
    Renewal,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is over.
    Ended,
    /// It is still there.
    Stayed,
    /// It is still to be ended.
    Pending,
}

/// One part of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// What it is about.
    pub what: Matter,
    /// Of which device.
    pub device: DeviceUuid,
    /// What became of it.
    pub fate: Fate,
    /// Why it stayed; fixed texts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Part {
    fn is_awaited_renewal(&self) -> bool {
        self.what == Matter::Renewal && self.fate == Fate::Pending
    }
}

/// The kept proof of what was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Its number within this gateway.
    #[serde(default)]
    pub id: i64,
    /// When.
    pub at: String,
    /// What was done.
    pub act: Act,
    /// By whom.
    pub by: By,
    /// To which credentials.
    pub credentials: DeviceUuid,
    /// The name of their account, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What ended, and what stayed.
    pub parts: Vec<Part>,
    /// What the API answered, where a secret ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiAnswer>,
}

impl Receipt {
    /// A receipt without parts.
    pub(in crate::credentials) fn new(credentials: &DeviceUuid, act: Act, by: By, now: Timestamp) -> Self {
        Self {
            id: 0,
            at: now.iso_seconds(),
            act,
            by,
            credentials: credentials.clone(),
            account: None,
            parts: Vec::new(),
            api: None,
        }
    }

    pub(in crate::credentials) fn part(&mut self, what: Matter, device: &DeviceUuid, fate: Fate) {
        self.parts.push(Part { what, device: device.clone(), fate, why: None });
    }

    pub(in crate::credentials) fn stayed(&mut self, what: Matter, device: &DeviceUuid, why: &str) {
        let why = Some(why.to_owned());
        self.parts.push(Part { what, device: device.clone(), fate: Fate::Stayed, why });
    }

    /// Says that so many of the tokens stayed that were set aside for these credentials.
    pub(in crate::credentials) fn crowded_out(&mut self, how_many: usize, device: &DeviceUuid) {
        (0..how_many).for_each(|_| self.stayed(Matter::OldestSetAside, device, NO_ROOM_FOR_IT));
    }

    /// Whether it is of what this owner ended.
    pub fn is_by(&self, owner: &str) -> bool {
        matches!(&self.by, By::Owner(by) if by.as_str() == owner)
    }

    /// The devices that were cut off.
    pub fn cut_off(&self) -> impl Iterator<Item = &DeviceUuid> {
        let is_over = |part: &&Part| part.what == Matter::Right && part.fate == Fate::Ended;
        self.parts.iter().filter(is_over).map(|part| &part.device)
    }

    /// Says what the API answered of one secret; others may wait for their answers. That one did not end is not hidden
    /// by another that did, nor that one ended by another that was over before.
    pub(in crate::credentials) fn answered(&mut self, answer: ApiAnswer, others_wait: bool) {
        match &mut self.api {
            Some(known) if known.may_leave_some() => {}
            Some(known) if others_wait && !answer.may_leave_some() => {
                known.some_ended |= answer.verdict == ApiVerdict::Revoked;
            }
            known => *known = Some(answer.after(known.take())),
        }
    }

    /// Says that some of the tokens are over at the API, while others wait.
    pub(in crate::credentials) fn note_some_ended(&mut self) {
        if let Some(known) = self.api.as_mut().filter(|known| known.verdict == ApiVerdict::Pending) {
            known.some_ended = true;
        }
    }

    /// Says why the API cannot be asked now, or that it can, and what it said when it was.
    pub(in crate::credentials) fn waits(&mut self, hindrance: &Hindrance, now: Timestamp) {
        if let Some(known) = self.api.as_mut().filter(|known| known.verdict == ApiVerdict::Pending) {
            known.why = hindrance.why().map(str::to_owned);
            if let Some(said) = hindrance.said() {
                (known.said, known.at) = (Some(said.to_owned()), now.iso_seconds());
            }
        }
    }

    /// Says that the API is to be told of one more secret.
    pub(in crate::credentials) fn await_answer(&mut self, now: Timestamp) {
        let pending = || ApiAnswer::new(ApiVerdict::Pending, now);
        self.api = Some(self.api.take().map_or_else(pending, |known| known.before_another(now)));
    }

    /// Whether it is not known yet what the renewal came to that was under way.
    pub(in crate::credentials) fn awaits_renewal(&self) -> bool {
        self.parts.iter().any(Part::is_awaited_renewal)
    }

    /// Says what the renewal that was under way came to, where one was and that is not known yet.
    pub(in crate::credentials) fn renewal_came_to(&mut self, fate: Fate, why: Option<&str>) {
        if let Some(part) = self.parts.iter_mut().find(|part| part.is_awaited_renewal()) {
            (part.fate, part.why) = (fate, why.map(str::to_owned));
        }
    }

    /// Says that what a renewal brought stays, where its end was promised and is not told any more.
    pub(in crate::credentials) fn keep_promised_renewal(&mut self, why: Option<&str>) {
        let is_promised = |part: &&mut Part| part.what == Matter::Renewal && part.fate == Fate::Ended;
        if let Some(part) = self.parts.iter_mut().find(is_promised).filter(|part| part.why.is_none()) {
            (part.fate, part.why) = (Fate::Stayed, why.map(str::to_owned));
        }
    }

    /// Says that what a renewal brought stays after all.
    pub(in crate::credentials) fn keep_renewal(&mut self, why: &str) {
        if let Some(part) = self.parts.iter_mut().find(|part| part.what == Matter::Renewal) {
            (part.fate, part.why) = (Fate::Stayed, Some(why.to_owned()));
        }
    }

    /// Says what an errand came to.
    pub(in crate::credentials) fn settle(&mut self, errand: &Errand, fate: Fate, why: Option<String>) {
        let device = errand.kind.user_device().unwrap_or(&errand.credentials);
        let what = Matter::of(&errand.kind);
        let part = self.parts.iter_mut().find(|part| part.what == what && part.device == *device);
        if let Some(part) = part {
            (part.fate, part.why) = (fate, why);
        }
    }

    /// Keeps it, and gives it its number.
    pub(in crate::credentials) fn keep(
        &mut self,
        transaction: &Transaction<'_>,
    ) -> Result<(), CredentialsError> {
        self.id = transaction.add_receipt(&self.credentials, &self.text())?;
        Ok(())
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }

    /// Reads what was kept; `None` of what is no receipt any more.
    pub(in crate::credentials) fn read(stored: &StoredReceipt) -> Option<Self> {
        let receipt: Self = serde_json::from_str(&stored.document).ok()?;
        Some(Self { id: stored.seq, ..receipt })
    }
}

impl Matter {
    const fn of(errand: &ErrandKind) -> Self {
        match errand {
            ErrandKind::Subscription(_) => Self::Subscription,
            ErrandKind::Whitelists(_) => Self::Whitelists,
            ErrandKind::Record => Self::BusCopy,
        }
    }
}

/// Changes a receipt that was kept, if it is still there.
pub(in crate::credentials) fn amend(
    transaction: &Transaction<'_>,
    seq: i64,
    change: impl FnOnce(&mut Receipt),
) -> Result<(), StoreError> {
    if let Some(mut receipt) = transaction.receipt(seq)?.as_ref().and_then(Receipt::read) {
        let before = receipt.clone();
        change(&mut receipt);
        if receipt != before {
            transaction.rewrite_receipt(seq, &receipt.text())?;
        }
    }
    Ok(())
}
