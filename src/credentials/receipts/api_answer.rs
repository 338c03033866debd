//! What an API answered to the end of a secret, as receipts keep it.

use serde::{Deserialize, Serialize};

use crate::ambient::Timestamp;
use crate::credentials::ends::hindrance::Hindrance;

/// What the API answered to the end of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiVerdict {
    /// It was not asked yet, or did not answer yet.
    Pending,
    /// The secret is over there.
    Revoked,
    /// It does not know the secret, or not any more.
    Unknown,
    /// It has no way to end a secret.
    Impossible,
    /// It was not told, because that would end tokens that are in use, or may.
    Spared,
    /// It gave no answer within a day.
    Unanswered,
    /// It answered, but did not end it within a day.
    Undone,
    /// It was not asked within a day.
    Unasked,
    /// The secret is of another API than the gateway is for, which it does not speak to.
    OtherApi,
}

impl ApiVerdict {
    /// The word that receipts have for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
            Self::Impossible => "impossible",
            Self::Spared => "spared",
            Self::Unanswered => "unanswered",
            Self::Undone => "undone",
            Self::Unasked => "unasked",
            Self::OtherApi => "other-api",
        }
    }
}

/// The same, with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiAnswer {
    /// What it came to.
    pub verdict: ApiVerdict,
    /// When; while it waits, when it answered last what ended nothing.
    pub at: String,
    /// Why it was not asked, or not yet; fixed texts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it answered last, where that ended nothing: a fixed text with what is harmless of the API's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Whether some of the tokens are over there, where it is still to be told of others, or others may live on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub some_ended: bool,
}

impl ApiAnswer {
    pub(in crate::credentials) fn new(verdict: ApiVerdict, now: Timestamp) -> Self {
        Self { verdict, at: now.iso_seconds(), why: None, said: None, some_ended: false }
    }

    pub(in crate::credentials) fn spared(why: &str, now: Timestamp) -> Self {
        Self { why: Some(why.to_owned()), ..Self::new(ApiVerdict::Spared, now) }
    }

    pub(in crate::credentials) fn waiting(hindrance: &Hindrance, now: Timestamp) -> Self {
        Self { why: hindrance.why().map(str::to_owned), ..Self::new(ApiVerdict::Pending, now) }
    }

    /// This, after what was known until then: why it was not asked, and what it said, stay where this does not tell. Of
    /// tokens that it does not know any more nothing is to be said beside those that it ended.
    pub(super) fn after(self, known: Option<Self>) -> Self {
        let some_ended = self.some_ended || known.as_ref().is_some_and(|known| known.some_ended);
        let (why, said) = known.map_or((None, None), |known| (known.why, known.said));
        let verdict = match self.verdict {
            ApiVerdict::Unanswered if said.is_some() => ApiVerdict::Undone,
            ApiVerdict::Unknown if some_ended && self.why.is_none() => ApiVerdict::Revoked,
            verdict => verdict,
        };
        let why = self.why.or(why.filter(|_| verdict == ApiVerdict::Unasked));
        let said = said.filter(|_| verdict == ApiVerdict::Undone);
        Self { verdict, why, said, some_ended: some_ended && verdict != ApiVerdict::Revoked, ..self }
    }

    /// The same, where one more secret is to end of which it is to be told.
    pub(super) fn before_another(self, now: Timestamp) -> Self {
        let some_ended = self.some_ended || self.verdict == ApiVerdict::Revoked;
        match self.verdict {
            ApiVerdict::Pending => self,
            _ if self.may_leave_some() => self,
            _ => Self { some_ended, ..Self::new(ApiVerdict::Pending, now) },
        }
    }

    /// Whether something may live on that nobody tells the API of any more.
    pub(super) fn may_leave_some(&self) -> bool {
        match self.verdict {
            ApiVerdict::Pending | ApiVerdict::Revoked => false,
            ApiVerdict::Unknown => self.why.is_some(),
            _ => true,
        }
    }
}
