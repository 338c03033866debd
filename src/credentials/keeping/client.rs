//! By which client of the API secrets came: those of another than the settings name are neither renewed nor ended here, for the API
//! takes them from nobody else. Their records say it, inside the seal. Of those that do not, such as the original gateway's, what
//! is known is when their refresh tokens came, and which client the gateway was then.

use super::brought::RefreshToken;
use crate::credentials::ends::left::{Grants, Left};
use crate::credentials::{Account, CredentialsDevices};
use crate::message::DeviceUuid;
use crate::source::oauth2::OAuthClient;
use crate::source::renewal::CameBy;
use crate::store::{QueuedRevocation, StoreError, Transaction, View};
use crate::vault::{Clients, Grant};

impl CredentialsDevices {
    /// The gateway's name at the API.
    pub(in crate::credentials) fn client_id(&self) -> Option<String> {
        self.upstream.as_ref().map(|client| client.settings().client_id.clone())
    }

    /// Notes by which client everything comes from now on.
    pub(in crate::credentials) async fn note_client(&self) -> Result<(), StoreError> {
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

    /// By which client an account's secret came, and what renews it: what its sign-in brought came by the present one.
    pub(super) fn clients(&self, account: &Account, refresh: Option<&RefreshToken>) -> Clients {
        let present = self.client_id();
        let refresh_token = refresh.and_then(|refresh| {
            let is_brought =
                account.refresh_token.as_ref().is_some_and(|brought| brought.is(refresh.token.expose()));
            if is_brought { present.clone() } else { refresh.client.clone() }
        });
        let are_of_two_sign_ins = refresh.is_some_and(|refresh| refresh.is_of_another_sign_in);
        Clients { secret: present, refresh_token, are_of_two_sign_ins }
    }

    /// What is left of this copy, which is to end, that came by this client, as far as that is known.
    pub(in crate::credentials) async fn of_client(
        &self,
        client: &OAuthClient,
        revocation: &QueuedRevocation,
        left: &Left,
    ) -> Result<OfClient, StoreError> {
        let client = client.settings().client_id.clone();
        let is_it = |noted: &Option<String>| noted.as_ref().is_none_or(|noted| *noted == client);
        let of_it =
            |grant: &Grant| grant.part(is_it(&grant.clients.secret), is_it(&grant.clients.refresh_token));
        let aside = left.rest.aside.iter().filter_map(of_it).collect();

        let (token, came) = (revocation.refresh, revocation.came);
        let (noted, client) = (left.opened.clients().clone(), client.clone());
        let look = move |view: &View<'_>| {
            let known = token.map_or(Ok(None), |token| view.refresh_token(&token))?;
            let since = known.map_or(came, |known| known.line_since);
            let is_another_s = |noted: Option<&str>| CameBy { noted, since }.another(view, &client);
            Ok((is_another_s(noted.secret.as_deref())?, is_another_s(noted.refresh_token.as_deref())?))
        };
        let (access, refresh) = self.store.read::<_, StoreError, _>(look).await?;
        let used = left.rest.used.as_ref().and_then(|grant| grant.part(!access, !refresh));
        let grants = Grants { used, aside };
        Ok(OfClient { are_others: grants.tokens().count() < left.rest.tokens().count(), grants })
    }

    /// By which client the refresh token of these credentials came, where their record says.
    pub(in crate::credentials) async fn client_noted(
        &self,
        credentials: &DeviceUuid,
    ) -> Result<Option<String>, StoreError> {
        let device = credentials.clone();
        let record = self.store.read::<_, StoreError, _>(move |view| view.record(&device)).await?;
        let Some(record) = record.filter(|_| self.upstream.is_some()) else { return Ok(None) };
        // What does not open says nothing.
        let opened = self.opener.open(credentials.clone(), record).await.ok();
        Ok(opened.and_then(|opened| opened.clients().refresh_token.clone()))
    }
}

/// What of the tokens that are to end came by one client.
pub(in crate::credentials) struct OfClient {
    pub(in crate::credentials) grants: Grants,
    /// Whether there are others, which it cannot end.
    pub(in crate::credentials) are_others: bool,
}
