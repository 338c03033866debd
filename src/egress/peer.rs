//! Calls of one server that the operator named, such as a remote bus.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::Full;
use reqwest::Url;

use super::compressed::unpacked;
use super::error::EgressError;
use super::line::Line;
use super::outbound::Egress;
use super::transport::{Outgoing, Transport};

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
    /// How it is called where that takes no TLS.
    line: Option<Arc<Line>>,
}

impl Egress {
    /// The server at `base_url`; each call of it may take as long as `limit`, its answer included.
    pub fn peer(&self, base_url: &Url, limit: Duration) -> Peer {
        let line = (base_url.scheme() == "http").then(|| Arc::new(self.line()));
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        Peer { egress: self.clone(), base_url, limit, line }
    }

    fn line(&self) -> Line {
        Line::new(self.0.listed.names().clone(), self.0.settings.clone())
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

    /// The server's whole answer, whatever its status; a redirect is an answer too.
    ///
    /// # Errors
    /// Any [`EgressError`]; [`EgressError::nothing_sent`] tells which leave no doubt.
    pub async fn call(&self, request: PeerRequest) -> Result<http::Response<Bytes>, EgressError> {
        let PeerRequest { method, target, headers, body } = request;
        let address = format!("{}{target}", self.base_url);
        let answer = match &self.line {
            Some(line) => {
                let mut call = http::Request::new(Full::new(body));
                *call.method_mut() = method;
                *call.uri_mut() = Uri::try_from(address).map_err(|_| EgressError::Address)?;
                *call.headers_mut() = headers;
                line.exchange(call, self.limit).await?
            }
            None => {
                let url = Url::parse(&address).map_err(|_| EgressError::Address)?;
                let call = Outgoing { method, url, headers, body, limit: self.limit };
                self.egress.0.listed.exchange(call).await?
            }
        };
        // What a HEAD or a 204 says of its body is of none.
        if answer.body().is_empty() {
            return Ok(answer);
        }
        unpacked(answer, self.egress.0.settings.response_bytes)
    }
}
