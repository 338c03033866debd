//! Who ends something, and how receipts name them.

use serde::{Deserialize, Serialize};

use crate::bus::Login;
use crate::message::DeviceUuid;

/// Who ends something.
#[derive(Clone, Debug)]
pub enum Revoker {
    /// An owner, with the login that was shown; on a bus elsewhere it takes away what is the owner's own to take.
    Owner(Login),
    /// Whoever runs the gateway.
    Operator,
}

impl Revoker {
    /// As receipts name it.
    pub(in crate::credentials) fn by(&self) -> By {
        match self {
            Self::Owner(login) => By::Owner(login.uuid.clone()),
            Self::Operator => By::Operator,
        }
    }

    pub(in crate::credentials) fn login(&self) -> Option<&Login> {
        match self {
            Self::Owner(login) => Some(login),
            Self::Operator => None,
        }
    }
}

/// Who ended something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum By {
    /// This device, as an owner.
    Owner(DeviceUuid),
    /// Whoever runs the gateway.
    Operator,
}

/// How receipts name whoever runs the gateway.
const OPERATOR: &str = "operator";

impl By {
    /// The word that receipts have for it: a device, or `operator`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Owner(owner) => owner.as_str(),
            Self::Operator => OPERATOR,
        }
    }
}

impl From<String> for By {
    fn from(word: String) -> Self {
        if word == OPERATOR { Self::Operator } else { Self::Owner(word.into()) }
    }
}

impl From<By> for String {
    fn from(by: By) -> Self {
        by.as_str().to_owned()
    }
}
