//! A key comes, and records move to it, while somebody signs in.

use std::sync::mpsc;
use std::time::Duration;

use endo::ambient::Random;
use endo::bus::Login;
use endo::bus::embedded::{BusError, Caller, update::Update};
use endo::gateway::Gateway;
use endo::message::DeviceUuid;
use endo::store::{StoreError, StoredRecord, Transaction};
use endo::vault::{Format, Management, PrivateKey, SealedText};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

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
    let hosts = Vec::new();
    let new =
        Management { owners: None, format: Format::Two, hosts, source: None, generation, set_aside: None };
    let sealed = gateway.vault.rekey(device, sealed, &new).unwrap();
    let (endo, signature) = (sealed.endo.to_string(), sealed.signature);
    StoredRecord { generation, endo, signature, source: record.source.clone() }
}

/// Somebody who has the turn to write from before others begin, and moves a record in it.
struct Writing {
    bring: mpsc::Sender<StoredRecord>,
    task: JoinHandle<Result<(), BusError>>,
}

impl Writing {
    async fn begin(gateway: &Gateway, device: &DeviceUuid) -> Self {
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
        let task = tokio::spawn(async move { writing.write::<_, BusError, _>(store).await });
        begun.await.unwrap();
        Self { bring, task }
    }

    /// Until somebody has signed beyond so many times, and waits for the turn to write.
    async fn until_another_signs(&self, gateway: &Gateway, signatures: u64) {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while gateway.vault.private_key_operations() == signatures {
            ticks.tick().await;
        }
    }

    async fn end(self, record: StoredRecord) {
        self.bring.send(record).unwrap();
        self.task.await.unwrap().unwrap();
    }
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

    let writing = Writing::begin(&gateway, &device).await;
    let migrate = async {
        writing.until_another_signs(&gateway, signatures).await;
        gateway.vault.put_first(another);
        writing.end(moved(&gateway, &device, &before)).await;
    };
    let both = async { tokio::join!(keep(&gateway, 1, &owner), migrate).0 };
    let kept = tokio::time::timeout(PATIENCE, both).await.expect("it signs while it has the turn to write");
    assert_eq!(kept, device, "nothing else is made for the account");
    assert_eq!(stored(&gateway, &device).await.generation, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_is_taken_off_a_record_that_came_first_without_being_told_to_try_again() {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let gateway = open(directory.path()).await;
    let (first, leaver) = (gateway.owner.as_ref().unwrap().uuid.clone(), DeviceUuid::from("leaver"));
    keep(&gateway, 1, &first).await;
    let device = keep(&gateway, 1, &leaver).await;
    let (before, credentials) = (stored(&gateway, &device).await, gateway.credentials.clone());
    let owned = credentials.owned_by(&leaver, device.clone()).await.unwrap();
    let signatures = gateway.vault.private_key_operations();

    let writing = Writing::begin(&gateway, &device).await;
    let moving = async {
        writing.until_another_signs(&gateway, signatures).await;
        writing.end(moved(&gateway, &device, &before)).await;
    };
    let by = Login { uuid: leaver.clone(), token: "its-token".to_owned().into() };
    let both = async { tokio::join!(credentials.leave(&owned, &by), moving).0 };
    let left = tokio::time::timeout(PATIENCE, both).await.expect("it signs while it has the turn to write");
    left.unwrap();
    assert_eq!(stored(&gateway, &device).await.generation, 4, "the record that came first is the one before");
    let owned = credentials.owned_by(&first, device).await.unwrap();
    assert_eq!(owned.owners(), [first]);
}
