//! Keeping an account's secret: one credentials device for each account, sealed anew with every secret.

use std::sync::Arc;

use super::before::{Before, NewestGrants};
use super::incoming::Incoming;
use crate::credentials::ends::arrivals::Arrival;
use crate::credentials::ends::end::Tokens;
use crate::credentials::management::owners::NewRecord;
use crate::credentials::{Account, Again, CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::StoredRecord;
use crate::telemetry::with_causes;
use crate::vault::{Contents, Format, Owner, Owners, SealError};

/// The most who can manage the same credentials.
const MOST_OWNERS: usize = 500;

impl CredentialsDevices {
    /// Keeps the account's secret on its credentials device, which is made where there is none. On the bus in this
    /// process all of it is on disk together: device, subscription, token, record and the bus's copy of the record.
    /// Elsewhere the record is in the store before the bus gets its copy.
    ///
    /// # Errors
    /// [`CredentialsError`]; the secret is not kept then.
    pub async fn keep(&self, account: impl Into<Arc<Account>>) -> Result<DeviceUuid, CredentialsError> {
        self.keep_brought(account.into(), None, None).await
    }

    /// The same of what a sign-in brought, which is no stray then; on this very device where one is named, which keeps a
    /// secret of the account.
    ///
    /// # Errors
    /// [`CredentialsError::NoRecord`] where it does not; [`CredentialsError::OtherSecret`] where that is not the one that was
    /// shown; [`CredentialsError::KeyMissing`] where none is named and what no key here opens may be the account's;
    /// [`CredentialsError::GivenUp`] where the sign-in took so long that the API was told to end its tokens; else as
    /// [`CredentialsDevices::keep`].
    pub async fn keep_brought(
        &self,
        account: Arc<Account>,
        again: Option<Again>,
        arrival: Option<Arc<Arrival>>,
    ) -> Result<DeviceUuid, CredentialsError> {
        if again.is_none() {
            self.may_be_the_first(&account.id).await?;
        }
        let tokens = Tokens::pair(&account.secret, account.refresh_token.as_ref()).of(account.id.clone());
        let tokens = tokens.and(self.lines_of(account.refresh_token.iter()).await?);
        let (arrival, may_be_over) = match arrival {
            Some(arrival) => {
                let may_be_over = arrival.brings(tokens).await;
                (arrival, may_be_over)
            }
            None => (Arc::new(self.arrivals.begin_with(tokens).await), false),
        };
        let came = self.store.moment().await?;
        let incoming = Incoming { devices: self.clone(), account, again: again.map(Arc::new), arrival, came };
        let device = self.keep_on_its_device(incoming).await?;
        if may_be_over && let Err(error) = self.looks().probe(&device).await {
            tracing::warn!(error = with_causes(&error), "nobody can tell whether new tokens are good");
        }
        Ok(device)
    }

    /// The next record of the account. Costs milliseconds: not for async threads.
    pub(super) fn seal(
        &self,
        device: &DeviceUuid,
        account: &Account,
        mut before: Before,
    ) -> Result<NewRecord, SealError> {
        let owner = std::slice::from_ref(&account.owner);
        let owners = self.vault.name(before.owners.clone(), owner).with(&account.owner);
        if owners.named.len() + owners.unnamed.len() > MOST_OWNERS {
            return Err(SealError::TooLarge);
        }
        let format = self.format();
        let (owners, beside) = match format {
            // It shows whom the original would have shown: whoever signed in last.
            Format::One => {
                let last = Owner::Named(account.owner.clone());
                (Owners::only(last), self.beside(device, &account.id, owners))
            }
            Format::Two => (owners, Vec::new()),
        };
        let NewestGrants { grants, crowded_out } = self.still_to_end(&before.set_aside, account);
        before.set_aside = grants;
        let contents = self.contents(account, before, owners);
        let sealed = self.vault.seal(device, &contents, format)?;
        let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
        let Contents { generation, source, .. } = contents;
        let record = StoredRecord { generation, endo, signature, source };
        Ok(NewRecord { record, beside, crowded_out })
    }

    fn contents(&self, account: &Account, before: Before, owners: Owners) -> Contents {
        Contents {
            username: account.username.clone(),
            extras: account.extras.clone(),
            clients: self.clients(account, before.refresh_token.as_ref()),
            refresh_token: before.refresh_token.map(|refresh| refresh.token),
            credentials_device_token: before.token,
            set_aside: before.set_aside,
            owners,
            hosts: self.sealing.hosts.clone(),
            source: Some(self.sealing.realm.mark()),
            generation: before.generation + 1,
            ..Contents::new(account.id.clone(), account.secret.copy())
        }
    }
}
