//! What the store says of the right to use a secret: remembered, and never older than what somebody was told.

use std::sync::Arc;

use endo::store::{
    Binding, RenewalStage, Store, StoreError, StoredRecord, StoredRefreshToken, StoredRenewal, StoredRight,
};

use super::{NOW, fresh, uuid, write};

fn binding() -> Binding {
    Binding { credentials: uuid("credentials"), user_device: uuid("flow") }
}

fn record(generation: u64) -> StoredRecord {
    StoredRecord {
        generation,
        endo: format!("{{\"g\":{generation}}}"),
        signature: String::new(),
        source: None,
    }
}

fn dead() -> StoredRenewal {
    StoredRenewal {
        generation: 1,
        secret_since: 1,
        expires_at: None,
        renew_at: None,
        when_used: false,
        renewed_at: None,
        refused_at: None,
        refresh: Some(StoredRefreshToken {
            stage: RenewalStage::Refused,
            ..StoredRefreshToken::new([1; 32])
        }),
    }
}

/// The right, remembered: read twice.
async fn right(store: &Store) -> Arc<StoredRight> {
    store.right(&binding()).await.unwrap();
    store.right(&binding()).await.unwrap()
}

#[tokio::test]
async fn it_is_read_once_as_long_as_nothing_of_it_changes() {
    let (_directory, store) = fresh();
    let before = right(&store).await;
    write(&store, |transaction| transaction.remember_fact("weather", b"fine")).await.unwrap();
    assert!(Arc::ptr_eq(&before, &right(&store).await));
}

#[tokio::test]
async fn whatever_changes_it_is_read_at_once() {
    let (_directory, store) = fresh();
    assert!(right(&store).await.record.is_none());
    for generation in [1, 2] {
        let stored = move |transaction: &endo::store::Transaction<'_>| {
            transaction.store_record(&binding().credentials, &record(generation))
        };
        write(&store, stored).await.unwrap();
        assert_eq!(right(&store).await.record, Some(record(generation)));
    }
    write(&store, |transaction| transaction.store_renewal(&binding().credentials, &dead())).await.unwrap();
    assert_eq!(right(&store).await.renewal, Some(dead()));
    write(&store, |transaction| transaction.revoke(&binding(), NOW)).await.unwrap();
    assert!(right(&store).await.is_revoked);
    write(&store, |transaction| transaction.forget_renewal(&binding().credentials)).await.unwrap();
    assert!(right(&store).await.renewal.is_none());
    write(&store, |transaction| transaction.forget_record(&binding().credentials, NOW)).await.unwrap();
    let forgotten = right(&store).await;
    assert!(forgotten.is_forgotten && forgotten.record.is_none());
}

#[tokio::test]
async fn what_is_forgotten_without_a_record_is_forgotten_at_once() {
    let (_directory, store) = fresh();
    assert!(!right(&store).await.is_forgotten);
    write(&store, |transaction| transaction.forget_record(&binding().credentials, NOW)).await.unwrap();
    assert!(right(&store).await.is_forgotten);
}

#[tokio::test]
async fn what_was_not_kept_is_not_read() {
    let (_directory, store) = fresh();
    right(&store).await;
    let undone = store.write(|transaction| {
        transaction.revoke(&binding(), NOW)?;
        Err::<(), _>(StoreError::Undone)
    });
    undone.await.unwrap_err();
    assert!(!right(&store).await.is_revoked);
}
