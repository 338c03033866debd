//! Why the bus refuses a call.

use thiserror::Error;

use super::projection::ProjectionError;
use super::query::QueryError;
use super::update::{DataError, UpdateError};
use crate::memory::Crowded;
use crate::store::StoreError;

/// A refusal, one variant for each shape that clients see (`spec/meshblu.md` 2.5).
#[derive(Debug, Error)]
pub enum BusError {
    /// The credentials are wrong, or the whitelists do not allow it, or there is no such device.
    #[error("Forbidden")]
    Forbidden,
    /// The update document is not one the bus accepts; the text is the contract's own.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A body that had to be an object is something else.
    #[error("Invalid Request")]
    InvalidRequest,
    /// The message names no recipients, or the subscription type does not exist.
    #[error("Unprocessable Entity")]
    Unprocessable,
    /// The caller has called too often this minute.
    #[error("Too Many Requests")]
    TooManyRequests,
    /// The update does not fit the document it meets; the text goes into `x-meshblu-error`.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The query cannot be used.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The projection cannot be used.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// There is no room in memory for what would be answered.
    #[error(transparent)]
    Crowded(#[from] Crowded),
    /// Whoever asked was gone before its turn; nothing was done.
    #[error("Nothing was done: the caller hung up before its turn")]
    HungUp,
    /// Those of the caller's account who wait have all the places that it may have.
    #[error("the account has all the places that it may have")]
    NoPlace,
    /// The store could not do it.
    #[error("the bus cannot store this now")]
    Store(#[from] StoreError),
}
