//! How a message ended, as far as anybody knows.

use serde_json::Value;

/// Whether a job was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was.
    Yes,
    /// It was not: it was refused, or failed before anything was done.
    No,
    /// Nobody knows: its answer was lost, was none, or was late.
    Unknown,
}

/// Whether the reply to a message arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// The bus took it.
    Yes,
    /// The bus did not take it; it said this of why.
    No(String),
    /// Nobody knows whether the bus took it.
    Unknown,
}

/// A message that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// What its sender got, or would have got: the job's reply, or the error.
    pub reply: Value,
    /// Whether the job was done.
    pub done: Done,
    /// Whether the sender got the reply.
    pub arrived: Arrived,
}

impl Done {
    /// What the `metadata` of a reply shows of which nothing else is known: an error may come from before or after.
    pub fn shown_by(metadata: &Value) -> Self {
        match metadata.get("error") {
            Some(_) => Self::Unknown,
            None => Self::said(metadata.get("code"), None),
        }
    }

    /// What a job says of itself by the `code` and `error` of its reply's metadata.
    pub(super) fn said(code: Option<&Value>, error: Option<&Value>) -> Self {
        match code.and_then(Value::as_u64) {
            Some(504) => Self::Unknown,
            Some(400..) => Self::No,
            _ if error.is_some() => Self::No,
            _ => Self::Yes,
        }
    }
}
