//! Changes of records that are being worked out, which takes the private key: nobody else waits for that.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use endo::ambient::{Clock, Random};
use endo::bus::Login;
use endo::config::Config;
use endo::gateway::{Ambient, Gateway};
use endo::message::DeviceUuid;
use endo::store::{StoreError, StoredRecord, Transaction, View};
use tokio::sync::mpsc;

use super::keep;
use crate::support::keys::place_keys;

/// Long enough for any machine; it ends as soon as there is what it waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Holds whoever opens or seals something on another thread, where the clock is asked, until it is let go.
struct Held {
    is_held: Mutex<bool>,
    let_go: Condvar,
    arrived: mpsc::UnboundedSender<()>,
    story: ThreadId,
}

impl Held {
    fn clock() -> (Arc<Self>, Clock, mpsc::UnboundedReceiver<()>) {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let story = std::thread::current().id();
        let held = Arc::new(Self { is_held: Mutex::new(false), let_go: Condvar::new(), arrived, story });
        let (holding, system) = (Arc::clone(&held), Clock::system());
        let clock = Clock::from_fn(move || {
            holding.pass();
            system.now()
        });
        (held, clock, arrivals)
    }

    fn pass(&self) {
        let is_held = self.is_held.lock().unwrap();
        if *is_held && std::thread::current().id() != self.story {
            self.arrived.send(()).unwrap();
            drop(self.let_go.wait_while(is_held, |is_held| *is_held).unwrap());
        }
    }

    fn hold(&self, is_held: bool) {
        *self.is_held.lock().unwrap() = is_held;
        self.let_go.notify_all();
    }
}

/// Lets everybody go when it is dropped, also where the story fails.
struct LetGo(Arc<Held>);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.hold(false);
    }
}

async fn generation(gateway: &Gateway, device: &DeviceUuid) -> u64 {
    let device = device.clone();
    let look = move |view: &View<'_>| view.record(&device);
    gateway.store.read::<_, StoreError, _>(look).await.unwrap().unwrap().generation
}

// On one thread, so that everything else is worked out on others.
#[tokio::test]
async fn others_read_and_write_while_changes_of_records_are_worked_out() {
    let directory = tempfile::tempdir().unwrap();
    place_keys(directory.path());
    let (held, clock, mut arrivals) = Held::clock();
    let config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
    let gateway = Gateway::open(config, Ambient { clock, random: Random::system() }).await.unwrap();
    let (owner, leaver) = (gateway.owner.as_ref().unwrap().uuid.clone(), DeviceUuid::from("leaver"));
    keep(&gateway, 1, &owner).await;
    let left = keep(&gateway, 1, &leaver).await;
    let kept = [keep(&gateway, 2, &owner).await, keep(&gateway, 3, &owner).await];
    let credentials = &gateway.credentials;
    let owned = credentials.owned_by(&leaver, left.clone()).await.unwrap();

    let let_go = LetGo(Arc::clone(&held));
    held.hold(true);
    let by = Login { uuid: leaver, token: "its-token".to_owned().into() };
    let changes = async {
        tokio::join!(keep(&gateway, 2, &owner), keep(&gateway, 3, &owner), credentials.leave(&owned, &by))
    };
    let meanwhile = async {
        for _ in 0..3 {
            arrivals.recv().await.unwrap();
        }
        let change = |transaction: &Transaction<'_>| {
            let (endo, signature) = ("{}".to_owned(), String::new());
            let record = StoredRecord { generation: 1, endo, signature, source: None };
            transaction.store_record(&DeviceUuid::from("another"), &record)
        };
        assert!(gateway.store.write::<_, StoreError, _>(change).await.unwrap());
        assert_eq!(generation(&gateway, &"another".into()).await, 1);
        for (device, as_before) in [(&kept[0], 1), (&kept[1], 1), (&left, 2)] {
            assert_eq!(generation(&gateway, device).await, as_before, "nothing is changed yet");
        }
        drop(let_go);
    };
    let both = async { tokio::join!(changes, meanwhile).0 };
    let (one, other, is_left) = tokio::time::timeout(PATIENCE, both).await.expect("nobody waits for them");
    assert_eq!([one, other], kept);
    is_left.unwrap();
    for (device, after) in [(&kept[0], 2), (&kept[1], 2), (&left, 3)] {
        assert_eq!(generation(&gateway, device).await, after);
    }
}
