//! A key comes, and records move to it, while somebody signs in.

use std::sync::mpsc;
use std::time::Duration;

use endo::ambient::Random;
use endo::bus::embedded::{BusError, Caller, update::Update};
use endo::gateway::Gateway;
use endo::message::DeviceUuid;
use endo::store::{StoreError, StoredRecord, Transaction};
use endo::vault::{Format, Management, PrivateKey, SealedText};
use serde_json::{Value, json};

use super::{keep, open};
use crate::support::keys::place_keys;

/// Long enough for any machine; it ends as soon as there is what it waits for.
const PATIENCE: Duration = Duration::from_secs(60);

async fn stored(gateway: &Gateway, device: &DeviceUuid) -> StoredRecord {
    let device = device.clone();
    let record = gateway.store.read::<_, StoreError, _>(move |view| view.record(&device)).await;
    record.unwrap().unwrap()
}

/// What `keys migrate` makes of this record.
fn moved(gateway: &Gateway, device: &DeviceUuid, record: &StoredRecord) -> StoredRecord {
    let sealed = SealedText { endo: &record.endo, signature: &record.signature };
    let generation = record.generation + 1;
    let new = Management { owners: None, format: Format::Two, hosts: Vec::new(), source: None, generation };
    let sealed = gateway.vault.rekey(device, sealed, &new).unwrap();
    let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
    StoredRecord { generation, endo, signature, source: record.source.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_signs_before_its_turn_to_write_and_looks_again_by_a_key_that_came_before_that() {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let gateway = open(directory.path()).await;
    let owner = gateway.owner.as_ref().unwrap().uuid.clone();
    let device = keep(&gateway, 1, &owner).await;
    let before = stored(&gateway, &device).await;
    let another = PrivateKey::generate(2048, &Random::system()).unwrap();
    let signatures = gateway.vault.private_key_operations();

    // Whoever moves the record has the turn to write from before the sign-in begins.
    let (begin, begun) = tokio::sync::oneshot::channel();
    let (bring, brought) = mpsc::channel::<StoredRecord>();
    let (bus, moving) = (gateway.bus.embedded().unwrap().clone(), device.clone());
    let store = move |transaction: &Transaction<'_>| {
        begin.send(()).unwrap();
        let record = brought.recv().unwrap();
        assert!(transaction.store_record(&moving, &record)?);
        let endo: Value = serde_json::from_str(&record.endo).unwrap();
        let shown = json!({"$set": {"endo": endo, "endoSignature": record.signature}});
        let update = Update::parse(&shown).unwrap();
        bus.changing(transaction, &Caller::itself(moving.clone())).update(&moving, &update).map(drop)
    };
    let writing = gateway.store.clone();
    let migrating = tokio::spawn(async move { writing.write::<_, BusError, _>(store).await });
    begun.await.unwrap();
    let migrate = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while gateway.vault.private_key_operations() == signatures {
            ticks.tick().await;
        }
        gateway.vault.put_first(another);
        bring.send(moved(&gateway, &device, &before)).unwrap();
    };
    let both = async { tokio::join!(keep(&gateway, 1, &owner), migrate).0 };
    let kept = tokio::time::timeout(PATIENCE, both).await.expect("it signs while it has the turn to write");
    migrating.await.unwrap().unwrap();
    assert_eq!(kept, device, "nothing else is made for the account");
    assert_eq!(stored(&gateway, &device).await.generation, 3);
}
