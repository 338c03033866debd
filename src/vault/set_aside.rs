//! Tokens of before a record, which may be of one grant with what it holds: they end when that does, so they are kept with it.

use serde_json::{Map, Value, json};

use super::secret::{SecretMap, SecretText};
use crate::ambient::Timestamp;

/// What names them among a record's secrets.
pub(super) const SET_ASIDE: &str = "setAside";

/// A token that nobody uses any more. Prints no secret.
#[derive(Debug)]
pub struct SetAside {
    /// The token.
    pub token: SecretText,
    /// Whether it is a refresh token; what was set aside before that was noted does not say.
    pub renews: Option<bool>,
    /// When it ends by itself, where that is known.
    pub ends_at: Option<Timestamp>,
    /// By which client of the API it came, where that is known.
    pub client: Option<String>,
}

impl SetAside {
    /// An access token, which ends by itself then, where that is known.
    pub fn access(token: &SecretText, ends_at: Option<Timestamp>, client: Option<String>) -> Self {
        Self { token: token.copy(), renews: Some(false), ends_at, client }
    }

    /// A refresh token.
    pub fn refresh(token: &SecretText, client: Option<String>) -> Self {
        Self { token: token.copy(), renews: Some(true), ends_at: None, client }
    }

    /// Whether it may be a refresh token.
    pub fn may_renew(&self) -> bool {
        // Of a refresh token it is not known when it ends.
        self.renews.unwrap_or(self.ends_at.is_none())
    }

    /// The same once more.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { token: self.token.copy(), client: self.client.clone(), ..*self }
    }

    pub(super) fn to_value(&self) -> Value {
        let mut value =
            json!({"secret": self.token.expose(), "endsAt": self.ends_at.map(Timestamp::as_millis)});
        if let Some(client) = &self.client {
            value["client"] = client.as_str().into();
        }
        if let Some(renews) = self.renews {
            value["renews"] = renews.into();
        }
        value
    }

    fn read(value: &Value) -> Option<Self> {
        let token = SecretText::from(value["secret"].as_str()?);
        let ends_at = value["endsAt"].as_i64().map(Timestamp::from_millis);
        let client = value["client"].as_str().map(str::to_owned);
        Some(Self { token, renews: value["renews"].as_bool(), ends_at, client })
    }

    /// Those among a record's secrets.
    pub(super) fn all_in(secrets: &Value) -> Vec<Self> {
        secrets[SET_ASIDE]
            .as_array()
            .map(|all| all.iter().filter_map(Self::read).collect())
            .unwrap_or_default()
    }

    /// Puts one more among a record's secrets.
    pub(super) fn add_to(&self, secrets: &mut Map<String, Value>) {
        let all = secrets.entry(SET_ASIDE).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(all) = all {
            all.push(self.to_value());
        }
    }
}

/// Puts these in the place of what was set aside in the object that a record holds; `None` where it holds no secrets.
pub(super) fn put(document: &mut SecretMap, tokens: &[SetAside]) -> Option<()> {
    let secrets = document.expose_mut().get_mut("secrets")?.as_object_mut()?;
    let old = secrets.shift_remove(SET_ASIDE);
    // Wiped as it ends.
    drop(SecretMap::from(Map::from_iter(old.map(|old| (SET_ASIDE.to_owned(), old)))));
    tokens.iter().for_each(|token| token.add_to(secrets));
    Some(())
}
