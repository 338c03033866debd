//! An owner gives up the management; the credentials and his devices stay.

use super::receipt::{Act, By, Fate, Matter, Receipt};
use super::rekey::{ATTEMPTS, Successor};
use super::revoke::note_chores;
use super::{CredentialsDevices, CredentialsError, Owned};
use crate::bus::Login;
use crate::message::DeviceUuid;
use crate::store::Transaction;

/// An owner on the way out, with the receipt that says so.
pub(super) struct Leaving {
    receipt: Receipt,
    by: Login,
}

impl Leaving {
    /// Ends what is only being made for whoever leaves; nobody would ask for that now.
    pub(super) fn run(
        self,
        transaction: &Transaction<'_>,
        devices: &CredentialsDevices,
        credentials: &DeviceUuid,
    ) -> Result<(), CredentialsError> {
        let Self { mut receipt, by } = self;
        let begun = transaction.half_made_for(credentials, &by.uuid)?.into_iter();
        let cutting = devices.cutting(credentials, begun.map(|half| half.binding.user_device).collect());
        let chores = cutting.run(transaction, &mut receipt)?;
        receipt.keep(transaction)?;
        let errands = note_chores(transaction, chores, &receipt, cutting.now)?;
        let enders = devices.enders.clone();
        transaction.after_commit(move || enders.note(&errands, &by));
        Ok(())
    }
}

impl CredentialsDevices {
    /// Takes an owner off the record, which is sealed anew in its form for the others. The devices that are his keep their
    /// rights; what is only being made for him gets none.
    ///
    /// # Errors
    /// [`CredentialsError::LastOwner`] where nobody else would be left; else what the store reports.
    pub async fn leave(&self, owned: &Owned, by: &Login) -> Result<(), CredentialsError> {
        let owner = &by.uuid;
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
            let leaving = Some(Leaving { receipt, by: by.clone() });
            let successor = Successor { owners, id: opened.id().cloned(), format: opened.format(), leaving };
            if self.replace(owned.device(), record, successor).await? {
                return Ok(());
            }
        }
        Err(CredentialsError::Busy)
    }
}
