//! Calls of one server that the operator named, such as a remote bus.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use reqwest::{Request, Url};

use super::error::EgressError;
use super::outbound::Egress;
use super::transport::Transport;

/// A call of a [`Peer`].
#[derive(Debug)]
pub struct PeerRequest {
    /// How.
    pub method: Method,
    /// Path below the server's address, and query; it begins with a slash and is escaped.
    pub target: String,
    /// All headers but those of the connection.
    pub headers: HeaderMap,
    /// The body; none where it is empty.
    pub body: Bytes,
}

/// One server, wherever its name leads. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Peer {
    egress: Egress,
    base_url: String,
    limit: Duration,
}

impl Egress {
    /// The server at `base_url`; each call of it may take as long as `limit`, its answer included.
    pub fn peer(&self, base_url: &Url, limit: Duration) -> Peer {
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        Peer { egress: self.clone(), base_url, limit }
    }
}

impl Peer {
    /// Where the server is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.egress.0.listed
    }

    /// How long a call may take.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn longest_answer(&self) -> usize {
        self.egress.0.settings.response_bytes
    }

    /// The server's whole answer, whatever its status; a redirect is an answer too.
    ///
    /// # Errors
    /// Any [`EgressError`]; [`EgressError::nothing_sent`] tells which leave no doubt.
    pub async fn call(&self, request: PeerRequest) -> Result<http::Response<Bytes>, EgressError> {
        let url = Url::parse(&format!("{}{}", self.base_url, request.target));
        let mut call = Request::new(request.method, url.map_err(|_| EgressError::Address)?);
        *call.headers_mut() = request.headers;
        *call.body_mut() = (!request.body.is_empty()).then(|| request.body.into());
        *call.timeout_mut() = Some(self.limit);
        self.egress.0.listed.exchange(call).await
    }
}
