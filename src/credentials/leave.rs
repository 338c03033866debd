//! An owner gives up the management; the credentials and his devices stay.

use super::receipt::{Act, By, Fate, Matter, Receipt};
use super::rekey::{ATTEMPTS, Successor};
use super::{CredentialsDevices, CredentialsError, Owned};
use crate::message::DeviceUuid;

impl CredentialsDevices {
    /// Takes an owner off the record, which is sealed anew in its form for the others. The devices that are his keep their
    /// rights.
    ///
    /// # Errors
    /// [`CredentialsError::LastOwner`] where nobody else would be left; else what the store reports.
    pub async fn leave(&self, owned: &Owned, owner: &DeviceUuid) -> Result<(), CredentialsError> {
        for _ in 0..ATTEMPTS {
            let record = self.newest_record(owned.device()).await?;
            let opened = self.open_record(owned.device().clone(), record.clone()).await?;
            let (opened, owners) = self.owners_of(owned.device(), opened).await?;
            let mut owners = self.name_among(owners, vec![owner.clone()]).await?;
            let Some(place) = owners.named.iter().position(|other| other == owner) else { return Ok(()) };
            owners.named.remove(place);
            // Whoever is known by a signature alone stays, too.
            if owners.last().is_none() {
                return Err(CredentialsError::LastOwner);
            }
            let mut receipt =
                Receipt::new(owned.device(), Act::Left, By::Owner(owner.clone()), self.clock.now());
            receipt.account = owned.username().map(str::to_owned);
            receipt.part(Matter::Management, owner, Fate::Ended);
            let receipt = Some(receipt);
            let successor = Successor { owners, id: opened.id().cloned(), format: opened.format(), receipt };
            if self.replace(owned.device(), record, successor).await? {
                return Ok(());
            }
        }
        Err(CredentialsError::Busy)
    }
}
