//! Where a webhook is: the parts of its address that its request carries, and that a signature covers.

use reqwest::Url;

use super::error::EgressError;

/// Where a webhook is: an absolute `http` or `https` address without a user's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAddress(Url);

impl WebhookAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`EgressError::Address`] when it cannot be called as it is written.
    pub fn parse(text: &str) -> Result<Self, EgressError> {
        let url = Url::parse(text).ok().filter(is_callable).ok_or(EgressError::Address)?;
        Ok(Self(url))
    }

    /// Host and port, however the address writes them: what is called, whatever it is asked for.
    pub fn destination(&self) -> String {
        let port = self.0.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", self.0.host_str().unwrap_or_default())
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// What requests carry in `Host`.
    pub fn authority(&self) -> &str {
        self.0.authority()
    }

    /// What requests name on their first line: path and query.
    pub fn target(&self) -> String {
        let path = self.0.path();
        self.0.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
    }

    pub(super) fn into_url(self) -> Url {
        self.0
    }
}

fn is_callable(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}
