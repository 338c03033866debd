//! By which client of the API secrets came: those of another than the settings name are neither renewed nor ended here, for the API
//! takes them from nobody else.

use super::{CredentialsDevices, CredentialsError};
use crate::source::renewal::came_by_another_client;
use crate::store::{QueuedRevocation, StoreError, StoredRenewal, Transaction, View};

impl CredentialsDevices {
    /// The gateway's name at the API.
    pub(super) fn client_id(&self) -> Option<String> {
        self.upstream.as_ref().map(|client| client.settings().client_id.clone())
    }

    /// Notes by which client everything comes from now on.
    pub(super) async fn note_client(&self) -> Result<(), StoreError> {
        let Some(client) = self.client_id() else { return Ok(()) };
        let note = move |transaction: &Transaction<'_>| transaction.note_client(&client);
        if let Some(before) = self.store.write::<_, StoreError, _>(note).await? {
            tracing::warn!(
                before,
                "the gateway is another client of the API than before: what came by that is used until it runs out, and renewed \
                 and ended only where the settings name that client again; else its owners sign in again"
            );
        }
        Ok(())
    }

    /// Whether what is to end came by another client, as far as that is known.
    pub(super) async fn came_by_another_client(
        &self,
        revocation: &QueuedRevocation,
    ) -> Result<bool, CredentialsError> {
        let Some(client) = self.client_id() else { return Ok(false) };
        let (token, came) = (revocation.refresh, revocation.came);
        let look = move |view: &View<'_>| {
            let known = token.map_or(Ok(None), |token| view.refresh_token(&token))?;
            came_by_another_client(view, known.map_or(came, |known| known.line_since), &client)
        };
        Ok(self.store.read::<_, StoreError, _>(look).await?)
    }
}

/// Whether the secret of which this is known came by another client than this.
pub(super) fn is_another_client_s(
    view: &View<'_>,
    renewal: Option<&StoredRenewal>,
    client: Option<&str>,
) -> Result<bool, StoreError> {
    let refresh = renewal.and_then(|renewal| renewal.refresh.as_ref());
    match refresh.zip(client) {
        Some((refresh, client)) => came_by_another_client(view, refresh.line_since, client),
        None => Ok(false),
    }
}
