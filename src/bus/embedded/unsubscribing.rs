//! Ending many subscriptions of a device, piece by piece: others write in between (`spec/meshblu.md` 4.6).

use serde::{Deserialize, Serialize};

use super::devices::CONFIGURE;
use super::pieces::Remainder;
use super::{BusError, Changing, EmbeddedBus};
use crate::message::DeviceUuid;
use crate::store::{HalfDone, StoreError, Transaction};

/// How many subscriptions a piece looks at.
const PIECE: usize = 1_000;

/// What was allowed and is not done: those subscriptions of a device end that are older than the ones that were looked at,
/// and have this emitter and this type, where they are given.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unsubscribing {
    subscriber: DeviceUuid,
    emitter: Option<String>,
    kind: Option<String>,
    before: i64,
}

impl Changing<'_> {
    /// Begins to end those subscriptions of `subscriber` that have this emitter and this type, where they are given. What comes
    /// back is still to be done.
    ///
    /// # Errors
    /// [`BusError::Forbidden`].
    pub fn unsubscribe_all(
        &self,
        subscriber: &DeviceUuid,
        emitter: Option<String>,
        kind: Option<String>,
    ) -> Result<Option<HalfDone>, BusError> {
        self.reading().permit(subscriber, CONFIGURE)?;
        let all = Unsubscribing { subscriber: subscriber.clone(), emitter, kind, before: i64::MAX };
        Ok(self.bus.begin(self.transaction, Remainder::Unsubscribing(all))?)
    }
}

impl EmbeddedBus {
    /// Ends a piece of them, the newest subscriptions first. What comes back is still to be done.
    pub(super) fn unsubscribe_some(
        &self,
        transaction: &Transaction<'_>,
        unsubscribing: Unsubscribing,
    ) -> Result<Option<Unsubscribing>, StoreError> {
        let Unsubscribing { subscriber, emitter, kind, before } = unsubscribing;
        let found = transaction.subscriptions_before(&subscriber, before, PIECE)?;
        for (_, subscription) in &found {
            let is_wanted =
                emitter.as_ref().is_none_or(|emitter| subscription.emitter_uuid.as_str() == emitter)
                    && kind.as_ref().is_none_or(|kind| subscription.kind == *kind);
            if is_wanted {
                transaction.unsubscribe(subscription)?;
            }
        }
        let last = found.last().filter(|_| found.len() == PIECE);
        Ok(last.map(|(seq, _)| Unsubscribing { subscriber, emitter, kind, before: *seq }))
    }
}
