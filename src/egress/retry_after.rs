//! When whoever answered wants to be asked again.

use std::time::Duration;

use http::{HeaderMap, header};

use crate::ambient::Timestamp;

/// What a `Retry-After` says (RFC 9110, 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long after the answer.
    In(Duration),
    /// At that time.
    At(Timestamp),
}

impl RetryAfter {
    /// What these headers say, if it can be read.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        let seconds = text.parse().map(|seconds| Self::In(Duration::from_secs(seconds)));
        seconds.ok().or_else(|| Timestamp::from_http_date(text).map(Self::At))
    }

    /// How long that is from `now`, the time of the answer; not bounded.
    pub fn span_from(self, now: Timestamp) -> Duration {
        match self {
            Self::In(span) => span,
            Self::At(time) => time.since(now),
        }
    }
}
