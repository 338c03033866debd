//! The marks of messages that people send over a bus elsewhere: each finds its message again when that comes back.

use super::case::Case;
use crate::ambient::Random;
use crate::message::DeliveryId;
use crate::store::{Store, StoreError, View};

/// What marks begin with. Others may begin their `respondTo` so as well: nothing but a look at the store comes of it.
const MARK: &str = "page-";

/// A new mark, which nobody can guess, for `respondTo`, which nobody on the way changes.
pub(super) fn mark(random: &Random) -> DeliveryId {
    format!("{MARK}{}", random.uuid()).into()
}

/// The mark of the message that this is the case of, if its sender may ask for it: who only read the mark on the way is
/// another. The store is asked only where it may be one.
///
/// # Errors
/// What the store reports.
pub(super) async fn mark_of(case: &Case, store: &Store) -> Result<Option<DeliveryId>, StoreError> {
    let respond_to = case.respond_to.as_ref().and_then(|to| to.as_str());
    let Some(mark) = respond_to.filter(|text| text.starts_with(MARK)).map(DeliveryId::from) else {
        return Ok(None);
    };
    let sender = case.parties.sender.clone();
    let look = move |view: &View<'_>| Ok(view.sent_message(&mark, &sender)?.map(|_| mark));
    store.read::<_, StoreError, _>(look).await
}
