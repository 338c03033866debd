//! Requests that the client is told were not granted (RFC 6749, 4.1.2.1).

use crate::egress::Url;

/// Why a request is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The person said no.
    Denied,
    /// Something other than a code is asked for; the implicit grant is not offered (RFC 9700, 2.1.2).
    NoSuchResponseType,
    /// A parameter is missing, repeated or malformed.
    Invalid(&'static str),
}

impl Reason {
    /// The error's name, and what it says to the client's developer.
    pub fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Denied => ("access_denied", "the person said no"),
            Self::NoSuchResponseType => ("unsupported_response_type", "response_type must be code"),
            Self::Invalid(what) => ("invalid_request", what),
        }
    }
}

/// What the client is told of a request that is not granted.
#[derive(Clone, Debug)]
pub struct Decline {
    /// Where the person is sent.
    pub target: Url,
    /// The client's own `state`, if it sent a proper one.
    pub state: Option<String>,
    /// Why.
    pub reason: Reason,
}
