//! A gateway without listeners: its parts stand, and its worker runs for as long as a test wants.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use endo::bus::embedded::{BusError, Caller, Registered};
use endo::config::Config;
use endo::credentials::{BoundDevice, CredentialsDevices, Cut, Receipt, Revoker};
use endo::dispatch::{Desk, Dispatch, Endings, Repeats, turns};
use endo::gateway::{Ambient, Gateway};
use endo::job::{DescribedJob, Job, JobDirectory, Registry, RegistryOptions, built_in};
use endo::message::{DeliveryId, DeviceUuid};
use endo::sharing::Turns;
use endo::store::{Binding, Feed, Outcome, StoreError, StoredSubscription, Work};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::account::octocat;
use super::keys::place_keys;
use super::store;

/// The secret that the accounts of these tests have.
pub(crate) const SECRET: &str = "canary-secret-of-the-account";

/// A key of the fixtures, so that no test waits for a new one.
pub(crate) fn fixture_key() -> String {
    let vectors: Value = serde_json::from_str(include_str!("../fixtures/endo-records.json")).unwrap();
    vectors["privateKeyPem"].as_str().unwrap().to_owned()
}

/// A gateway in a directory of its own.
pub(crate) struct Workshop {
    pub(crate) gateway: Gateway,
    pub(crate) directory: TempDir,
}

/// An account's credentials, a user device that may use them, and a flow that talks to it.
pub(crate) struct Chain {
    pub(crate) credentials: DeviceUuid,
    pub(crate) device: BoundDevice,
    pub(crate) flow: Registered,
    pub(crate) replies: endo::bus::embedded::Listening,
}

impl Workshop {
    pub(crate) async fn open(api: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        place_keys(directory.path());
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.source.base_url = Some(api.to_owned());
        let gateway = Gateway::open(config, Ambient::system()).await.unwrap();
        Self { gateway, directory }
    }

    pub(crate) async fn chain(&self) -> Chain {
        let owner = self.gateway.owner.as_ref().unwrap().uuid.clone();
        let account = octocat(583_231, SECRET, owner.as_str());
        let credentials = self.gateway.credentials.keep(account).await.unwrap();
        let new = self.gateway.user_device(None, owner, "http://127.0.0.1:8080").await.unwrap();
        let device = self.gateway.credentials.bind(credentials.clone(), new).await.unwrap();
        let flow = self.flow(&device.uuid).await;
        let replies = self.gateway.bus.embedded().unwrap().listen(flow.uuid.clone());
        self.allow_sender(&device.uuid, &flow.uuid).await;
        Chain { credentials, device, flow, replies }
    }

