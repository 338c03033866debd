//! Calls of those who give out tokens: what a request carries is its own, and it goes to listed hosts alone.

use bytes::Bytes;
use reqwest::Url;

use super::error::EgressError;
use super::hosts::HostList;
use super::outbound::Egress;
use super::transport::{Outgoing, without_connection};

/// The longest answer of a provider: tokens and profiles are short.
const ANSWER_BYTES: usize = 1 << 20;

/// The head of a provider's answer, and its body, or why that did not come whole.
pub type ProviderAnswer = http::Response<Result<Bytes, EgressError>>;

impl Egress {
    /// The provider's answer, whatever its status; redirects are answers too. Bounded by the time limit of APIs and a
    /// megabyte.
    ///
    /// # Errors
    /// Any [`EgressError`] where not even the head of an answer came; [`EgressError::nothing_sent`] tells which leave no
    /// doubt.
    pub async fn call_provider(
        &self,
        request: http::Request<Bytes>,
        hosts: &HostList,
    ) -> Result<ProviderAnswer, EgressError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| EgressError::Address)?;
        if !hosts.allows(&url) {
            return Err(EgressError::HostNotAllowed);
        }
        let headers = without_connection(parts.headers);
        let call = Outgoing { method: parts.method, url, headers, body, limit: self.0.settings.api_timeout };
        self.0.providers.head_and_body(call, ANSWER_BYTES).await
    }
}
