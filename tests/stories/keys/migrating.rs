//! One record after the other moves to the newest key, and says so where it cannot.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use endo::ambient::Timestamp;
use endo::config::Config;
use endo::credentials::Rekeyed;
use endo::gateway::{Ambient, Gateway, GatewayError};
use endo::message::DeviceUuid;
use endo::store::{
    RenewalStage, StoreError, StoredRecord, StoredRefreshToken, StoredRenewal, Transaction, View,
};
use endo::vault::{Clients, Format, Need, Replacement, ResourceOwnerId, SealedText, SecretText};
use serde_json::Value;

use super::{account, keep, open, opened, secret};
use crate::support::desk::fixture_key;
use crate::support::keys::place_keys;

/// A gateway that writes records in the format of old, on a directory with keys.
async fn of_old() -> (Gateway, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
    config.records.write = Some(1);
    (Gateway::open(config, Ambient::system()).await.unwrap(), directory)
}

async fn need(gateway: &Gateway, device: &DeviceUuid) -> Need {
    gateway.credentials.need(device).await.unwrap().unwrap()
}

#[tokio::test]
async fn records_of_old_move_where_their_owner_is_known_and_stay_where_not() {
    let (gateway, directory) = of_old().await;
    let known = account(&gateway, 1).await;
    let unknown = keep(&gateway, 2, &"somebody-without-devices".into()).await;
    drop(gateway);
    // As of records that this gateway did not write.
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    database.execute("DELETE FROM owners_beside", []).unwrap();
    let gateway = open(directory.path()).await;
    let kid = gateway.rotate_key().await.unwrap();
    gateway.begin_migration().await.unwrap();
    assert_eq!(gateway.credentials.rekey(&known.credentials).await.unwrap(), Rekeyed::Done);
    assert_eq!(gateway.credentials.rekey(&known.credentials).await.unwrap(), Rekeyed::Before);
    assert!(matches!(gateway.credentials.rekey(&unknown).await.unwrap(), Rekeyed::Kept(_)));
    assert_eq!(
        need(&gateway, &known.credentials).await,
        Need {
            format: Format::Two,
            kid: Some(kid.clone()),
            missing: None,
            names_owners: true,
            found_by: vec![]
        }
    );
    assert_eq!(need(&gateway, &unknown).await.format, Format::One);
    let owner = gateway.owner.as_ref().unwrap().uuid.clone();
    let owned = gateway.credentials.owned_by(&owner, known.credentials.clone()).await.unwrap();
    assert_eq!(owned.owners(), [owner]);
    assert_eq!(opened(&gateway, &known).await, secret(1));
    keep(&gateway, 2, &"somebody-without-devices".into()).await;
    let moved = need(&gateway, &unknown).await;
    assert_eq!(
        moved,
        Need { format: Format::Two, kid: Some(kid), missing: None, names_owners: true, found_by: vec![] },
        "whoever signs in again moves it"
    );
}

/// What the terminal says of the keys: each with the devices whose records need it.
fn listed(directory: &Path) -> BTreeMap<String, Vec<String>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_endo"));
    command.env_clear().args(["--data-dir", directory.to_str().unwrap(), "keys", "ls", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let rows = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        (row["kid"].as_str().unwrap().to_owned(), serde_json::from_value(row["neededBy"].clone()).unwrap())
    };
    rows.lines().map(row).collect()
}

#[tokio::test]
async fn the_key_that_signed_who_an_owner_is_and_no_other_is_held_until_that_owner_is_known() {
    let (gateway, directory) = of_old().await;
    let unknown = "somebody-without-devices".into();
    let device = keep(&gateway, 2, &unknown).await;
    let old = gateway.vault.ring().first().kid().to_owned();
    drop(gateway);
    let database = rusqlite::Connection::open(directory.path().join("endo.db")).unwrap();
    database.execute("DELETE FROM owners_beside", []).unwrap();
    let gateway = open(directory.path()).await;
    let between = gateway.rotate_key().await.unwrap();
    let newest = gateway.rotate_key().await.unwrap();
    keep(&gateway, 2, &"somebody-else".into()).await;
    let moved = Need {
        format: Format::Two,
        kid: Some(newest.clone()),
        missing: None,
        names_owners: false,
        found_by: vec![old.clone()],
    };
    assert_eq!(need(&gateway, &device).await, moved, "who it is of is still shown by the old key alone");
    assert!(matches!(gateway.credentials.rekey(&device).await.unwrap(), Rekeyed::Kept(_)));
    drop(gateway);
    let held = vec![device.to_string()];
    assert_eq!(
        listed(directory.path()),
        BTreeMap::from([
            (newest.clone(), held.clone()),
            (between.clone(), Vec::new()),
            (old.clone(), held.clone())
        ])
    );

    let gateway = open(directory.path()).await;
    let owned = gateway.credentials.owned_by(&unknown, device.clone()).await.unwrap();
    assert_eq!(owned.owners().len(), 2, "who is here again is known by the old signature");
    keep(&gateway, 2, &unknown).await;
    assert!(need(&gateway, &device).await.names_owners);
    drop(gateway);
    assert_eq!(
        listed(directory.path()),
        BTreeMap::from([(newest, held), (between, Vec::new()), (old, Vec::new())])
    );
}

