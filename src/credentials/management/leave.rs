//! An owner gives up the management; the credentials and his devices stay.

use super::owned::is_among;
use crate::bus::Login;
use crate::credentials::devices::revoke::note_chores;
use crate::credentials::receipts::receipt::{Act, Fate, Matter, Receipt};
use crate::credentials::receipts::revoker::By;
use crate::credentials::records::reseal::Successor;
use crate::credentials::{CredentialsDevices, CredentialsError, Owned};
use crate::message::DeviceUuid;
use crate::store::{StoreError, Transaction, View};
use crate::vault::{Credentials, Owners};

/// An owner on the way out, with the receipt that says so.
pub(in crate::credentials) struct Leaving {
    receipt: Receipt,
    by: Login,
}

impl Leaving {
    /// Ends what is only being made for whoever leaves; nobody would ask for that now.
    pub(in crate::credentials) fn run(
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
    /// [`CredentialsError::LastOwner`] where nobody else would be left who is there; else what the store reports.
    pub async fn leave(&self, owned: &Owned, by: &Login) -> Result<(), CredentialsError> {
        let (vault, clock) = (self.vault.clone(), self.clock.clone());
        let (device, account) = (owned.device().clone(), owned.username().map(str::to_owned));
        let (by, gone) = (by.clone(), self.gone_owners(owned).await?);
        let leave = move |opened: &Credentials, owners: Owners| {
            let mut owners = vault.name(owners, std::slice::from_ref(&by.uuid));
            let Some(place) = owners.named.iter().position(|other| *other == by.uuid) else {
                return Ok(None);
            };
            owners.named.remove(place);
            if owners.each().all(|owner| is_among(&owner, &gone)) {
                return Err(CredentialsError::LastOwner);
            }
            let mut receipt = Receipt::new(&device, Act::Left, By::Owner(by.uuid.clone()), clock.now());
            receipt.account.clone_from(&account);
            receipt.part(Matter::Management, &by.uuid, Fate::Ended);
            let leaving = Some(Leaving { receipt, by: by.clone() });
            Ok(Some(Successor { leaving, ..Successor::new(owners, opened.format()) }))
        };
        self.reseal(owned.device(), leave).await.map(drop)
    }

    /// Which of their owners are gone from the bus; of a bus elsewhere only those know that it shows itself to.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn gone_owners(&self, owned: &Owned) -> Result<Vec<DeviceUuid>, CredentialsError> {
        if self.bus.embedded().is_none() {
            return Ok(Vec::new());
        }
        let mut owners = owned.owners().to_vec();
        let look = move |view: &View<'_>| {
            let mut gone = Vec::new();
            for owner in owners.drain(..) {
                if view.device(&owner)?.is_none() {
                    gone.push(owner);
                }
            }
            Ok(gone)
        };
        Ok(self.store.read::<_, StoreError, _>(look).await?)
    }
}
