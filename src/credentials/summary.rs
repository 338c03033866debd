//! What a list of credentials says of each, whatever the bus says.

use super::{CredentialsDevices, Standing};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::store::StoreError;

/// What a list says of one account's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How the secret stands.
    pub standing: Standing,
    /// When a device used it last, as far as it was noted.
    pub last_use: Option<Timestamp>,
}

impl CredentialsDevices {
    /// What a list says of these credentials.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn summary(&self, credentials: &DeviceUuid) -> Result<Summary, StoreError> {
        let standing = self.standing(credentials).await?;
        let device = credentials.clone();
        let kept = self.store.read::<_, StoreError, _>(move |view| view.last_use_of(&device)).await?;
        Ok(Summary { standing, last_use: self.uses.recent_of(credentials).max(kept) })
    }
}
