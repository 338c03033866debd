//! Changes that are worked out at leisure, and made of things as they stand then: of those who come at the same time each
//! comes after another, and nobody is told to try again because others were quicker.

use std::sync::Arc;

use super::{CredentialsDevices, CredentialsError};
use crate::store::{Transaction, View};

/// A change of what is stored.
pub(super) trait Change: Send + Sync + 'static {
    /// What can be worked out before it is made.
    type Plan: Send + 'static;
    /// What comes of it.
    type Made: Send + 'static;

    /// Works it out from what is there. May cost milliseconds.
    fn plan(&self, view: &View<'_>) -> Result<Self::Plan, CredentialsError>;

    /// Whether that is still what it was worked out from.
    fn is_of(&self, view: &View<'_>, plan: &Self::Plan) -> Result<bool, CredentialsError>;

    /// Makes it.
    fn make(&self, transaction: &Transaction<'_>, plan: Self::Plan) -> Result<Self::Made, CredentialsError>;
}

impl CredentialsDevices {
    /// Makes a change. It is worked out while others write; where they changed what it was worked out from, it is worked out
    /// once more in the very transaction that makes it, while nobody else does.
    pub(super) async fn change<C: Change>(&self, change: C) -> Result<C::Made, CredentialsError> {
        let change = Arc::new(change);
        let planning = Arc::clone(&change);
        let plan = self.store.read(move |view| planning.plan(view)).await?;
        let make = move |transaction: &Transaction<'_>| {
            let plan = if change.is_of(transaction, &plan)? { plan } else { change.plan(transaction)? };
            change.make(transaction, plan)
        };
        self.store.write(make).await
    }
}
