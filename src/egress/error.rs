//! Why something did not leave, or did not come back.

use thiserror::Error;
use tower::BoxError;

use super::cause::{Cause, causes};

/// Why a call could not be made or answered. No text holds a secret, a host, a path or a query, nor what a stranger says.
#[derive(Debug, Error)]
pub enum EgressError {
    /// The address of the call is not one that can be called as it is written.
    #[error("the address cannot be called as it is written")]
    Address,
    /// An entry of a list of hosts is not `host` or `host:port`.
    #[error("{entry:?} is not a host or host:port")]
    HostEntry {
        /// The entry as it was given.
        entry: String,
    },
    /// The host, with this scheme and port, is not on the list.
    #[error("calls to this host are not allowed")]
    HostNotAllowed,
    /// The host is, or has no address but, one that is not on the public Internet.
    #[error("the address of the host is not on the public Internet")]
    AddressNotAllowed,
    /// The secret cannot be put in a header.
    #[error("the secret cannot be sent in a header")]
    Bearer,
    /// The start of the call could not be written down, so it was not made.
    #[error("the call was not made: its start could not be written down")]
    Gate(#[source] GateError),
    /// No answer within the time limit.
    #[error("no answer within the time limit")]
    Timeout,
    /// The answer is longer than allowed.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// No connection could be made.
    #[error("no connection could be made")]
    Connect(#[source] Cause),
    /// The connection was made, but the answer did not come whole.
    #[error("the exchange broke off")]
    Exchange(#[source] Cause),
    /// The server does not let the connection become another protocol's.
    #[error("the server does not switch protocols: status {}", status.as_u16())]
    NotUpgraded {
        /// What it answered.
        status: http::StatusCode,
    },
    /// A connection that stood ended badly.
    #[error("the connection broke")]
    Socket(#[source] Cause),
    /// The client could not be made; most often the machine has no root certificates.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

impl EgressError {
    /// Whether it is certain that nothing of the call arrived anywhere.
    pub fn nothing_sent(&self) -> bool {
        match self {
            Self::Address
            | Self::HostEntry { .. }
            | Self::HostNotAllowed
            | Self::AddressNotAllowed
            | Self::Bearer
            | Self::Gate(_)
            | Self::Connect(_)
            | Self::Client(_) => true,
            Self::Timeout
            | Self::TooLarge { .. }
            | Self::Exchange(_)
            | Self::NotUpgraded { .. }
            | Self::Socket(_) => false,
        }
    }

    /// Reads what went wrong in a call off the client's error, which loses its address here.
    pub(super) fn of_call(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() && !error.is_connect() {
            Self::Timeout
        } else if causes(&error).any(|cause| cause.is::<NoAdmittedAddress>()) {
            Self::AddressNotAllowed
        } else if error.is_connect() {
            Self::Connect(Cause::of(&error))
        } else {
            Self::Exchange(Cause::of(&error))
        }
    }

    /// The same of a client whose errors know no address.
    pub(super) fn of_line(error: hyper_util::client::legacy::Error) -> Self {
        let cause = Cause::of(&error);
        if error.is_connect() { Self::Connect(cause) } else { Self::Exchange(cause) }
    }
}

/// Every address of a name is one that may not be called.
#[derive(Debug, Error)]
#[error("no address of the name may be called")]
pub(super) struct NoAdmittedAddress;

/// Why the start of a call could not be written down.
#[derive(Debug, Error)]
#[error("the start of the call could not be written down")]
pub struct GateError(#[source] BoxError);

impl GateError {
    /// The failure with this cause.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}
