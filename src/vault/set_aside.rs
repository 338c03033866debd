//! Tokens of before a record, which may be of one grant with what it holds: they end when that does, so they are kept with it.

use serde_json::{Map, Value, json};

use super::secret::SecretText;
use crate::ambient::Timestamp;

/// What names them among a record's secrets.
pub(super) const SET_ASIDE: &str = "setAside";

/// A token that nobody uses any more. Prints no secret.
#[derive(Debug)]
pub struct SetAside {
    /// The token.
    pub token: SecretText,
    /// When it ends by itself, where that is known.
    pub ends_at: Option<Timestamp>,
}

impl SetAside {
    pub(super) fn to_value(&self) -> Value {
        json!({"secret": self.token.expose(), "endsAt": self.ends_at.map(Timestamp::as_millis)})
    }

    fn read(value: &Value) -> Option<Self> {
        let token = SecretText::from(value["secret"].as_str()?);
        Some(Self { token, ends_at: value["endsAt"].as_i64().map(Timestamp::from_millis) })
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
