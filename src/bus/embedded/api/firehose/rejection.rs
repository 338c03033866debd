//! Refusals of the firehose, as Engine.IO words them.

use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};
use thiserror::Error;

use super::super::refusal::Refusal;
use crate::bus::embedded::BusError;

/// Why a request of the firehose gets no other answer.
#[derive(Debug, Error)]
pub(super) enum Rejection {
    /// The credentials are wrong, or are not those of the device that the path names.
    #[error("refused")]
    Unauthenticated,
    /// Neither polling nor a websocket.
    #[error("Transport unknown")]
    UnknownTransport,
    /// There is no such session, or no more.
    #[error("Session ID unknown")]
    UnknownSession,
    /// A handshake is a GET.
    #[error("Bad handshake method")]
    HandshakeMethod,
    /// What does not fit the session or the protocol.
    #[error("Bad request")]
    BadRequest,
    /// A later version of Engine.IO.
    #[error("Unsupported protocol version")]
    Version,
    /// Too many refused handshakes, or too many sessions of one device.
    #[error("Too Many Requests")]
    TooMany,
    /// What every route may answer.
    #[error(transparent)]
    Other(#[from] Refusal),
}

impl From<BusError> for Rejection {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Forbidden => Self::Unauthenticated,
            error => Self::Other(error.into()),
        }
    }
}

impl ResponseError for Rejection {
    fn error_response(&self) -> HttpResponse {
        let code = match self {
            Self::Other(refusal) => return refusal.error_response(),
            Self::TooMany => {
                return HttpResponse::TooManyRequests().json(json!({"message": self.to_string()}));
            }
            Self::Unauthenticated => return bad(&json!({"code": Value::Null})),
            Self::UnknownTransport => 0,
            Self::UnknownSession => 1,
            Self::HandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Version => 5,
        };
        bad(&json!({"code": code, "message": self.to_string()}))
    }
}

fn bad(body: &Value) -> HttpResponse {
    HttpResponse::BadRequest().json(body)
}
