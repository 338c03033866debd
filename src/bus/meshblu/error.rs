//! Why a call of a remote Meshblu came to nothing.

use http::StatusCode;
use thiserror::Error;

use crate::egress::EgressError;
use crate::message::Failure;

/// A call that came to nothing. The texts are fit for logs: none holds a word of the bus's.
#[derive(Debug, Error)]
pub enum MeshbluError {
    /// The bus refuses, or says that it failed.
    #[error("the bus refuses with status {}", status.as_u16())]
    Refused {
        /// Its status.
        status: StatusCode,
        /// What it says, by the rules of `spec/endo.md` 2.1; short, without control characters. For senders.
        message: String,
    },
    /// The answer is none that a Meshblu gives.
    #[error("the answer of the bus cannot be understood")]
    Unreadable,
    /// There is no answer.
    #[error("the bus does not answer")]
    Call(#[from] EgressError),
}

impl MeshbluError {
    /// Whether the bus says that the caller may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.is(StatusCode::FORBIDDEN)
    }

    /// Whether the bus refuses: a status of 400 to 499.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if status.is_client_error())
    }

    /// Whether the bus answered with this status.
    pub fn is(&self, expected: StatusCode) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == expected)
    }

    /// Whether the bus, or what stands before it, does not answer just now.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(
                *status,
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::Unreadable => false,
            Self::Call(_) => true,
        }
    }

    /// Whether it is certain that the bus did not do what it was asked to.
    pub fn nothing_done(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                status.is_client_error() || *status == StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Unreadable => false,
            Self::Call(error) => error.nothing_sent(),
        }
    }

    /// What the sender of a message gets to see of it. An answer that is none, or none at all, is a gateway's
    /// problem with what lies behind it (RFC 9110, 15.6.3 and 15.6.5).
    pub fn failure(&self) -> Failure {
        match self {
            Self::Refused { status, message, .. } if status.as_u16() >= 400 => {
                Failure::of_the_bus(status.as_u16(), message.clone())
            }
            Self::Refused { message, .. } => Failure::of_the_bus(502, message.clone()),
            Self::Call(EgressError::Timeout) => Failure::of_the_bus(504, "the bus does not answer"),
            Self::Unreadable | Self::Call(_) => Failure::of_the_bus(502, self.to_string()),
        }
    }
}
