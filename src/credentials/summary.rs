//! How credentials stand, whatever the bus says.

use std::sync::Arc;

use super::{CredentialsDevices, Health, Standing};
use crate::ambient::Timestamp;
use crate::message::DeviceUuid;
use crate::source::renewal::CameBy;
use crate::store::{StoreError, View};

/// What a list says of one account's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How the secret stands.
    pub standing: Standing,
    /// When a device used it last, as far as it was noted.
    pub last_use: Option<Timestamp>,
}

impl CredentialsDevices {
    /// How the secret of these credentials stands.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn standing(&self, credentials: &DeviceUuid) -> Result<Standing, StoreError> {
        let (device, now) = (credentials.clone(), self.clock.now());
        let sealing = Arc::clone(&self.sealing);
        let retry = self.renewing.as_ref().map(|renewing| renewing.renewals.retry());
        let noted = self.client_noted(credentials).await?;
        let client = self.client_id();
        let look = move |view: &View<'_>| {
            let record = view.record(&device)?;
            // A record that came with its device was never renewed here.
            let generation = record.as_ref().map_or(0, |record| record.generation);
            let renewal = view.renewal(&device)?;
            let standing = Standing::of(renewal.as_ref(), generation, now, retry);
            let refresh = renewal.as_ref().and_then(|renewal| renewal.refresh.as_ref());
            let is_another_s = match refresh.zip(client.as_deref()) {
                Some((refresh, client)) => {
                    CameBy { noted: noted.as_deref(), since: refresh.line_since }.another(view, client)?
                }
                None => false,
            };
            let standing = if is_another_s { standing.of_another_client() } else { standing };
            let noted = record.and_then(|record| record.source);
            match sealing.other_api(noted.as_deref(), None) {
                None => Ok(standing),
                Some(_) => Ok(Standing { health: Health::Elsewhere, ..standing }),
            }
        };
        self.store.read(look).await
    }

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
