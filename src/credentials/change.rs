//! Changes that are worked out at leisure, and made of things as they stand then: of those who come at the same time each
//! comes after another, and nobody is told to try again because others were quicker.

use std::sync::Arc;

use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::store::{Transaction, View};

/// How often a change is worked out that others outrun, before nobody can.
const TRIES: usize = 4;

/// A change of what is stored.
pub(in crate::credentials) trait Change: Send + Sync + 'static {
    /// All of the store that it hangs on, as it stood when it was looked at.
    type Ground: PartialEq + Send + Sync + 'static;
    /// What can be worked out before it is made.
    type Plan: Send + 'static;
    /// What comes of it.
    type Made: Send + 'static;

    /// Looks at what it hangs on.
    fn look(&self, view: &View<'_>) -> Result<Self::Ground, CredentialsError>;

    /// Works it out. May cost milliseconds: not for async threads.
    fn plan(&self, ground: &Self::Ground) -> Result<Self::Plan, CredentialsError>;

    /// Makes it.
    fn make(&self, transaction: &Transaction<'_>, plan: Self::Plan) -> Result<Self::Made, CredentialsError>;
}

impl CredentialsDevices {
    /// Makes a change. It is worked out while others read and write; where they changed what it hangs on, it is worked out
    /// once more. Whoever is outrun every time works it out in the very transaction that makes it, while nobody else writes.
    pub(in crate::credentials) async fn change<C: Change>(
        &self,
        change: C,
    ) -> Result<C::Made, CredentialsError> {
        let change = Arc::new(change);
        for _ in 0..TRIES {
            if let Some(made) = self.try_change(&change).await? {
                return Ok(made);
            }
        }
        let make = move |transaction: &Transaction<'_>| {
            let plan = change.plan(&change.look(transaction)?)?;
            change.make(transaction, plan)
        };
        self.store.write(make).await
    }

    /// `None` where others were quicker.
    async fn try_change<C: Change>(&self, change: &Arc<C>) -> Result<Option<C::Made>, CredentialsError> {
        let looking = Arc::clone(change);
        let ground = self.store.read(move |view| looking.look(view)).await?;
        let planning = Arc::clone(change);
        let plan = move || planning.plan(&ground).map(|plan| (ground, plan));
        let planned = tokio::task::spawn_blocking(plan).await;
        let (ground, plan) = planned.map_err(|_| CredentialsError::Interrupted)??;
        let making = Arc::clone(change);
        let make = move |transaction: &Transaction<'_>| match making.look(transaction)? == ground {
            true => making.make(transaction, plan).map(Some),
            false => Ok(None),
        };
        self.store.write(make).await
    }
}
