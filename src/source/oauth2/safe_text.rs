//! What a stranger said, made fit for logs and pages.

use std::fmt;

use crate::redaction::Redaction;

/// The longest text that is kept, in characters.
const LONGEST: usize = 200;

/// A short text of harmless ASCII: no quotes, no angle brackets, no ampersand, no control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeText(String);

impl SafeText {
    /// What of `text` is harmless; every run of anything else becomes one blank.
    pub fn of(text: &str) -> Self {
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$()*+,;=%|{}^".contains(c);
        let words = text.split(|c| !harmless(c)).filter(|word| !word.is_empty());
        let mut kept = String::new();
        for word in words {
            let blank = usize::from(!kept.is_empty());
            let room = LONGEST.saturating_sub(kept.len() + blank);
            if room == 0 {
                break;
            }
            kept.push_str(&" "[..blank]);
            kept.push_str(&word[..word.len().min(room)]);
        }
        Self(kept)
    }

    /// The same of an answer, in which nothing comes back of what was sent.
    pub fn of_answer(text: &str, sent: &Redaction) -> Self {
        Self::of(&sent.clean_text(text.to_owned()))
    }

    /// The text itself; it may be empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
