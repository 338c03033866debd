//! What there is to keep: an account at the API with a secret of it, for new credentials or for those that there are.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::ambient::Timestamp;
use crate::credentials::CredentialsDevices;
use crate::message::DeviceUuid;
use crate::store::{Moment, StoreError};
use crate::vault::{ResourceOwnerId, SecretText};

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
    /// A sign-in is about to ask the API for a secret.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn asking(&self) -> Result<Asked, StoreError> {
        let after = self.store.moment().await?;
        Ok(Asked { at: self.clock.now(), after })
    }
}