#[tokio::test]
async fn the_format_that_the_settings_ask_for_stays() {
    let (gateway, _directory) = of_old().await;
    assert!(matches!(gateway.begin_migration().await, Err(GatewayError::FormatIsSet)));
}

#[tokio::test]
async fn a_record_moves_beside_the_renewal_of_its_secret_and_takes_along_how_far_that_is() {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let gateway = open(directory.path()).await;
    let parties = account(&gateway, 1).await;
    let (mut generation, now) = (1, gateway.ambient.clock.now());
    for stage in [RenewalStage::Sending, RenewalStage::InDoubt, RenewalStage::Idle, RenewalStage::Refused] {
        let (device, under_way) = (parties.credentials.clone(), renewal(generation, stage, now));
        let noted = under_way.clone();
        let store = move |tx: &Transaction<'_>| tx.store_renewal(&device, &noted);
        gateway.store.write::<_, StoreError, _>(store).await.unwrap();
        gateway.rotate_key().await.unwrap();
        assert_eq!(gateway.credentials.rekey(&parties.credentials).await.unwrap(), Rekeyed::Done);
        generation += 1;
        let device = parties.credentials.clone();
        let known = gateway.store.read::<_, StoreError, _>(move |view| view.renewal(&device)).await;
        assert_eq!(known.unwrap(), Some(StoredRenewal { generation, ..under_way }));
    }
    assert_eq!(opened(&gateway, &parties).await, secret(1));
}

/// A renewal of the secret that the first record held, which this one holds by now.
fn renewal(generation: u64, stage: RenewalStage, now: Timestamp) -> StoredRenewal {
    StoredRenewal {
        generation,
        secret_since: 1,
        expires_at: None,
        renew_at: Some(now),
        when_used: true,
        renewed_at: Some(now),
        refused_at: None,
        refresh: Some(StoredRefreshToken {
            stage,
            sent: 1,
            holder: "somebody".to_owned(),
            held_until: now,
            rest_until: now,
            failures: 2,
            ..StoredRefreshToken::new([1; 32])
        }),
    }
}

#[tokio::test]
async fn a_rotated_key_is_there_after_a_restart_and_the_wrong_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let gateway = open(directory.path()).await;
    let parties = account(&gateway, 1).await;
    let kid = gateway.rotate_key().await.unwrap();
    drop(gateway);
    let gateway = open(directory.path()).await;
    assert_eq!(gateway.vault.ring().first().kid(), kid);
    assert_eq!(opened(&gateway, &parties).await, secret(1));
    drop(gateway);
    let file = directory.path().join(format!("records-{kid}.pem"));
    std::fs::remove_file(&file).unwrap();
    let config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
    assert!(fixture_key().contains("PRIVATE KEY"));
    let refused = Gateway::open(config, Ambient::system()).await;
    assert!(matches!(refused, Err(GatewayError::NoKey { .. })));
}

/// Has a renewal put another secret into the record, under the key that seals now.
async fn renew(gateway: &Gateway, device: &DeviceUuid) {
    let (vault, device) = (gateway.vault.clone(), device.clone());
    let renew = move |transaction: &Transaction<'_>| {
        let before = transaction.record(&device)?.unwrap();
        let generation = before.generation + 1;
        let secret = SecretText::from("canary-renewed");
        let clients = Clients::default();
        let new = Replacement {
            secret,
            refresh_token: None,
            clients,
            set_aside: Vec::new(),
            source: None,
            generation,
        };
        let sealed = SealedText { endo: &before.endo, signature: &before.signature };
        let sealed = vault.reseal(&device, sealed, |_| new).unwrap();
        let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
        transaction
            .store_record(&device, &StoredRecord { generation, endo, signature, source: before.source })
    };
    assert!(gateway.store.write::<_, StoreError, _>(renew).await.unwrap());
}

#[tokio::test]
async fn a_record_that_was_renewed_under_a_new_key_moves_and_is_found_without_the_old_one() {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let gateway = open(directory.path()).await;
    let owner = gateway.owner.as_ref().unwrap().uuid.clone();
    let device = keep(&gateway, 1, &owner).await;
    let old = gateway.vault.ring().first().kid().to_owned();
    gateway.rotate_key().await.unwrap();
    renew(&gateway, &device).await;
    assert!(need(&gateway, &device).await.is_of(&old), "the account is found by it");
    assert_eq!(gateway.credentials.rekey(&device).await.unwrap(), Rekeyed::Done);
    assert!(!need(&gateway, &device).await.is_of(&old));
    let newest = gateway.vault.id_keys(&ResourceOwnerId::Number(1)).newest().to_owned();
    let found = move |view: &View<'_>| view.credentials_of_account(&newest);
    assert_eq!(gateway.store.read::<_, StoreError, _>(found).await.unwrap(), [device]);
}
