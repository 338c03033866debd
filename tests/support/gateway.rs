//! A whole gateway with its bus, on ports of its own, in a directory of its own, spoken to over HTTP.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::{Ipv4Addr, SocketAddr};

use endo::ambient::{Clock, Random, Timestamp};
use endo::bus::embedded::{BusError, Caller, update::Update};
use endo::config::Config;
use endo::credentials::{Account, BoundDevice};
use endo::gateway::{Ambient, Gateway, Listeners, Running};
use endo::message::DeviceUuid;
use endo::store::{Binding, StoreError, Work};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::account::octocat;
use super::bus::{Device, WithJson, send};
use super::desk::{SECRET, cut_off};
use super::keys::place_keys;
use super::store;

/// A gateway at work.
pub(crate) struct TestGateway {
    pub(crate) gateway: Gateway,
    pub(crate) running: Running,
    client: Client,
    directory: TempDir,
}

/// A flow: it sends messages and reads what arrives at it.
pub(crate) struct Flow {
    pub(crate) device: Device,
    stream: Response,
    rest: Vec<u8>,
}

/// An account's credentials, a user device for them, and a flow that may talk to it.
pub(crate) struct Chain {
    pub(crate) credentials: DeviceUuid,
    pub(crate) user: BoundDevice,
    pub(crate) flow: Flow,
}

impl TestGateway {
    /// A gateway whose jobs talk to the API at this URL.
    pub(crate) async fn open(api: &str) -> Self {
        Self::with(api, |_| ()).await
    }

    /// The same, with some settings changed.
    pub(crate) async fn with(api: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::at(Clock::system(), api, change).await
    }

    /// The same, told the time by this clock.
    pub(crate) async fn at(clock: Clock, api: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::changed(clock, api, change, |_| ()).await
    }

    /// The same, changed once more before it starts.
    pub(crate) async fn changed(
        clock: Clock,
        api: &str,
        change: impl FnOnce(&mut Config),
        change_gateway: impl FnOnce(&mut Gateway),
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        place_keys(directory.path());
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.source.base_url = Some(api.to_owned());
        let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        (config.listen.gateway, config.listen.bus) = (free, free);
        change(&mut config);
        let mut gateway = Gateway::open(config, Ambient { clock, random: Random::system() }).await.unwrap();
        change_gateway(&mut gateway);
        let listeners = Listeners::open(&gateway.config).unwrap();
        let running = gateway.start(listeners).await.unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { gateway, running, client, directory }
    }

    /// `"PUT /v2/devices/x"` of the bus, by `device`.
    pub(crate) fn by(&self, device: &Device, call: &str) -> RequestBuilder {
        let (method, path) = call.split_once(' ').unwrap();
        let url = format!("http://{}{path}", self.running.bus().unwrap());
        self.client.request(method.parse().unwrap(), url).basic_auth(&device.uuid, Some(&device.token))
    }

    /// Where its data are.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Whoever owns what nobody else owns.
    pub(crate) fn owner(&self) -> Device {
        let owner = self.gateway.owner.as_ref().unwrap();
        Device { uuid: owner.uuid.to_string(), token: owner.token.clone() }
    }

