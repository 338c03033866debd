//! Keeping what was disclosed out of what comes back.

use serde_json::{Map, Value};

use super::secret::SecretText;

const REDACTED: &str = "[redacted]";
/// Where the tokens are, however short (`spec/endo.md` 2.3).
const TOKENS: [&str; 2] = ["secret", "refreshToken"];
/// What stands in the names of other secrets. A service of the original may keep more among them, such as an address, which may be
/// in what its jobs answer.
const SECRETS: [&str; 4] = ["secret", "token", "password", "key"];
/// Shorter ones, such as the type of a token, are words that may stand anywhere.
const SHORTEST: usize = 8;

/// Secrets that somebody was told, who may repeat them. Wiped on drop, `[redacted]` in every print.
#[derive(Debug)]
pub struct Redaction(Vec<SecretText>);

impl Redaction {
    /// Of the tokens among these secrets, and of what is called like one.
    pub(super) fn of(secrets: &Value) -> Self {
        let mut texts = Vec::new();
        gather("", secrets, &mut texts);
        // One may be the beginning of another.
        texts.sort_by_key(|text: &SecretText| std::cmp::Reverse(text.expose().len()));
        Self(texts)
    }

    /// The same without them, names of members included.
    pub fn clean(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.clean_text(text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.clean(item)).collect(),
            Value::Object(members) => {
                let clean = |(name, value)| (self.clean_text(name), self.clean(value));
                members.into_iter().map(clean).collect::<Map<_, _>>().into()
            }
            plain => plain,
        }
    }

    fn clean_text(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| match text.contains(secret.expose()) {
            true => text.replace(secret.expose(), REDACTED),
            false => text,
        })
    }
}

fn gather(name: &str, value: &Value, texts: &mut Vec<SecretText>) {
    match value {
        Value::String(text) if is_secret(name, text) => texts.push(text.as_str().into()),
        Value::Array(items) => items.iter().for_each(|item| gather(name, item, texts)),
        Value::Object(members) => members.iter().for_each(|(name, value)| gather(name, value, texts)),
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
