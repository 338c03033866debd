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
    /// Too many refused handshakes.
    #[error("Too Many Requests")]
    TooMany,
    /// The device has as many sessions as one may.
    #[error("Too Many Requests")]
    AllSessions {
        /// How many those are.
        at_most: usize,
    },
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
            Self::AllSessions { at_most } => {
                let detail = format!("one device has {at_most} firehose sessions at most; end one of those");
                let body = json!({"message": self.to_string(), "detail": detail});
                return HttpResponse::TooManyRequests().json(body);
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
