//! What a caller does on the bus: within one look at it, or within one change of it.

use serde_json::Value;

use super::update::Update;
use super::{BusError, Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{Transaction, View};

/// What a caller reads.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub(super) bus: &'a EmbeddedBus,
    pub(super) view: &'a View<'a>,
    pub(super) caller: &'a Caller,
}

/// What a caller changes.
#[derive(Clone, Copy, Debug)]
pub struct Changing<'a> {
    pub(super) bus: &'a EmbeddedBus,
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) caller: &'a Caller,
}

impl EmbeddedBus {
    /// What the caller may read, as of this view.
    pub fn reading<'a>(&'a self, view: &'a View<'a>, caller: &'a Caller) -> Reading<'a> {
        Reading { bus: self, view, caller }
    }

    /// What the caller may change, and send, in this transaction.
    pub fn changing<'a>(&'a self, transaction: &'a Transaction<'a>, caller: &'a Caller) -> Changing<'a> {
        Changing { bus: self, transaction, caller }
    }

    /// Updates a device in its own name.
    ///
    /// # Errors
    /// As [`Changing::update`].
    pub fn update_itself(
        &self,
        transaction: &Transaction<'_>,
        device: &DeviceUuid,
        update: &Value,
    ) -> Result<(), BusError> {
        let itself = Caller::itself(device.clone());
        self.changing(transaction, &itself).update(device, &Update::parse(update)?).map(drop)
    }
}

impl<'a> Changing<'a> {
    /// What the caller may read meanwhile.
    pub(super) fn reading(&self) -> Reading<'a> {
        Reading { bus: self.bus, view: self.transaction, caller: self.caller }
    }
}