    pub(crate) async fn device(&self, by: &Device, uuid: &str) -> Value {
        let answer = send(self.by(by, &format!("GET /v2/devices/{uuid}"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn update(&self, by: &Device, uuid: &str, update: Value) {
        send(self.by(by, &format!("PUT /v2/devices/{uuid}")).json(&update)).await.is(204, "");
    }

    /// Changes a device in its own name, which needs no token in this process.
    pub(crate) async fn update_itself(&self, uuid: &str, update: &Value) {
        let (uuid, update) = (DeviceUuid::from(uuid), Update::parse(update).unwrap());
        let change = move |bus: &endo::bus::embedded::EmbeddedBus, tx: &endo::store::Transaction<'_>| {
            bus.changing(tx, &Caller::itself(uuid.clone())).update(&uuid, &update).map(drop)
        };
        self.gateway.bus.embedded().unwrap().change::<()>(change).await.unwrap();
    }

    /// A flow that hears itself and accepts messages from `hears`.
    pub(crate) async fn flow(&self, hears: &DeviceUuid) -> Flow {
        let nobody = Device { uuid: String::new(), token: String::new() };
        let whitelists = json!({"message": {"from": [{"uuid": hears}]}});
        let document = json!({"type": "flow", "meshblu": {"version": "2.0.0", "whitelists": whitelists}});
        let registered = send(self.by(&nobody, "POST /devices").json(&document)).await;
        assert_eq!(registered.status, 201, "{registered:?}");
        let text = |name: &str| registered.json()[name].as_str().unwrap().to_owned();
        let device = Device { uuid: text("uuid"), token: text("token") };
        let uuid = &device.uuid;
        let itself = format!("POST /v2/devices/{uuid}/subscriptions/{uuid}/message.received");
        send(self.by(&device, &itself)).await.is(204, "");
        let stream = self.by(&device, &format!("GET /subscribe/{uuid}/received")).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        Flow { device, stream, rest: Vec::new() }
    }

    /// Credentials of the account `id`, a user device and a flow that know each other.
    pub(crate) async fn chain(&self, id: i64) -> Chain {
        let account = self.account(id, &self.gateway.owner.as_ref().unwrap().uuid);
        self.chain_of(account).await
    }

    /// The account `id`, which `owner` proved control of.
    pub(crate) fn account(&self, id: i64, owner: &DeviceUuid) -> Account {
        octocat(id, SECRET, owner.as_str())
    }

    /// The same of this account.
    pub(crate) async fn chain_of(&self, account: Account) -> Chain {
        let credentials = self.gateway.credentials.keep(account).await.unwrap();
        self.chain_to(credentials).await
    }

    /// A user device for these credentials and a flow that know each other.
    pub(crate) async fn chain_to(&self, credentials: DeviceUuid) -> Chain {
        let owner = self.gateway.owner.as_ref().unwrap().uuid.clone();
        let url = format!("http://{}", self.running.gateway());
        let new = self.gateway.user_device(None, owner, &url).await.unwrap();
        let user = self.gateway.credentials.bind(credentials.clone(), new).await.unwrap();
        let flow = self.flow(&user.uuid).await;
        let accept = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": flow.device.uuid}}});
        self.update(&self.owner(), user.uuid.as_str(), accept).await;
        Chain { credentials, user, flow }
    }

    /// Sends a message from the chain's flow to its user device; it is on disk then.
    pub(crate) async fn send(&self, chain: &Chain, mut message: Value) {
        message["devices"] = json!([chain.user.uuid]);
        self.post(&chain.flow.device, &message).await;
    }

    pub(crate) async fn post(&self, by: &Device, message: &Value) {
        send(self.by(by, "POST /messages").json(message)).await.is(204, "");
    }

    /// Sends a message and waits for what arrives at the flow.
    pub(crate) async fn exchange(&self, chain: &mut Chain, message: Value) -> Value {
        self.send(chain, message).await;
        chain.flow.next().await
    }

    /// What arrived at the flow until now: a marker, sent to itself, ends the list.
    pub(crate) async fn arrived(&self, flow: &mut Flow) -> Vec<Value> {
        let marker = json!({"devices": [flow.device.uuid], "marker": true});
        self.post(&flow.device, &marker).await;
        let mut arrived = Vec::new();
        loop {
            match flow.next().await {
                message if message["marker"] == true => return arrived,
                message => arrived.push(message),
            }
        }
    }

    pub(crate) async fn revoke(&self, chain: &Chain) -> bool {
        let binding =
            Binding { credentials: chain.credentials.clone(), user_device: chain.user.uuid.clone() };
        cut_off(&self.gateway.credentials, binding).await.is_some()
    }

    /// Has `owner` sign in at the API as the account of these credentials.
    pub(crate) async fn prove(&self, owner: &Device, credentials: &DeviceUuid) {
        self.prove_at(self.gateway.ambient.clock.now(), owner, credentials).await;
    }

    /// The same, at some other time.
    pub(crate) async fn prove_at(&self, now: Timestamp, owner: &Device, credentials: &DeviceUuid) {
        let (owner, credentials) = (DeviceUuid::from(&*owner.uuid), credentials.clone());
        let note = move |tx: &endo::store::Transaction<'_>| tx.note_proof(&owner, &credentials, now);
        self.gateway.store.write::<_, StoreError, _>(note).await.unwrap();
    }

    /// How many accepted messages have no end yet.
    pub(crate) async fn waiting(&self) -> u64 {
        store::waiting(&self.gateway.store, Work::Job).await
    }

    pub(crate) async fn until_nothing_waits(&self) {
        store::until_nothing_waits(&self.gateway.store, Work::Job).await;
    }

    /// Makes or ends the subscription of `subscriber` to what `emitter` receives, in the subscriber's name.
    pub(crate) async fn subscribe(&self, subscriber: &str, emitter: &str, wanted: bool) {
        let subscription = super::desk::received(&subscriber.into(), &emitter.into());
        let change = move |bus: &endo::bus::embedded::EmbeddedBus, tx: &endo::store::Transaction<'_>| {
            let caller = Caller::itself(subscription.subscriber_uuid.clone());
            match wanted {
                true => bus.changing(tx, &caller).subscribe(&subscription).map(drop),
                false => bus.changing(tx, &caller).unsubscribe(&subscription),
            }
        };
        self.gateway
            .bus
            .embedded()
            .unwrap()
            .change::<()>(change)
            .await
            .map_err(|error: BusError| error)
            .unwrap();
    }
}

impl Flow {
    /// The next message that arrives.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.rest.drain(..=end).collect();
                return serde_json::from_slice(&line).unwrap();
            }
            let chunk = self.stream.chunk().await.unwrap();
            self.rest.extend_from_slice(&chunk.expect("the stream goes on"));
        }
    }

    /// Whether nothing more comes.
    pub(crate) async fn ends(&mut self) -> bool {
        self.rest.is_empty() && self.stream.chunk().await.unwrap().is_none()
    }
}
