//! Whoever owned what is forgotten sees its receipts, also when no key is left that sealed it.

use std::path::Path;

use endo::config::Config;
use endo::credentials::Revoker;
use endo::gateway::{Ambient, Gateway};
use endo::message::DeviceUuid;
use rusqlite::Connection;
use serde_json::json;

use super::{keep, open};
use crate::support::keys::place_keys;

const NAMED: &str = "an-owner";
const UNNAMED: &str = "an-owner-of-old";
const STRANGER: &str = "a-stranger";

fn database(directory: &Path) -> Connection {
    Connection::open(directory.join("endo.db")).unwrap()
}

/// Keeps credentials of two owners, of whom the record names the second, and forgets them.
async fn forget_one(directory: &Path) -> DeviceUuid {
    place_keys(directory);
    let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
    config.records.write = Some(1);
    let gateway = Gateway::open(config, Ambient::system()).await.unwrap();
    keep(&gateway, 7, &UNNAMED.into()).await;
    drop(gateway);
    // As of a record that this gateway did not write.
    database(directory).execute("DELETE FROM owners_beside", []).unwrap();
    let gateway = open(directory).await;
    let device = keep(&gateway, 7, &NAMED.into()).await;
    let owned = gateway.credentials.owned_by(&NAMED.into(), device.clone()).await.unwrap();
    assert_eq!((owned.owners(), owned.unnamed_owners().len()), (&[NAMED.into()][..], 1));
    gateway.credentials.forget(&owned, &Revoker::Operator).await.unwrap();
    device
}

/// Has another key seal, and takes away the one before, which nothing needs.
async fn replace_key(directory: &Path) {
    let gateway = open(directory).await;
    gateway.rotate_key().await.unwrap();
    drop(gateway);
    std::fs::remove_file(directory.join("records.pem")).unwrap();
}

async fn only_owners_see_the_receipts(directory: &Path, device: &DeviceUuid) {
    let gateway = open(directory).await;
    for (owner, sees) in [(NAMED, 1), (UNNAMED, 1), (STRANGER, 0)] {
        let of_device = gateway.credentials.receipts_for(&owner.into(), device.clone(), None).await;
        assert_eq!(of_device.map_or(0, |receipts| receipts.shown.len()), sees, "{owner}");
        assert_eq!(
            gateway.credentials.receipts_concerning(&owner.into(), None).await.unwrap().shown.len(),
            sees
        );
    }
}

#[tokio::test]
async fn receipts_of_what_is_forgotten_are_shown_to_its_owners_when_no_key_is_left_that_sealed_it() {
    let directory = tempfile::tempdir().unwrap();
    let device = forget_one(directory.path()).await;
    replace_key(directory.path()).await;
    only_owners_see_the_receipts(directory.path(), &device).await;
}

#[tokio::test]
async fn a_database_of_before_needs_the_key_that_signed_for_one_start() {
    let directory = tempfile::tempdir().unwrap();
    let device = forget_one(directory.path()).await;
    let gateway = open(directory.path()).await;
    let keys = [NAMED, UNNAMED].map(|owner| gateway.vault.authorized_keys(&owner.into())[0].clone());
    drop(gateway);
    // What that kept: the signatures, and no digests.
    let before = database(directory.path());
    before.execute("UPDATE forgotten SET owner_keys = ?1", [json!(keys).to_string()]).unwrap();
    before.execute("DELETE FROM forgotten_owners", []).unwrap();
    drop(before);
    replace_key(directory.path()).await;
    only_owners_see_the_receipts(directory.path(), &device).await;
}

#[tokio::test]
async fn signatures_of_a_key_that_is_missing_wait_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let device = forget_one(directory.path()).await;
    let gateway = open(directory.path()).await;
    let keys = [NAMED, UNNAMED].map(|owner| gateway.vault.authorized_keys(&owner.into())[0].clone());
    gateway.rotate_key().await.unwrap();
    drop(gateway);
    let (file, elsewhere) = (directory.path().join("records.pem"), directory.path().join("elsewhere"));
    std::fs::rename(&file, &elsewhere).unwrap();
    let before = database(directory.path());
    before.execute("UPDATE forgotten SET owner_keys = ?1", [json!(keys).to_string()]).unwrap();
    before.execute("DELETE FROM forgotten_owners", []).unwrap();
    drop(before);
    let gateway = open(directory.path()).await;
    let unread = gateway.credentials.receipts_concerning(&NAMED.into(), None).await.unwrap().shown;
    assert_eq!(unread, []);
    drop(gateway);
    std::fs::rename(&elsewhere, &file).unwrap();
    only_owners_see_the_receipts(directory.path(), &device).await;
}
