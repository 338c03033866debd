//! Records that others change ever again: whoever comes is served all the same, however often others are quicker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use endo::message::DeviceUuid;
use endo::store::{Store, StoreError, StoredRecord, Transaction};
use serde_json::json;
use tokio::task::JoinSet;

use crate::remote::devices::{account, empty_bus};
use crate::support::bus::send;
use crate::support::gateway::TestGateway;
use crate::support::meshblu::{RemoteGateway, json_answer};

/// Others who take the place of a record by the next one of the same contents, one after the other, until this is dropped.
struct Others {
    tasks: JoinSet<()>,
    are_done: Arc<AtomicBool>,
}

impl Others {
    fn begin(store: &Store, device: &DeviceUuid) -> Self {
        let (mut tasks, are_done) = (JoinSet::new(), Arc::<AtomicBool>::default());
        for _ in 0..8 {
            let (store, device, are_done) = (store.clone(), device.clone(), Arc::clone(&are_done));
            tasks.spawn(async move {
                while !are_done.load(Ordering::Relaxed) {
                    let device = device.clone();
                    let change = move |transaction: &Transaction<'_>| {
                        let record = transaction.record(&device)?.unwrap();
                        let next = StoredRecord { generation: record.generation + 1, ..record };
                        transaction.store_record(&device, &next)
                    };
                    assert!(store.write::<_, StoreError, _>(change).await.unwrap());
                }
            });
        }
        Self { tasks, are_done }
    }

    async fn end(mut self) {
        self.are_done.store(true, Ordering::Relaxed);
        while let Some(done) = self.tasks.join_next().await {
            done.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_added_to_credentials_whose_record_changes_ever_again() {
    let gateway = TestGateway::open("http://127.0.0.1:9").await;
    let credentials = gateway.chain(1).await.credentials;
    let others = Others::begin(&gateway.gateway.store, &credentials);
    let owner = gateway.owner();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let url = format!("http://{}/credentials/{credentials}/user-devices", gateway.running.gateway());
    for _ in 0..4 {
        let added = send(client.post(&url).basic_auth(&owner.uuid, Some(&owner.token))).await;
        assert_eq!(added.status, 201, "{added:?}");
    }
    others.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_on_a_meshblu_is_kept_in_a_record_that_changes_ever_again() {
    let meshblu = empty_bus().await;
    let (gateway, _directory) = RemoteGateway::open(&meshblu).await;
    let credentials = &gateway.gateway.credentials;
    let device = credentials.keep(account("a-secret")).await.unwrap();
    meshblu.answer("GET /v2/devices/new-cred", [json_answer(200, &json!({"uuid": "new-cred"}))]);
    let others = Others::begin(&gateway.gateway.store, &device);
    assert_eq!(credentials.keep(account("another-secret")).await.unwrap(), device);
    others.end().await;
}