    async fn flow(&self, hears: &DeviceUuid) -> Registered {
        let whitelists = json!({"message": {"from": [{"uuid": hears}]}});
        let document = json!({"type": "flow", "meshblu": {"version": "2.0.0", "whitelists": whitelists}});
        let register = move |bus: &endo::bus::embedded::EmbeddedBus,
                             transaction: &endo::store::Transaction<'_>| {
            let flow = bus.register(transaction, document)?;
            bus.changing(transaction, &Caller::itself(flow.uuid.clone()))
                .subscribe(&received(&flow.uuid, &flow.uuid))?;
            Ok::<_, BusError>(flow)
        };
        self.gateway.bus.embedded().unwrap().change(register).await.unwrap()
    }

    async fn allow_sender(&self, device: &DeviceUuid, sender: &DeviceUuid) {
        let update = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": sender}}});
        let owner = Caller::itself(self.gateway.owner.as_ref().unwrap().uuid.clone());
        self.update(owner, device, update).await.unwrap();
    }

    pub(crate) async fn update(
        &self,
        caller: Caller,
        device: &DeviceUuid,
        update: Value,
    ) -> Result<Value, BusError> {
        let device = device.clone();
        let update = endo::bus::embedded::update::Update::parse(&update).unwrap();
        self.gateway
            .bus
            .embedded()
            .unwrap()
            .change(move |bus, transaction| bus.changing(transaction, &caller).update(&device, &update))
            .await
    }

    /// Sends a message from the flow to the user device.
    pub(crate) async fn send(&self, chain: &Chain, mut message: Value) {
        message["devices"] = json!([chain.device.uuid]);
        let caller = Caller::itself(chain.flow.uuid.clone());
        self.gateway
            .bus
            .embedded()
            .unwrap()
            .change(move |bus, transaction| bus.changing(transaction, &caller).send(&message))
            .await
            .unwrap();
    }

    pub(crate) async fn waiting(&self) -> u64 {
        store::waiting(&self.gateway.store, Work::Job).await
    }

    pub(crate) async fn until_nothing_waits(&self) {
        store::until_nothing_waits(&self.gateway.store, Work::Job).await;
    }

    pub(crate) async fn outcomes(&self, id: &DeliveryId) -> Vec<Outcome> {
        let id = id.clone();
        self.gateway.store.read::<_, StoreError, _>(move |view| view.outcomes(&id)).await.unwrap()
    }

    /// The one message that waits for a job.
    pub(crate) async fn queued(&self) -> endo::store::QueuedDelivery {
        let mut taken = store::due(&self.feed(), 10).await;
        assert_eq!(taken.len(), 1);
        taken.remove(0).delivery.clone()
    }

    pub(crate) fn feed(&self) -> Feed {
        let ambient = &self.gateway.ambient;
        Feed::new(
            self.gateway.store.clone(),
            Work::Job,
            ambient.clock.clone(),
            Arc::clone(&self.gateway.job_bell),
        )
    }

    pub(crate) fn desk(&self, registry: Arc<Registry>) -> Desk {
        let gateway = &self.gateway;
        Desk {
            bus: gateway.bus.clone(),
            store: gateway.store.clone(),
            credentials: gateway.credentials.clone(),
            registry,
            workbench: gateway.workbench.clone(),
            repeats: Repeats { pause: Duration::from_millis(1), ..Repeats::default() },
            sign_in: None,
            endings: Endings::default(),
            clock: gateway.ambient.clock.clone(),
            random: gateway.ambient.random.clone(),
        }
    }

    /// Lets the worker run until `done` is.
    pub(crate) async fn work_until<T>(&self, registry: Arc<Registry>, done: impl Future<Output = T>) -> T {
        let worker = self.worker(registry, turns(8));
        let result = done.await;
        worker.stop().await;
        result
    }

    /// A worker that has these turns.
    pub(crate) fn worker(&self, registry: Arc<Registry>, turns: Turns) -> Worker {
        let (stop, stopped) = watch::channel(false);
        let dispatch = Dispatch::new(Arc::new(self.feed()), Arc::new(self.desk(registry)), turns);
        Worker { stop, task: tokio::spawn(dispatch.run(stopped)) }
    }

    /// The next reply the flow receives, with the worker running.
    pub(crate) async fn reply(&self, chain: &mut Chain) -> Value {
        let registry = Arc::clone(&self.gateway.registry);
        let reply = self.work_until(registry, chain.replies.next()).await.unwrap();
        let mut message: Value = serde_json::from_str(&reply.body).unwrap();
        message["fromUuid"] = serde_json::json!(reply.route.as_ref().unwrap().hops()[0].from);
        message
    }

    pub(crate) async fn revoke(&self, chain: &Chain) -> bool {
        let binding =
            Binding { credentials: chain.credentials.clone(), user_device: chain.device.uuid.clone() };
        cut_off(&self.gateway.credentials, binding).await.is_some()
    }
}

/// Cuts a device off, as whoever runs the gateway.
/// A worker that runs until it is told to stop.
pub(crate) struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// A job whose messages are of any form.
pub(crate) fn formless<J: Job>(name: &'static str, job: J) -> DescribedJob {
    let response = r#"{"type": "object", "properties": {"data": true}}"#;
    built_in(JobDirectory { name, message: "", form: "", response }, job)
}

/// These jobs alone.
pub(crate) fn only(jobs: Vec<DescribedJob>) -> Arc<Registry> {
    let options =
        RegistryOptions { default_job_type: None, fallback: None, time_limit: Duration::from_secs(600) };
    Arc::new(Registry::load(jobs, options).unwrap().0)
}

pub(crate) async fn cut_off(credentials: &CredentialsDevices, binding: Binding) -> Option<Receipt> {
    let owned = credentials.held(binding.credentials).await.unwrap();
    credentials.cut_off(&owned, Cut::One(binding.user_device), &Revoker::Operator).await.unwrap()
}

pub(crate) fn received(subscriber: &DeviceUuid, emitter: &DeviceUuid) -> StoredSubscription {
    StoredSubscription {
        subscriber_uuid: subscriber.clone(),
        emitter_uuid: emitter.clone(),
        kind: "message.received".to_owned(),
    }
}
