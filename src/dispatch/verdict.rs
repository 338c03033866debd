//! How a delivery ended, as whoever brought it is told.

use crate::message::Failure;
use crate::store::{DeadLetter, Death, Outcome};

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The reply was sent.
    Replied,
    /// It failed; whoever could be told was told.
    Failed(Failure),
    /// Nothing is kept of it: whoever brought it has to bring it again.
    NotTaken(Failure),
    /// It has not ended. It is on disk, and will be worked on to its end.
    Accepted,
}

impl Verdict {
    /// The verdict of a delivery that ended before.
    pub(super) fn of(outcome: &Outcome) -> Self {
        if outcome.has_reply() {
            return Self::Replied;
        }
        let reply: serde_json::Value =
            outcome.reply.as_deref().and_then(|reply| serde_json::from_str(reply).ok()).unwrap_or_default();
        let said = reply["metadata"]["error"]["message"].as_str();
        let message = outcome.fate.refusal.as_deref().or(said).unwrap_or("the message was not answered");
        Self::Failed(Failure::new(outcome.code.unwrap_or(500), message))
    }

    /// The verdict of a delivery that is given up.
    pub(super) fn of_death(death: &Death<'_>) -> Self {
        Self::given_up(death.code, death.fate.refusal.as_deref().unwrap_or(death.reason))
    }

    /// The verdict of a delivery that was given up.
    pub(super) fn of_dead_letter(letter: &DeadLetter) -> Self {
        Self::given_up(letter.code, letter.fate.refusal.as_ref().unwrap_or(&letter.reason))
    }

    fn given_up(code: Option<u16>, why: &str) -> Self {
        Self::Failed(Failure::new(code.unwrap_or(502), why))
    }
}
