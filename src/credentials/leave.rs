//! An owner gives up the management; the credentials and his devices stay.

use super::receipt::{Act, By, Fate, Matter, Receipt};
use super::rekey::ATTEMPTS;
use super::{CredentialsDevices, CredentialsError, Owned};
use crate::message::DeviceUuid;

impl CredentialsDevices {
    /// Takes an owner off the record, which is sealed anew for the others. The devices that are his keep their rights.
    ///
    /// # Errors
    /// [`CredentialsError::LastOwner`] where nobody else would be left; else what the store reports.
    pub async fn leave(&self, owned: &Owned, owner: &DeviceUuid) -> Result<(), CredentialsError> {
        for _ in 0..ATTEMPTS {
            let record = self.newest_record(owned.device()).await?;
            let opened = self.open_record(owned.device().clone(), record.clone()).await?;
            let others: Vec<_> = opened.owners().iter().filter(|other| *other != owner).cloned().collect();
            if others.is_empty() {
                return Err(CredentialsError::LastOwner);
            }
            if others.len() == opened.owners().len() {
                return Ok(());
            }
            let mut receipt =
                Receipt::new(owned.device(), (Act::Left, By::Owner(owner.clone())), self.clock.now());
            receipt.account = owned.username().map(str::to_owned);
            receipt.part(Matter::Management, owner, Fate::Ended);
            if self.replace(owned.device(), (record, Some(others)), Some(receipt)).await? {
                return Ok(());
            }
        }
        Err(CredentialsError::Busy)
    }
}
