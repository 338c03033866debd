//! Where somebody wanted to go before they were asked to sign in.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// The longest that is remembered, in bytes.
const LONGEST: usize = 512;

/// The name of what shows that.
pub(super) const VOUCHER: &str = "meant";

/// A path of the gateway, with its query, that a browser can be sent to; never an address elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::http) struct NextPage(String);

impl NextPage {
    /// Where `text` leads, if that is one of the pages; else the first page.
    pub(in crate::http) fn parse(text: &str) -> Self {
        let is_page = ["/console", "/auth/api"].iter().any(|page| {
            text.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        });
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let is_fit = is_page && is_plain && text.len() <= LONGEST && !text.contains("/auth/api/callback");
        Self(if is_fit { text.to_owned() } else { "/console".to_owned() })
    }

    /// Where `text` leads, if that is a page that people see once they signed in at the API.
    pub(in crate::http) fn afterwards(text: &str) -> Option<Self> {
        Some(Self::parse(text)).filter(|next| next.0 == text && text.starts_with("/console"))
    }

    /// Whether it leads on to the API.
    pub(in crate::http) fn is_to_the_api(&self) -> bool {
        self.0.split('?').next() == Some("/auth/api")
    }

    /// The same path, with what shows that whoever goes there meant to.
    pub(in crate::http) fn vouched(&self, voucher: &str) -> String {
        let mark = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{mark}{VOUCHER}={voucher}", self.0)
    }

    /// The path itself.
    pub(in crate::http) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below `start` that leads there in the end: `/sign-in?next=...`.
    pub(in crate::http) fn after(&self, start: &str) -> String {
        let mark = if start.contains('?') { '&' } else { '?' };
        format!("{start}{mark}next={}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC))
    }
}
