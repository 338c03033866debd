//! What was forgotten is not in the files any more.

use std::path::Path;

use serde_json::Value;

use super::Office;
use crate::support::provider::FakeProvider;

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
