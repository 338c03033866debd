//! API clients for jobs: they carry the secret, and go only where it may go.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode, Uri, header};
use reqwest::Url;

use super::bearer::Bearer;
use super::error::EgressError;
use super::gate::CallGate;
use super::hosts::HostList;
use super::outbound::Egress;
use super::transport::{Outgoing, without_connection};

/// What one API client may do, and as whom.
#[derive(Debug)]
pub struct ApiAccess {
    /// Where addresses without a host lead.
    pub base_url: Url,
    /// Where the secret may go.
    pub hosts: HostList,
    /// The secret.
    pub bearer: Bearer,
    /// What is committed before anything may change.
    pub gate: CallGate,
}

/// A client of one API that carries the secret of one credential and never shows it.
#[derive(Clone)]
pub struct ApiClient {
    egress: Egress,
    access: Arc<ApiAccess>,
}

impl Egress {
    /// A client with this access.
    pub fn api_client(&self, access: ApiAccess) -> ApiClient {
        ApiClient { egress: self.clone(), access: Arc::new(access) }
    }
}

impl ApiClient {
    /// Where addresses without a host lead.
    pub fn base_url(&self) -> &Url {
        &self.access.base_url
    }

    /// The API's answer, whatever its status; redirects are answers too. An `Authorization` of the request is replaced.
    ///
    /// # Errors
    /// Any [`EgressError`]; the host list is asked first, then the gate.
    pub async fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, EgressError> {
        let call = self.with_secret(request)?;
        let may_change = !matches!(call.method, Method::GET | Method::HEAD);
        if may_change {
            self.access.gate.pass().await?;
        }
        let answer = self.egress.0.listed.exchange(call).await?;
        if may_change && answer.status() == StatusCode::UNAUTHORIZED {
            self.access.gate.refused();
        }
        Ok(answer)
    }

    fn with_secret(&self, request: http::Request<Bytes>) -> Result<Outgoing, EgressError> {
        let (parts, body) = request.into_parts();
        let url = self.destination(&parts.uri)?;
        let mut headers = without_connection(parts.headers);
        headers.insert(header::AUTHORIZATION, self.access.bearer.header()?);
        Ok(Outgoing { method: parts.method, url, headers, body, limit: self.egress.0.settings.api_timeout })
    }

    fn destination(&self, uri: &Uri) -> Result<Url, EgressError> {
        if leaves_its_place(uri.path()) {
            return Err(EgressError::Address);
        }
        let url = match uri.authority() {
            Some(_) => Url::parse(&uri.to_string()).map_err(|_| EgressError::Address)?,
            None => self.below_base(uri),
        };
        if self.access.hosts.allows(&url) { Ok(url) } else { Err(EgressError::HostNotAllowed) }
    }

    fn below_base(&self, uri: &Uri) -> Url {
        let mut url = self.access.base_url.clone();
        let path = format!("{}{}", url.path().trim_end_matches('/'), uri.path());
        url.set_path(&path);
        url.set_query(uri.query());
        url
    }
}

/// Whether the path has a segment that leads up or nowhere, which readers of addresses resolve silently.
fn leaves_its_place(path: &str) -> bool {
    let is_dots = |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
    path.contains('\\') || path.split('/').any(is_dots)
}

impl fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiClient").field("hosts", &self.access.hosts).finish_non_exhaustive()
    }
}
