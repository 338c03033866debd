//! Why a provider gave nothing.

use thiserror::Error;

use super::said::Said;
use crate::egress::{EgressError, RetryAfter};
use crate::vault::NotAResourceOwnerId;

/// Why a provider gave nothing. The texts are fit for logs: none holds a word of the provider's.
#[derive(Debug, Error)]
pub enum OAuthError {
    /// The code or the refresh token is not good, or not any more.
    #[error("the provider says that the grant is not valid: {}, status {status}", said.code)]
    InvalidGrant {
        /// What it says.
        said: Said,
        /// The status of its answer.
        status: u16,
    },
    /// The provider refused, for a reason that another grant would not change.
    #[error("the provider refused with {}, status {status}", said.code)]
    Refused {
        /// What it says.
        said: Said,
        /// The status of its answer.
        status: u16,
    },
    /// The provider refused without a reason.
    #[error("the provider refused with status {0}")]
    Declined(u16),
    /// The provider did nothing, and wants to be asked later.
    #[error("the provider wants to be asked later, status {status}")]
    Busy {
        /// The status of its answer.
        status: u16,
        /// When, where it says so.
        after: Option<RetryAfter>,
    },
    /// Nothing of the request arrived anywhere.
    #[error("the provider cannot be reached")]
    NotSent(#[source] EgressError),
    /// The request may have arrived; its answer did not.
    #[error("the provider did not answer")]
    NoAnswer(#[source] EgressError),
    /// The provider, or whoever answers for it, failed; nobody knows whether that was before or after it did what it was
    /// asked.
    #[error("the provider failed with status {0}")]
    Failed(u16),
    /// The provider's answer is not what it should be.
    #[error("the provider's answer cannot be read")]
    Unreadable,
    /// The provider answered with a page for people where none can be, as one does that is asked at a wrong address.
    #[error("the provider answered with a page for people")]
    Page,
    /// The account's id is one that must not be signed.
    #[error("the provider tells no account id that can be used")]
    AccountId(#[from] NotAResourceOwnerId),
    /// The access token is not good, or not any more.
    #[error("the provider does not take the access token")]
    TokenRejected,
}

/// What a gateway says in place of the API behind it, of which it knows nothing: it failed, or did not answer in time (RFC 9110,
/// 15.6.3 and 15.6.5).
pub(super) const OF_GATEWAYS: [u16; 2] = [502, 504];

impl OAuthError {
    /// The same for people, with the provider's plain words where there are any.
    pub fn words(&self) -> String {
        match self {
            Self::Refused { said, status } => match said.words() {
                Some(words) => format!("the provider refused: {words}"),
                None => Self::Declined(*status).to_string(),
            },
            _ => self.to_string(),
        }
    }

    /// Whether the provider may still be at what it was asked.
    pub fn may_be_at_it(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Failed(status) => OF_GATEWAYS.contains(status),
            _ => false,
        }
    }

    /// Whether it is certain that what was sent was not used up by it: a refresh token can be sent as if for the first
    /// time.
    pub fn left_untouched(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Declined(_) | Self::Busy { .. } | Self::NotSent(_) => true,
            Self::InvalidGrant { .. }
            | Self::NoAnswer(_)
            | Self::Failed(_)
            | Self::Unreadable
            | Self::Page
            | Self::AccountId(_)
            | Self::TokenRejected => false,
        }
    }
}

impl From<EgressError> for OAuthError {
    fn from(error: EgressError) -> Self {
        if error.nothing_sent() { Self::NotSent(error) } else { Self::NoAnswer(error) }
    }
}
