//! What a stranger said, made fit for logs and pages.

use std::fmt;

use zeroize::Zeroizing;

use super::client::form;

/// The longest text that is kept, in characters.
const LONGEST: usize = 200;
/// What stands where a secret came back.
const REDACTED: &str = "[redacted]";

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

    /// The same of an answer to what carried these secrets: where one of them comes back, plain or as a form has it, there is
    /// `[redacted]`.
    pub fn of_answer(text: &str, sent: &[&str]) -> Self {
        let as_in_forms = sent.iter().map(|secret| form(&[("", secret)]));
        let as_in_forms = as_in_forms.map(|text| Zeroizing::new(text.trim_start_matches('=').to_owned()));
        let plain = sent.iter().map(|secret| Zeroizing::new((*secret).to_owned()));
        let mut secrets: Vec<_> = plain.chain(as_in_forms).filter(|secret| !secret.is_empty()).collect();
        // One may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let redact = |text: Zeroizing<String>, secret: &Zeroizing<String>| {
            Zeroizing::new(text.replace(secret.as_str(), REDACTED))
        };
        Self::of(&secrets.iter().fold(Zeroizing::new(text.to_owned()), redact))
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
