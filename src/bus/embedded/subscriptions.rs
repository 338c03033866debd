//! Making, ending and listing subscriptions (`spec/meshblu.md` 4.6).

use super::access::permit;
use super::devices::CONFIGURE;
use super::{BusError, Caller, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{StoredSubscription, Transaction, View};

impl EmbeddedBus {
    /// Subscribes; only the subscriber's consent is needed now, the emitter's at each delivery. Answers whether the
    /// subscription is new.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn subscribe(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        subscription: &StoredSubscription,
    ) -> Result<bool, BusError> {
        permit(transaction, caller, &subscription.subscriber_uuid, CONFIGURE)?;
        Ok(transaction.subscribe(subscription)?)
    }

    /// Ends a subscription; it need not exist.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn unsubscribe(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        subscription: &StoredSubscription,
    ) -> Result<(), BusError> {
        permit(transaction, caller, &subscription.subscriber_uuid, CONFIGURE)?;
        Ok(transaction.unsubscribe(subscription)?)
    }

    /// Ends those subscriptions of `subscriber` that have this emitter and this type, where they are given.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn unsubscribe_all(
        &self,
        transaction: &Transaction<'_>,
        caller: &Caller,
        (subscriber, emitter, kind): (&DeviceUuid, Option<&str>, Option<&str>),
    ) -> Result<(), BusError> {
        let subscriptions = self.subscriptions(transaction, caller, subscriber)?;
        let wanted = |subscription: &&StoredSubscription| {
            emitter.is_none_or(|emitter| subscription.emitter_uuid.as_str() == emitter)
                && kind.is_none_or(|kind| subscription.kind == kind)
        };
        for subscription in subscriptions.iter().filter(wanted) {
            transaction.unsubscribe(subscription)?;
        }
        Ok(())
    }

    /// What `subscriber` listens to. Unlike the original, acting as somebody needs that device's consent here too.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn subscriptions(
        &self,
        view: &View<'_>,
        caller: &Caller,
        subscriber: &DeviceUuid,
    ) -> Result<Vec<StoredSubscription>, BusError> {
        permit(view, caller, subscriber, CONFIGURE)?;
        Ok(view.subscriptions(subscriber)?)
    }
}
