//! Why a secret was not renewed.

use std::error::Error as StdError;
use std::sync::Arc;

use thiserror::Error;

use crate::source::oauth2::OAuthError;
use crate::store::StoreError;

type Cause = Arc<dyn StdError + Send + Sync>;

/// Why a secret was not renewed. Told to everyone who waits for it.
#[derive(Clone, Debug, Error)]
pub enum RenewalError {
    /// It cannot be renewed any more: somebody has to sign in again.
    #[error("the credentials have to be renewed by signing in again: {reason}")]
    Dead {
        /// Why, in a fixed text.
        reason: &'static str,
    },
    /// It came by another client of the API than the gateway is now.
    #[error("the credentials came by another client of the API than the settings name")]
    OtherClient,
    /// The API refuses even what was renewed a moment ago.
    #[error("the API refuses the new secret too; the next renewal waits")]
    Fruitless,
    /// The provider does not take this gateway: its settings are wrong.
    #[error("the provider refused the gateway")]
    Refused(#[source] Arc<OAuthError>),
    /// The provider did not answer, or not now.
    #[error("the provider cannot renew the credentials now")]
    Unavailable(#[source] Arc<OAuthError>),
    /// The last try failed a moment ago.
    #[error("the last renewal failed a moment ago; the next waits")]
    Resting,
    /// Another process is at it and takes long.
    #[error("another process renews the credentials")]
    Busy,
    /// There is no record to renew.
    #[error("there is no record to renew")]
    NoRecord,
    /// The record cannot be opened or sealed.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The store could not do it.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The task that renewed ended before its time.
    #[error("the renewal broke off")]
    Interrupted,
}

/// Why a record cannot be opened or sealed.
#[derive(Clone, Debug, Error)]
#[error("the record cannot be opened or sealed")]
pub struct RecordsError(#[source] Cause);

impl RecordsError {
    /// The failure with this cause.
    pub fn new(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self(Arc::new(cause))
    }
}
