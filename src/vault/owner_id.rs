//! The name of an account at the API, in the two shapes that may be signed.

use serde_json::Value;
use thiserror::Error;

/// Integers up to this one are the same in JavaScript, whose signature of them names the account.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Who owns the credentials at the API: GitHub's user 42.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResourceOwnerId {
    /// An id that is text, or the digits of an integer that is too large for a number.
    Text(String),
    /// An id that is an integer, at most 2^53 - 1 from zero.
    Number(i64),
}

/// An `id` that is neither text nor an integer of at most 2^53 - 1 from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a resource owner's id is text or a whole number up to 2^53 - 1")]
pub struct NotAResourceOwnerId;

impl ResourceOwnerId {
    /// The id that is this integer, as JSON writes one: digit for digit, also where JavaScript cannot tell it from the next.
    ///
    /// # Errors
    /// [`NotAResourceOwnerId`] where it is none.
    pub fn of_integer(written: &str) -> Result<Self, NotAResourceOwnerId> {
        let digits = written.strip_prefix('-').unwrap_or(written);
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_integer || digits.starts_with('0') && written != "0" {
            return Err(NotAResourceOwnerId);
        }
        let number = written.parse().ok().and_then(|number| Self::Number(number).checked().ok());
        Ok(number.unwrap_or_else(|| Self::Text(written.to_owned())))
    }

    /// The id as JSON.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(number) => Value::from(*number),
        }
    }

    /// Whether both may name one account in two forms: an integer as a number and as text, or one alone and among the parts of a
    /// list (as JSON text).
    pub fn may_be(&self, other: &Self) -> bool {
        let (some, others) = (self.parts(), other.parts());
        let (fewer, more) = if some.len() < others.len() { (some, others) } else { (others, some) };
        fewer == more || fewer.len() == 1 && more.contains(&fewer[0])
    }

    /// The parts of a list, or the id itself, each as text.
    fn parts(&self) -> Vec<String> {
        let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let list = match self {
            Self::Text(text) => serde_json::from_str::<Vec<Value>>(text).unwrap_or_default(),
            Self::Number(_) => Vec::new(),
        };
        match list.as_slice() {
            [] => vec![written(&self.to_value())],
            parts => parts.iter().map(written).collect(),
        }
    }

    /// This id, if its signature can name no other account.
    pub(super) fn checked(self) -> Result<Self, NotAResourceOwnerId> {
        match self {
            Self::Number(number) if number.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs() => {
                Err(NotAResourceOwnerId)
            }
            id => Ok(id),
        }
    }
}

impl TryFrom<&Value> for ResourceOwnerId {
    type Error = NotAResourceOwnerId;

    fn try_from(value: &Value) -> Result<Self, NotAResourceOwnerId> {
        let id = match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => Self::Number(number.as_i64().ok_or(NotAResourceOwnerId)?),
            _ => return Err(NotAResourceOwnerId),
        };
        id.checked()
    }
}
