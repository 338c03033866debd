//! What was forgotten is not in the files any more.

use std::path::Path;

use endo::store::{StoreError, Transaction};
use serde_json::Value;

use super::Office;
use crate::support::provider::FakeProvider;
use crate::support::store::open;

/// How many of the database's files hold these bytes.
fn found(directory: &Path, text: &str) -> usize {
    let holds = |name: &str| {
        let bytes = std::fs::read(directory.join(name)).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    ["endo.db", "endo.db-wal"].iter().filter(|name| holds(name)).count()
}

/// The end of a sealed record: bytes that stand nowhere else.
fn mark(endo: &str) -> String {
    let endo: Value = serde_json::from_str(endo).unwrap();
    let encrypted = endo["encrypted"].as_str().unwrap();
    encrypted[encrypted.len() - 48..].to_owned()
}

/// What the store holds of these credentials.
async fn endo(office: &Office, credentials: &endo::message::DeviceUuid) -> String {
    let credentials = credentials.clone();
    let record = office.gateway.store.read(move |view| view.record(&credentials)).await;
    let record: Result<_, endo::store::StoreError> = record;
    record.unwrap().unwrap().endo
}

#[tokio::test]
async fn no_byte_of_a_forgotten_secret_is_left_in_the_database() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let mut marks = Vec::new();
    for round in 0..12 {
        // Others come and go before, between and after.
        office.keep(1000 + round, "other", "other refresh").await;
        for renewal in 0..3 {
            let (access, refresh) = provider.grant();
            let credentials = office.keep(round, &access, &refresh).await;
            office.bind(&credentials).await;
            marks.push(mark(&endo(&office, &credentials).await));
            if renewal == 2 {
                assert!(found(office.directory.path(), marks.last().unwrap()) > 0, "the mark is none");
                office.forget(&credentials).await;
            }
        }
    }
    assert!(found(office.directory.path(), marks.last().unwrap()) > 0, "the copy waits for the API");
    office.does_what_is_due().await;
    office.does_what_is_due().await;
    assert!(office.waiting().await.is_empty());
    // Answered once the files are as they are to be.
    office.gateway.store.write::<_, endo::store::StoreError, _>(|_| Ok(())).await.unwrap();
    let left: Vec<_> = marks.iter().filter(|mark| found(office.directory.path(), mark) > 0).collect();
    assert!(left.is_empty(), "{} of {} are left", left.len(), marks.len());
    assert_eq!(std::fs::metadata(office.directory.path().join("endo.db-wal")).unwrap().len(), 0);
}

/// Killed before the log was emptied, because somebody read what was in it, say.
#[tokio::test]
async fn what_a_killed_gateway_left_in_the_log_is_gone_after_the_first_write_of_the_next() {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(before.path());
    let note = |transaction: &Transaction<'_>| transaction.remember_fact("something", b"was erased");
    let log = || std::fs::metadata(after.path().join("endo.db-wal")).map_or(0, |log| log.len());
    // The first of them empties what was there.
    while log() == 0 {
        store.write::<_, StoreError, _>(note).await.unwrap();
        for name in ["endo.db", "endo.db-wal"] {
            std::fs::copy(before.path().join(name), after.path().join(name)).unwrap();
        }
    }
    let next = open(after.path());
    for _ in 0..2 {
        // The second is answered once the files are as they are to be after the first.
        next.write::<_, StoreError, _>(|_| Ok(())).await.unwrap();
    }
    assert_eq!(log(), 0);
}
