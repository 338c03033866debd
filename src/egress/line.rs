//! Calls of a server near at hand, without TLS: connections are kept by the thread that made them, so that a call and its
//! answer wake no other.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, Entry, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thread_local::ThreadLocal;

use super::answer::body_within;
use super::error::EgressError;
use super::names::VettedNames;
use super::outbound::EgressSettings;

type Connections = Client<HttpConnector<VettedNames>, Full<Bytes>>;

/// The connections to one server.
#[derive(Debug)]
pub(super) struct Line {
    names: VettedNames,
    settings: EgressSettings,
    connections: ThreadLocal<Connections>,
}

impl Line {
    pub(super) fn new(names: VettedNames, settings: EgressSettings) -> Self {
        Self { names, settings, connections: ThreadLocal::new() }
    }

    /// The whole answer within `limit`, if it is not too long.
    pub(super) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Response<Bytes>, EgressError> {
        self.name_sender(request.headers_mut());
        let connections = self.connections.get_or(|| self.connect());
        let exchange = async {
            let answer = connections.request(request).await.map_err(EgressError::of_line)?;
            body_within(answer, self.settings.response_bytes).await
        };
        tokio::time::timeout(limit, exchange).await.map_err(|_| EgressError::Timeout)?
    }

    fn name_sender(&self, headers: &mut HeaderMap) {
        if let (Entry::Vacant(entry), Ok(name)) =
            (headers.entry(USER_AGENT), HeaderValue::from_str(&self.settings.user_agent))
        {
            entry.insert(name);
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    }

    fn connect(&self) -> Connections {
        let mut connector = HttpConnector::new_with_resolver(self.names.clone());
        connector.set_connect_timeout(Some(self.settings.connect_timeout));
        connector.set_nodelay(true);
        Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector)
    }
}
