//! Which members of a record are secrets, so that nobody who was told them has them repeated.

use serde_json::Value;

use super::credentials::Credentials;
use super::grant::Grant;
use super::secret::SecretText;
use crate::redaction::Redaction;

/// Where the tokens are, however short (`spec/endo.md` 2.3).
const TOKENS: [&str; 2] = ["secret", "refreshToken"];
/// What stands in the names of other secrets. A service of the original may keep more among them, such as an address, which may be
/// in what its jobs answer.
const SECRETS: [&str; 4] = ["secret", "token", "password", "key"];
/// Shorter ones, such as the type of a token, are words that may stand anywhere.
const SHORTEST: usize = 8;

impl Credentials {
    /// What keeps the tokens among their secrets, and what is called like one, out of what a job or its handler answers.
    pub fn redaction(&self) -> Redaction {
        let mut secrets = Vec::new();
        if let Some(held) = self.document().get("secrets") {
            gather("", held, &mut secrets);
        }
        // Whoever was told them before they were replaced may remember them.
        let aside = self.set_aside().iter().flat_map(Grant::tokens).map(SecretText::expose);
        secrets.extend(aside.filter(|token| !token.is_empty()));
        Redaction::of(secrets)
    }
}

fn gather<'a>(name: &str, value: &'a Value, secrets: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if is_secret(name, text) => secrets.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(name, item, secrets)),
        Value::Object(members) => members.iter().for_each(|(name, value)| gather(name, value, secrets)),
        _ => {}
    }
}

fn is_secret(name: &str, text: &str) -> bool {
    let is_called_so = || SECRETS.iter().any(|word| name.to_ascii_lowercase().contains(word));
    match TOKENS.contains(&name) {
        true => !text.is_empty(),
        false => text.len() >= SHORTEST && is_called_so(),
    }
}
