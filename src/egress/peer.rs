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
    /// The same, read once.
    base: Url,
    limit: Duration,
}

impl Egress {
    /// The server at `base_url`; each call of it may take as long as `limit`, its answer included.
    pub fn peer(&self, base_url: &Url, limit: Duration) -> Peer {
        let base = base_url.clone();
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        Peer { egress: self.clone(), base_url, base, limit }
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
        let mut call = Request::new(request.method, self.address(&request.target));
        *call.headers_mut() = request.headers;
        *call.body_mut() = (!request.body.is_empty()).then(|| request.body.into());
        *call.timeout_mut() = Some(self.limit);
        self.egress.0.listed.exchange(call).await
    }

    /// Where this target is; what of the server's address comes before it stays.
    fn address(&self, target: &str) -> Url {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        match self.base.path().trim_end_matches('/') {
            "" => url.set_path(path),
            before => url.set_path(&format!("{before}{path}")),
        }
        url.set_query(query);
        url
    }
}
