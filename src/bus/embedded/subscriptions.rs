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

    /// Ends those subscriptions of `subscriber` that have this emitter and this type, where they are given.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn unsubscribe_all(
        &self,
        subscriber: &DeviceUuid,
        emitter: Option<&str>,
        kind: Option<&str>,
    ) -> Result<(), BusError> {
        let subscriptions = self.reading().subscriptions(subscriber)?;
        let wanted = |subscription: &&StoredSubscription| {
            emitter.is_none_or(|emitter| subscription.emitter_uuid.as_str() == emitter)
                && kind.is_none_or(|kind| subscription.kind == kind)
        };
        for subscription in subscriptions.iter().filter(wanted) {
            self.transaction.unsubscribe(subscription)?;
        }
        Ok(())
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
