//! Why there is no reply to a message.

use serde::Serialize;
use serde_json::{Value, json};

use super::{DeviceUuid, Done};

/// Why a message could not be answered with a [`Reply`](super::Reply): what the sender and the status device get to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// An HTTP status, or whatever code the job gave.
    pub code: FailureCode,
    /// A text that is safe to show to the sender.
    pub message: String,
    /// Where somebody signs in at the API again, where that is what helps.
    pub sign_in: Option<String>,
    /// Whether the job was done for all that; nobody but the gateway itself is told.
    pub done: Done,
    /// Whether the same message may be answered at another time; nobody but the gateway itself is told.
    pub is_for_now: bool,
}

/// The code of a failure. Jobs of the original may give words, which pass through (`spec/endo.md` 2.5, step a).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FailureCode {
    /// A number: most often an HTTP status.
    Status(u16),
    /// A word, such as `ECONNRESET`.
    Word(String),
}

impl From<u16> for FailureCode {
    fn from(status: u16) -> Self {
        Self::Status(status)
    }
}

impl Failure {
    /// A failure with this code and text, before anything was done.
    pub fn new(code: impl Into<FailureCode>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), sign_in: None, done: Done::No, is_for_now: false }
    }

    /// What a job says of its own: an answer that was late on its way behind it leaves open whether it was done.
    pub fn said_by_job(code: impl Into<FailureCode>, message: impl Into<String>) -> Self {
        let said = Self::new(code, message);
        if said.status() == Some(504) { said.leaving_open() } else { said }
    }

    /// This failure, of which nobody knows whether it came before the job was done or after.
    #[must_use]
    pub fn leaving_open(self) -> Self {
        Self { done: Done::Unknown, ..self }
    }

    /// A bus elsewhere takes no reply without a login, and there is none, in the original's own words (`spec/endo.md` 2.5,
    /// step 2).
    pub fn without_login() -> Self {
        Self::new(422, "Could not find the token for the credentials device")
    }

    /// A failure of the gateway itself, for a while.
    pub fn for_now(message: impl Into<String>) -> Self {
        Self { is_for_now: true, ..Self::new(503, message) }
    }

    /// What a bus elsewhere said, or what is said of one that said nothing: it may say otherwise when it is asked again.
    pub fn of_the_bus(status: u16, message: impl Into<String>) -> Self {
        Self { is_for_now: true, ..Self::new(status, message) }
    }

    /// The API takes the credentials no more, in the gateway's own words.
    pub fn credentials_expired() -> Self {
        Self::new(401, "the credentials have expired")
    }

    /// This failure, against which a sign-in at `link` helps. The gateway's own words say so too; a job's stay as they are.
    #[must_use]
    pub fn mended_by_sign_in(self, link: Option<String>) -> Self {
        let message = match &link {
            Some(link) if self == Self::credentials_expired() => {
                format!("{}; sign in again at {link}", self.message)
            }
            _ => self.message,
        };
        Self { message, sign_in: link, ..self }
    }

    /// This failure in the words that `reword` makes of its own.
    #[must_use]
    pub fn reworded(self, reword: impl Fn(String) -> String) -> Self {
        let code = match self.code {
            FailureCode::Word(word) => FailureCode::Word(reword(word)),
            status => status,
        };
        Self { code, message: reword(self.message), ..self }
    }

    /// Something may have been done or not, and it is not done again.
    pub fn outcome_unknown() -> Self {
        Self::new(503, "outcome_unknown").leaving_open()
    }

    /// The job answered something else than its schema says.
    pub fn response_invalid() -> Self {
        Self::new(502, "response_invalid").leaving_open()
    }

    /// The record of the credentials cannot be used, in the original's own words (`spec/endo.md` 2.5).
    pub fn invalid_credentials_device() -> Self {
        Self::new(400, "invalid credentials device")
    }

    /// The code where it is a number.
    pub fn status(&self) -> Option<u16> {
        match self.code {
            FailureCode::Status(status) => Some(status),
            FailureCode::Word(_) => None,
        }
    }

    /// The message that tells `sender` (`spec/endo.md` 2.5, step a).
    pub fn to_message(&self, sender: &DeviceUuid, respond_to: Option<&Value>) -> Value {
        let mut metadata = json!({"code": self.code});
        if let Some(to) = respond_to {
            metadata["to"] = to.clone();
        }
        metadata["error"] = json!({"message": self.message});
        if let Some(link) = &self.sign_in {
            metadata["error"]["signIn"] = json!(link);
        }
        json!({"devices": [sender], "metadata": metadata})
    }
}
