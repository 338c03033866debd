//! What a store has given up.

use endo::store::{DeadLetter, Store, StoreError, View};

/// Every dead letter, newest first, with all that is known of it.
pub(crate) async fn all(store: &Store) -> Vec<DeadLetter> {
    let look = |view: &View<'_>| {
        let list = view.dead_letters(None, usize::from(u16::MAX))?;
        list.iter().filter_map(|entry| view.dead_letter(&entry.id).transpose()).collect()
    };
    store.read::<_, StoreError, _>(look).await.unwrap()
}
