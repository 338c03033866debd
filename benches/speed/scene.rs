//! The parts of a gateway in a directory of their own, with stored credentials, a user device and a flow that may use it.

use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use endo::bus::embedded::api::{self, ApiLimits};
use endo::bus::embedded::update::Update;
use endo::bus::embedded::{Caller, Registered};
use endo::config::Config;
use endo::credentials::Account;
use endo::gateway::{Ambient, Gateway};
use endo::message::DeviceUuid;
use endo::store::StoredSubscription;
use endo::vault::{ResourceOwnerId, SecretText};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::connection::{get, post};
use super::machine;

/// A gateway whose bus listens; its workers run when somebody starts them.
pub(crate) struct Scene {
    pub(crate) gateway: Gateway,
    pub(crate) directory: TempDir,
    pub(crate) cast: Cast,
    bus: SocketAddr,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Who sends to whom.
pub(crate) struct Cast {
    flow: Registered,
    user_device: DeviceUuid,
}

/// A message for a job, whose reply carries `number` in `metadata.to`.
pub(crate) fn message(to: &str, job_type: &str, number: usize) -> String {
    json!({
        "devices": [to],
        "metadata": {"jobType": job_type, "respondTo": number},
        "data": {"username": "octocat"},
    })
    .to_string()
}

/// As `endo serve` makes its own.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

impl Scene {
    /// Must be called within a runtime; `api` is where the credentials' API answers.
    pub(crate) async fn open(api: &str) -> Self {
        let directory = machine::directory();
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.source.base_url = Some(api.to_owned());
        let gateway = Gateway::open(config, Ambient::system()).await.unwrap();
        let cast = Cast::gather(&gateway).await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let bus = listener.local_addr().unwrap();
        let limits = ApiLimits::from(&gateway.config);
        let server = api::serve(listener, gateway.bus.embedded().unwrap().clone(), limits, None).unwrap();
        let (server, serving) = (server.handle(), tokio::spawn(server));
        Self { gateway, directory, cast, bus, server, serving }
    }

    /// Where the bus listens.
    pub(crate) fn bus(&self) -> SocketAddr {
        self.bus
    }

    /// Stops listening; what it has on disk is left, with who is named in it.
    pub(crate) async fn close(self) -> (Cast, TempDir) {
        self.gateway.bus.embedded().unwrap().close_streams();
        self.server.stop(false).await;
        self.serving.await.unwrap().unwrap();
        (self.cast, self.directory)
    }
}

impl Cast {
    async fn gather(gateway: &Gateway) -> Self {
        let account = Account {
            id: ResourceOwnerId::Number(583_231),
            username: Some("octocat".to_owned()),
            secret: SecretText::from("not-a-secret"),
            refresh_token: None,
            asked: None,
            lifetime: None,
            extras: Default::default(),
            owner: gateway.owner.as_ref().unwrap().uuid.clone(),
        };
        let credentials = gateway.credentials.keep(account).await.unwrap();
        let owner = gateway.owner.as_ref().unwrap().uuid.clone();
        let new = gateway.user_device(None, owner, "http://127.0.0.1:8080").await.unwrap();
        let user_device = gateway.credentials.bind(credentials, new).await.unwrap().uuid;
        let flow = flow(gateway, &user_device).await;
        let (owner, device, sender) = (
            Caller::itself(gateway.owner.as_ref().unwrap().uuid.clone()),
            user_device.clone(),
            flow.uuid.clone(),
        );
        let allow = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": sender}}});
        let allow = Update::parse(&allow).unwrap();
        let change = gateway.bus.embedded().unwrap().change(move |bus, transaction| {
            bus.changing(transaction, &owner).update(&device, &allow).map(drop)
        });
        change.await.unwrap();
        Self { flow, user_device }
    }

    /// The flow's request that sends a message for a job.
    pub(crate) fn send(&self, job_type: &str, number: usize) -> Vec<u8> {
        let body = message(self.user_device.as_str(), job_type, number);
        post("/messages", self.flow.uuid.as_str(), &self.flow.token, &body)
    }

    /// The flow's request to read along at itself.
    pub(crate) fn listen(&self) -> Vec<u8> {
        let path = format!("/subscribe/{}/received", self.flow.uuid);
        get(&path, self.flow.uuid.as_str(), &self.flow.token)
    }
}

async fn flow(gateway: &Gateway, hears: &DeviceUuid) -> Registered {
    let whitelists = json!({"message": {"from": [{"uuid": hears}]}});
    let document = json!({"type": "flow", "meshblu": {"version": "2.0.0", "whitelists": whitelists}});
    let register = gateway.bus.embedded().unwrap().change(move |bus, transaction| {
        let flow = bus.register(transaction, document)?;
        let itself = StoredSubscription {
            subscriber_uuid: flow.uuid.clone(),
            emitter_uuid: flow.uuid.clone(),
            kind: "message.received".to_owned(),
        };
        bus.changing(transaction, &Caller::itself(flow.uuid.clone())).subscribe(&itself)?;
        Ok(flow)
    });
    register.await.unwrap()
}
