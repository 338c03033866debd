//! Keeping an account's secret: one credentials device for each account, sealed anew with every secret.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::before::{Before, NewestGrants};
use super::incoming::Incoming;
use crate::ambient::Timestamp;
use crate::credentials::ends::arrivals::Arrival;
use crate::credentials::ends::end::Tokens;
use crate::credentials::management::owners::NewRecord;
use crate::credentials::{CredentialsDevices, CredentialsError};
use crate::message::DeviceUuid;
use crate::store::{Moment, StoreError, StoredRecord};
use crate::telemetry::with_causes;
use crate::vault::{Contents, Format, IdKeys, Owner, Owners, ResourceOwnerId, SealError, SecretText};

/// How many devices are looked at that say they are an account's but whose record was not sealed here.
pub(in crate::credentials) const STRANGERS: usize = 4;

/// The most who can manage the same credentials.
const MOST_OWNERS: usize = 500;

/// When a sign-in asks the API for a secret.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// By the clock, for how long it lives.
    pub at: Timestamp,
    /// The last moment of the store before, for what is known of it.
    pub after: Moment,
}

/// An account at the API and the secret that opens it.
#[derive(Debug)]
pub struct Account {
    /// The account's id at the API.
    pub id: ResourceOwnerId,
    /// Its name, for people.
    pub username: Option<String>,
    /// The access token.
    pub secret: SecretText,
    /// The token that renews it. Where the API gave none with a secret that ends, the one before stays: some give it once.
    pub refresh_token: Option<SecretText>,
    /// When a sign-in asked the API for it; where none did, it is of an age that nobody knows.
    pub asked: Option<Asked>,
    /// How long it lives from then on, or from now on; without that nothing is renewed until the API refuses it.
    pub lifetime: Option<Duration>,
    /// What else jobs may see of it.
    pub extras: Map<String, Value>,
    /// Who proved control of the account and may manage its credentials.
    pub owner: DeviceUuid,
}

/// The credentials that are to hold another secret of their account.
#[derive(Debug)]
pub struct Again {
    /// The device that keeps them.
    pub device: DeviceUuid,
    /// What they hold until then, where that is the proof: of those who come with the same, the first replaces it.
    pub present: Option<SecretText>,
}

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

    /// A sign-in is about to ask the API for a secret.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn asking(&self) -> Result<Asked, StoreError> {
        let after = self.store.moment().await?;
        Ok(Asked { at: self.clock.now(), after })
    }

    /// By what records of this account are found. Other keys may come at any time.
    pub(in crate::credentials) async fn id_keys(
        &self,
        id: &ResourceOwnerId,
    ) -> Result<IdKeys, CredentialsError> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        let id_keys = tokio::task::spawn_blocking(move || vault.id_keys(&id)).await;
        id_keys.map_err(|_| CredentialsError::Interrupted)
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
