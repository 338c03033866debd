//! What follows from an end is attended to one by one: what comes to nothing is not in the way of the rest.

use std::time::Duration;

use endo::credentials::ApiVerdict;
use endo::store::StoreError;
use rusqlite::Connection;

use super::Office;
use super::beside::Hanging;
use crate::support::provider::FakeProvider;

/// More than are attended to in one go.
const MANY: i64 = 40;

impl Office {
    pub(super) fn database(&self) -> Connection {
        Connection::open(self.directory.path().join("endo.db")).unwrap()
    }
}

fn count(database: &Connection, sql: &str) -> i64 {
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn damaged_rows_are_not_in_the_way_of_the_rest() {
    let provider = FakeProvider::start().await;
    let office = Office::open(provider.settings()).await;
    let (access, refresh) = provider.grant();
    let credentials = office.keep(42, &access, &refresh).await;
    let user_device = office.bind(&credentials).await;
    let damaged = office.database();
    damaged
        .execute("INSERT INTO receipts (seq, credentials, document) VALUES (900, 'x', X'FF')", [])
        .unwrap();
    for _ in 0..MANY {
        let errand = "INSERT INTO errands (credentials, user_device, kind, receipt, due_at) VALUES (?1, ?2, 1, 900, 0)";
        damaged.execute(errand, ("errs when it is attended to", user_device.as_str())).unwrap();
        let errand = "INSERT INTO errands (credentials, kind, receipt, due_at) VALUES (X'FF', 2, 900, 0)";
        damaged.execute(errand, []).unwrap();
        let revocation =
            "INSERT INTO revocations (credentials, receipt, generation, endo, signature, made_at, due_at)
                          VALUES ('cannot be read', 900, 1, X'FF', '', 1700000000000, 0)";
        damaged.execute(revocation, []).unwrap();
    }
    let whole = "INSERT INTO errands (credentials, kind, receipt, due_at) VALUES ('x', 2, 901, 1)";
    damaged.execute(whole, []).unwrap();

    office.forget(&credentials).await;
    for _ in 0..3 {
        office.does_what_is_due().await;
    }
    let told = office.receipts(&credentials).await.remove(0).api.unwrap();
    assert_eq!(told.verdict, ApiVerdict::Revoked);
    assert_eq!(count(&damaged, "SELECT count(*) FROM errands WHERE receipt <> 900"), 0);
    let waiting = "SELECT (SELECT count(*) FROM errands) + (SELECT count(*) FROM revocations)";
    assert_eq!(count(&damaged, waiting), 3 * MANY, "nothing of what is damaged is dropped");
    office.passes(Duration::from_secs(60));
    let due = "SELECT count(*) FROM errands WHERE attempts = 1";
    assert_eq!(count(&damaged, due), 2 * MANY, "each was tried once");
}

/// More than are looked for in one go.
const MORE_THAN_LOOKED_FOR: i64 = 1100;

#[tokio::test]
async fn however_much_waits_of_some_credentials_the_end_of_others_is_told() {
    let scene = Hanging::begin().await;
    let copy = "INSERT INTO revocations (credentials, receipt, generation, endo, signature, made_at, due_at)
                SELECT credentials, receipt, generation, endo, signature, made_at, 0 FROM revocations WHERE seq = 1";
    let database = scene.office.database();
    for _ in 0..MORE_THAN_LOOKED_FOR {
        database.execute(copy, []).unwrap();
    }
    scene.the_end_of_others_is_told().await;
}

#[tokio::test]
async fn however_much_a_bus_is_to_be_told_of_some_credentials_what_it_is_of_others_is_found() {
    let office = Office::open(FakeProvider::start().await.settings()).await;
    let database = office.database();
    let crowd = "INSERT INTO errands (credentials, kind, receipt, due_at) VALUES ('crowded', 2, 1, 0)";
    for _ in 0..MORE_THAN_LOOKED_FOR {
        database.execute(crowd, []).unwrap();
    }
    let other = "INSERT INTO errands (credentials, kind, receipt, due_at) VALUES ('other', 2, 1, 1)";
    database.execute(other, []).unwrap();
    let now = office.gateway.ambient.clock.now();
    let due = office.gateway.store.read::<_, StoreError, _>(move |view| view.due_errands(now, 1000)).await;
    let due: Vec<_> = due.unwrap().into_iter().map(|due| due.seq).collect();
    assert_eq!(due[..3], [1, MORE_THAN_LOOKED_FOR + 1, 2]);
}

#[tokio::test]
async fn a_copy_whose_row_is_damaged_is_erased_after_its_day_and_the_receipt_says_that_it_was_not_ended() {
    for damage in ["credentials = X'FF'", "attempts = 'many'", "generation = 'the first'"] {
        let provider = FakeProvider::start().await;
        let office = Office::open(provider.settings()).await;
        let (access, refresh) = provider.grant();
        let credentials = office.keep(42, &access, &refresh).await;
        office.forget(&credentials).await;
        let database = office.database();
        database.execute(&format!("UPDATE revocations SET {damage}"), []).unwrap();
        office.does_what_is_due().await;
        assert_eq!(count(&database, "SELECT count(*) FROM revocations"), 1, "{damage}");
        office.passes(Duration::from_secs(24 * 60 * 60));
        office.does_what_is_due().await;
        assert_eq!(count(&database, "SELECT count(*) FROM revocations"), 0, "{damage}");
        let told = office.receipts(&credentials).await.remove(0).api.unwrap();
        let is_said = matches!(told.verdict, ApiVerdict::Unanswered | ApiVerdict::Unasked);
        assert!(is_said && provider.ended().is_empty(), "{damage}: {told:?}");
    }
}
