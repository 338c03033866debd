//! What is left of devices that were unregistered: removed piece by piece, others write in between.

use super::{BusError, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{Account, StoreError, Transaction};

impl EmbeddedBus {
    /// Removes what is left of a device that was unregistered, on this account.
    ///
    /// # Errors
    /// What the store reports; then the bus does the rest when it is opened again.
    pub async fn clear_away(&self, account: Account, uuid: DeviceUuid) -> Result<(), BusError> {
        let mut is_left = true;
        while is_left {
            let uuid = uuid.clone();
            let piece = move |_: &Self, transaction: &Transaction<'_>| Ok(transaction.clear_away(&uuid)?);
            is_left = self.change_for(account.clone(), piece).await?;
        }
        Ok(())
    }

    /// Does what processes left undone that were killed.
    pub(super) async fn clear_all_away(&self) -> Result<(), StoreError> {
        while let Some(uuid) = self.store.read::<_, StoreError, _>(|view| view.half_removed()).await? {
            let piece = move |transaction: &Transaction<'_>| transaction.clear_away(&uuid);
            self.store.write::<_, StoreError, _>(piece).await?;
        }
        Ok(())
    }
}
