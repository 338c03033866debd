//! Connections: pooled, limited in time and size, and never redirected.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, header};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Request, Response, Url};
use tokio::sync::OnceCell;

use super::error::EgressError;
use super::names::{Lookup, Reach, VettedNames};
use super::outbound::EgressSettings;

/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 64;

/// A call of another server.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// How long it may take, its answer included.
    pub(super) limit: Duration,
}

/// The connections of one reach. Clients are made when first needed: reading the machine's certificates takes
/// time, and a gateway that calls only its own machine needs none.
#[derive(Debug)]
pub(super) struct Transport {
    names: VettedNames,
    settings: EgressSettings,
    idle_per_host: usize,
    plain: OnceCell<Client>,
    secure: OnceCell<Client>,
}

impl Transport {
    pub(super) fn new(lookup: Lookup, reach: Reach, settings: EgressSettings) -> Self {
        let names = VettedNames::new(lookup, reach);
        let idle_per_host = IDLE_PER_HOST;
        Self { names, settings, idle_per_host, plain: OnceCell::new(), secure: OnceCell::new() }
    }

    /// Who finds the addresses that it may reach.
    pub(super) fn names(&self) -> &VettedNames {
        &self.names
    }

    /// The same, with a new connection for every call. One that was idle may end under a request, and nobody knows then
    /// whether that arrived.
    pub(super) fn always_anew(self) -> Self {
        Self { idle_per_host: 0, ..self }
    }

    /// The answer's head; its body is there to be read or dropped.
    pub(super) async fn send(&self, call: Outgoing) -> Result<Response, EgressError> {
        let host = call.url.host_str().unwrap_or_default();
        if literal(host).is_some_and(|address| !self.names.reach.admits(address)) {
            return Err(EgressError::AddressNotAllowed);
        }
        let client = self.client(call.url.scheme() == "https").await?;
        let mut request = Request::new(call.method, call.url);
        *request.headers_mut() = call.headers;
        *request.body_mut() = Some(call.body.into());
        *request.timeout_mut() = Some(call.limit);
        client.execute(request).await.map_err(EgressError::of_call)
    }

    /// The whole answer, if it is not too long.
    pub(super) async fn exchange(&self, call: Outgoing) -> Result<http::Response<Bytes>, EgressError> {
        let (head, body) = self.head_and_body(call, self.settings.response_bytes).await?.into_parts();
        Ok(http::Response::from_parts(head, body?))
    }

    /// The answer's head, and its whole body if that came and is not longer than `limit` bytes.
    pub(super) async fn head_and_body(
        &self,
        call: Outgoing,
        limit: usize,
    ) -> Result<http::Response<Result<Bytes, EgressError>>, EgressError> {
        let limit = limit.min(self.settings.response_bytes);
        let mut response = self.send(call).await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut answer = http::Response::new(whole_body(response, limit).await);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }

    async fn client(&self, secure: bool) -> Result<&Client, EgressError> {
        let made = if secure {
            self.secure.get_or_try_init(|| async { self.limited().https_only(true).build() }).await
        } else {
            self.plain.get_or_try_init(|| async { self.limited().tls_certs_only([]).build() }).await
        };
        made.map_err(EgressError::Client)
    }

    fn limited(&self) -> ClientBuilder {
        Client::builder()
            .dns_resolver(self.names.clone())
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(self.settings.connect_timeout)
            .pool_max_idle_per_host(self.idle_per_host)
            .user_agent(&self.settings.user_agent)
    }
}

async fn whole_body(mut response: Response, limit: usize) -> Result<Bytes, EgressError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(EgressError::of_call)? {
        if chunk.len() > limit - body.len() {
            return Err(EgressError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The address that a host of a URL is, if it is no name.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// The headers without those that belong to the connection, which only the client may set.
pub(super) fn without_connection(mut headers: HeaderMap) -> HeaderMap {
    const OURS: [header::HeaderName; 9] = [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
        header::EXPECT,
        header::PROXY_AUTHORIZATION,
    ];
    for name in OURS {
        headers.remove(name);
    }
    headers
}
