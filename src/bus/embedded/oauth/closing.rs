//! Taking everybody off the lists by which they have a device in their hands, in its own name.

use super::super::whitelist::closing;
use super::super::{BusError, Caller, EmbeddedBus};
use super::SignedIn;
use crate::message::DeviceUuid;
use crate::store::Transaction;

impl EmbeddedBus {
    /// Takes everybody off the lists by which they configure `device` or act as it; answers whether somebody was on one.
    ///
    /// # Errors
    /// [`BusError::Forbidden`] where there is no such device; what the store reports.
    pub fn close(&self, transaction: &Transaction<'_>, device: &DeviceUuid) -> Result<bool, BusError> {
        let document = transaction.device(device)?.ok_or(BusError::Forbidden)?;
        let Some(update) = closing(&document) else { return Ok(false) };
        self.update_itself(transaction, device, &update)?;
        Ok(true)
    }

    /// The same of whoever is signed in. All tokens of the device end but the one that was shown: anybody may have made
    /// them while it was open.
    ///
    /// # Errors
    /// As [`EmbeddedBus::close`].
    pub fn close_own(&self, transaction: &Transaction<'_>, signed_in: &SignedIn) -> Result<(), BusError> {
        let SignedIn { device, proof, .. } = signed_in;
        if !self.close(transaction, device)? {
            return Ok(());
        }
        let itself = Caller::itself(device.clone());
        let changing = self.changing(transaction, &itself);
        let tokens = changing.marked_tokens(device, &[])?;
        let others: Vec<_> = tokens.into_iter().filter(|token| token != proof).collect();
        changing.end_tokens(device, &others)
    }
}
