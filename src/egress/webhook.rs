//! Webhooks: calls to wherever devices ask for, as long as that is on the public Internet.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};

use super::error::EgressError;
use super::outbound::Egress;
use super::transport::{Outgoing, without_connection};
use super::webhook_address::WebhookAddress;

/// One call of a webhook.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    /// How it is called.
    pub method: Method,
    /// Where.
    pub address: WebhookAddress,
    /// What it is told besides; headers of the connection are left out.
    pub headers: HeaderMap,
    /// What is delivered.
    pub body: Bytes,
}

impl Egress {
    /// How long a webhook may take to answer.
    pub fn webhook_limit(&self) -> Duration {
        self.0.settings.webhook_timeout
    }

    /// Calls a webhook; gives the head of its answer, whatever that says. The body is not read.
    ///
    /// # Errors
    /// [`EgressError::AddressNotAllowed`] will not go away by itself, others may.
    pub async fn deliver(&self, webhook: WebhookRequest) -> Result<Response<()>, EgressError> {
        let WebhookRequest { method, address, headers, body } = webhook;
        let url = address.into_url();
        let transport = if self.0.webhook_hosts.names(&url) { &self.0.listed } else { &self.0.vetted };
        let headers = without_connection(headers);
        let call = Outgoing { method, url, headers, body, limit: self.webhook_limit() };
        let answer = transport.send(call).await?;
        let mut head = Response::new(());
        *head.status_mut() = answer.status();
        *head.headers_mut() = answer.headers().clone();
        Ok(head)
    }
}
