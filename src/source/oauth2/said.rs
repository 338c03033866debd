//! What a provider says no with.

use super::codes::Code;
use crate::redaction::{Plain, Redaction};

/// What a provider says of an error: its code for logs, its plain words for receipts and pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its name.
    pub code: Code,
    error: Plain,
    description: Plain,
}

impl Said {
    /// The error and its description, by whoever was sent these secrets.
    pub(super) fn of(error: &str, description: &str, sent: &Redaction) -> Self {
        let plain = |text| Plain::of(text, sent);
        Self { code: Code::of(error), error: plain(error), description: plain(description) }
    }

    /// The name of the error in plain words, if any is left.
    pub fn error(&self) -> Option<&str> {
        Some(&self.error).filter(|error| error.has_words()).map(Plain::as_str)
    }

    /// The plain words of all of it, as a part of a sentence, if any are left.
    pub fn words(&self) -> Option<String> {
        let all = [&self.error, &self.description];
        let is_said = all.iter().any(|plain| plain.has_words());
        let words = all.map(Plain::as_str).join(" ");
        is_said.then(|| words.trim().trim_end_matches('.').to_owned())
    }
}
