//! Why credentials cannot be used or kept.

use thiserror::Error;

use crate::bus::embedded::BusError;
use crate::bus::meshblu::MeshbluError;
use crate::source::renewal::RenewalError;
use crate::store::StoreError;
use crate::vault::{RecordError, RekeyError, SealError};

/// What stands between a message and its credentials.
#[derive(Debug, Error)]
pub enum CredentialsError {
    /// A tombstone says that this user device may not use them any more.
    #[error("the binding is over")]
    Revoked,
    /// The credentials device is not subscribed to this user device.
    #[error("the user device is not bound to the credentials device")]
    NotBound,
    /// There is no record, or no such credentials device.
    #[error("the credentials device holds no record")]
    NoRecord,
    /// The bus holds an older record than the store.
    #[error("the record was rolled back")]
    RolledBack,
    /// The secret is of another API than the gateway is for.
    #[error("the credentials are of another API")]
    OtherApi,
    /// The record does not verify or open.
    #[error("the record cannot be opened")]
    Record(#[from] RecordError),
    /// What is kept may be the account's, or the caller's, and was sealed with a key that is not here.
    #[error(
        "records that no key here opens may be of this account, and a second place for it would stay: put the missing key back first \
         (`endo keys ls` names it), or forget what it sealed (`endo credentials forget`)"
    )]
    KeyMissing,
    /// So many records of this device failed to open that no other is tried for a while.
    #[error("too many records of the device failed to open; no other is tried now")]
    TooManyFailures,
    /// The secret is over, and only a sign-in at the API brings another.
    #[error("the credentials have to be renewed by signing in again: {reason}")]
    SignInAgain {
        /// Why, in a fixed text.
        reason: &'static str,
    },
    /// A handler says that the API does not take the secret, which nothing here can renew; that alone ends nothing.
    #[error("a handler says that the API does not take the secret, which nothing here can renew; {api_says}")]
    SaidRefused {
        /// What the API says of it, in a fixed text.
        api_says: &'static str,
    },
    /// The secret is over and cannot be renewed now.
    #[error("the credentials were not renewed")]
    NotRenewed(#[source] RenewalError),
    /// The API does not take a secret that was renewed a moment ago; the next renewal waits.
    #[error("the API refuses a secret that was renewed a moment ago")]
    RefusedAnew,
    /// The contents cannot be sealed.
    #[error("the credentials cannot be sealed")]
    Seal(#[from] SealError),
    /// The record cannot be sealed anew.
    #[error("the record cannot be sealed anew")]
    Rekey(#[from] RekeyError),
    /// A list was to go on after credentials that are not in it, or not any more.
    #[error("the list has no such place")]
    NoSuchPlace,
    /// They hold another secret than was shown, which somebody else gave meanwhile.
    #[error("the credentials hold another secret than was shown")]
    OtherSecret,
    /// Nobody would own the credentials.
    #[error("the last owner cannot leave")]
    LastOwner,
    /// The tokens were ended at the API before they were kept, or may have been.
    #[error("the API was told to end the tokens of the sign-in before they were kept")]
    GivenUp,
    /// The record changed again and again.
    #[error("the record is being changed by others")]
    Busy,
    /// The bus refused.
    #[error("the bus refused")]
    Bus(#[from] BusError),
    /// The bus elsewhere refused, or did not answer.
    #[error("the bus did not do it")]
    Meshblu(#[from] MeshbluError),
    /// The record holds no token of its credentials device, so nobody can speak for that.
    #[error("the record holds no token of the credentials device")]
    NoToken,
    /// The store could not do it.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The thread that was to open the record ended before its time.
    #[error("the vault did not answer")]
    Interrupted,
    /// The gateway stops, and asks the API nothing more that can wait.
    #[error("the gateway stops")]
    Stopped,
}

impl CredentialsError {
    /// Whether the bus said before that the user device has a right to use what the credentials device holds.
    pub fn is_of_a_right(&self) -> bool {
        matches!(
            self,
            Self::RolledBack
                | Self::OtherApi
                | Self::Record(_)
                | Self::TooManyFailures
                | Self::SignInAgain { .. }
                | Self::SaidRefused { .. }
                | Self::NotRenewed(_)
                | Self::RefusedAnew
        )
    }
}
