//! Making, ending and listing subscriptions (`spec/meshblu.md` 4.6).

use super::devices::CONFIGURE;
use super::{BusError, Changing, Reading};
use crate::message::DeviceUuid;
use crate::store::StoredSubscription;

impl Changing<'_> {
    /// Subscribes; only the subscriber's consent is needed now, the emitter's at each delivery. Answers whether the
    /// subscription is new.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn subscribe(&self, subscription: &StoredSubscription) -> Result<bool, BusError> {
        self.reading().permit(&subscription.subscriber_uuid, CONFIGURE)?;
        Ok(self.transaction.subscribe(subscription)?)
    }

    /// Ends a subscription; it need not exist.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn unsubscribe(&self, subscription: &StoredSubscription) -> Result<(), BusError> {
        self.reading().permit(&subscription.subscriber_uuid, CONFIGURE)?;
        Ok(self.transaction.unsubscribe(subscription)?)
    }
}

impl Reading<'_> {
    /// What `subscriber` listens to. Unlike the original, acting as somebody needs that device's consent here too.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn subscriptions(&self, subscriber: &DeviceUuid) -> Result<Vec<StoredSubscription>, BusError> {
        self.permit(subscriber, CONFIGURE)?;
        Ok(self.view.subscriptions(subscriber)?)
    }
}
