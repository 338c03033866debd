//! A stand-in for a Meshblu elsewhere, and a gateway on it: the record, the keys and the clock are those of the vectors.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{HashMap, VecDeque};
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use endo::ambient::{Clock, Random, Timestamp};
use endo::config::{BusKind, Config, Secret};
use endo::gateway::{Ambient, Gateway, GatewayError, Listeners, Running};
use endo::job::{Job, JobContext, JobDirectory, JobError, Registry, RegistryOptions, built_in};
use endo::signature::{Ed25519PrivateKey, MessageSigner, Request};
use endo::store::{DeadLetter, Work};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::bus::{Answer as HttpAnswer, send};
use super::fake_api::{Answer, FakeApi, Seen};
use super::store;

pub(crate) const SERVICE: &str = "service-uuid-0001";
pub(crate) const CREDENTIALS: &str = "cred-uuid-0001";
pub(crate) const USER_DEVICE: &str = "user-uuid";
pub(crate) const FLOW: &str = "flow-uuid";
/// The token of the credentials device, as the recorded record holds it.
pub(crate) const CREDENTIALS_TOKEN: &str = "cred-token-0001";

/// The recorded requests, keys and record.
pub(crate) fn vectors() -> &'static Value {
    static VECTORS: OnceLock<Value> = OnceLock::new();
    VECTORS.get_or_init(|| serde_json::from_str(include_str!("../fixtures/http-signatures.json")).unwrap())
}

type Overrides = Arc<Mutex<HashMap<String, VecDeque<Answer>>>>;

/// The stand-in; it answers as a Meshblu with the recorded devices, unless it is told otherwise.
pub(crate) struct FakeMeshblu {
    api: FakeApi,
    overrides: Overrides,
    shown: Arc<Mutex<Vec<Value>>>,
}

impl FakeMeshblu {
    pub(crate) async fn start() -> Self {
        let overrides = Overrides::default();
        let shown = Arc::<Mutex<Vec<Value>>>::default();
        let (told, documents) = (Arc::clone(&overrides), Arc::clone(&shown));
        let api = FakeApi::start(move |seen| {
            let call = call(seen);
            let mut told = told.lock().unwrap();
            match told.get_mut(&call) {
                Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
                Some(answers) => answers[0].clone(),
                None => found(seen, &documents.lock().unwrap()).unwrap_or_else(|| usual(&call)),
            }
        })
        .await;
        Self { api, overrides, shown }
    }

    /// From now on `"POST /messages"` is answered so; the last answer stays.
    pub(crate) fn answer(&self, call: &str, answers: impl IntoIterator<Item = Answer>) {
        self.overrides.lock().unwrap().insert(call.to_owned(), answers.into_iter().collect());
    }

    /// From now on whoever searches for some devices by their uuids finds this one among them.
    pub(crate) fn show(&self, document: Value) {
        self.shown.lock().unwrap().push(document);
    }

    pub(crate) fn url(&self) -> String {
        self.api.url("")
    }

    /// Every call since the gateway introduced itself.
    pub(crate) fn calls(&self) -> Vec<Seen> {
        self.api.seen().into_iter().filter(|seen| !INTRODUCTION.contains(&&*call(seen))).collect()
    }

    /// The calls by which the gateway introduces itself, as `"METHOD /path"`.
    pub(crate) fn introductions(&self) -> Vec<String> {
        let all = self.api.seen().iter().map(call).collect::<Vec<_>>();
        all.into_iter().filter(|call| INTRODUCTION.contains(&&**call)).collect()
    }

    /// All other calls, as `"METHOD /path"`.
    pub(crate) fn called(&self) -> Vec<String> {
        self.calls().iter().map(call).collect()
    }

    /// The bodies of the messages that were sent.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let sent = self.calls().into_iter().filter(|seen| call(seen) == "POST /messages");
        sent.map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
    }
}

/// What every gateway asks when it starts.
const INTRODUCTION: [&str; 3] = ["GET /v2/whoami", "GET /publickey", "GET /.well-known/jwks.json"];

fn call(seen: &Seen) -> String {
    format!("{} {}", seen.method, seen.target)
}

/// A JSON answer.
pub(crate) fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::new(status, &["content-type: application/json"], body.to_string())
}

/// What a search for some devices by their uuids finds.
fn found(seen: &Seen, shown: &[Value]) -> Option<Answer> {
    let query: Value = serde_json::from_slice(&seen.body).ok()?;
    let wanted = query["uuid"]["$in"].as_array()?;
    let found: Vec<_> = shown.iter().filter(|document| wanted.contains(&document["uuid"])).collect();
    Some(json_answer(200, &json!(found)))
}

fn usual(call: &str) -> Answer {
    let vectors = vectors();
    let subscriptions = format!("GET /v2/devices/{CREDENTIALS}/subscriptions");
    match call {
        "GET /v2/whoami" => {
            json_answer(200, &json!({"uuid": SERVICE, "options": {"imageUrl": "https://x/y.png"}}))
        }
        "GET /publickey" => json_answer(200, &json!({"publicKey": vectors["meshbluPublicKeyPem"]})),
        "POST /search/devices" => json_answer(200, &json!([vectors["credentialsDevice"]])),
        "POST /authenticate" | "POST /messages" => Answer::new(204, &[], ""),
        "GET /v2/devices/user-uuid" => {
            json_answer(200, &json!({"uuid": USER_DEVICE, "statusDevice": "status-uuid"}))
        }
        call if call == subscriptions => json_answer(200, &json!([bound()])),
        call if call.starts_with("PUT ") => Answer::new(204, &[], ""),
        _ => Answer::new(404, &["content-type: text/plain"], "Not Found"),
    }
}

/// The subscription that is the user device's right.
pub(crate) fn bound() -> Value {
    json!({"subscriberUuid": CREDENTIALS, "emitterUuid": USER_DEVICE, "type": "message.received"})
}

/// The route of a message from the flow over the user device and the credentials device to the gateway.
pub(crate) fn route() -> String {
    let hop = |from, to| json!({"from": from, "to": to, "type": "message.received"});
    let hops = [
        hop(FLOW, USER_DEVICE),
        hop(USER_DEVICE, CREDENTIALS),
        hop(CREDENTIALS, SERVICE),
        hop(SERVICE, SERVICE),
    ];
    json!(hops).to_string()
}

pub(crate) fn say_hello() -> Value {
    json!({"metadata": {"jobType": "SayHello", "respondTo": {"nodeId": "n1"}}, "data": {"name": "Ada"}})
}

/// Says what it was sent; breaks or fails when its data ask for that.
struct SayHello;

impl SayHello {
    /// Makes these requests (`"GET /path"`), and says how many there were.
    async fn ask(&self, context: &JobContext, requests: &Value) -> Result<Value, JobError> {
        let requests = requests.as_array().unwrap();
        for request in requests {
            let (method, path) = request.as_str().unwrap().split_once(' ').unwrap();
            let request =
                http::Request::builder().method(method).uri(path).body(bytes::Bytes::new()).unwrap();
            let answer = context.api().call(request).await.map_err(|_| JobError::OutcomeUnknown)?;
            if answer.status() == 401 {
                return Err(JobError::CredentialsExpired);
            }
        }
        Ok(json!({"asked": requests.len()}))
    }
}

impl Job for SayHello {
    type Data = Value;
    type Response = Value;

    async fn run(&self, data: Value, context: JobContext) -> Result<Value, JobError> {
        match data["do"].as_str() {
            Some("fail") => Err(JobError::Refused {
                code: data["code"].as_u64().map_or(418, |code| u16::try_from(code).unwrap()),
                message: "I am a teapot".to_owned(),
            }),
            Some("panic") => panic!("canary-of-a-panic"),
            Some("ask") => self.ask(&context, &data["requests"]).await,
            Some("call") => {
                let request = http::Request::get("/count").body(bytes::Bytes::new()).unwrap();
                let answer = context.api().call(request).await;
                Ok(json!(answer.map(|answer| answer.status().as_u16()).unwrap_or_default()))
            }
            _ => Ok(json!({"hello": data["name"]})),
        }
    }
}

fn registry() -> Arc<Registry> {
    let response = r#"{"type": "object", "properties": {"data": true}}"#;
    let directory = JobDirectory { name: "say-hello", message: "", form: "", response };
    let options =
        RegistryOptions { default_job_type: None, fallback: None, time_limit: Duration::from_secs(30) };
    Arc::new(Registry::load(vec![built_in(directory, SayHello)], options).unwrap().0)
}

/// A gateway on a stand-in; its clock stands at the time of the vectors.
pub(crate) struct RemoteGateway {
    pub(crate) gateway: Gateway,
    pub(crate) running: Running,
    client: Client,
}

/// The settings of a gateway on this bus, which accepts the old form of signatures.
pub(crate) fn settings(directory: &Path, url: &str) -> Config {
    let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    (config.listen.gateway, config.listen.bus) = (free, free);
    config.bus.kind = BusKind::Meshblu;
    config.bus.url = url.to_owned();
    config.bus.uuid = Some(SERVICE.to_owned());
    config.bus.token = Some(Secret::from("service-token-0001".to_owned()));
    config.bus.timeout_seconds = 1;
    config.bus.accept_legacy_signatures = true;
    config.records.private_key =
        Some(Secret::from(vectors()["servicePrivateKeyPem"].as_str().unwrap().to_owned()));
    config
}

impl RemoteGateway {
    pub(crate) async fn open(meshblu: &FakeMeshblu) -> (Self, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), &meshblu.url());
        (Self::with(settings).await.unwrap(), directory)
    }

    pub(crate) async fn with(config: Config) -> Result<Self, GatewayError> {
        let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
        Self::at(Clock::from_fn(move || now), config).await
    }

    /// The same with another clock.
    pub(crate) async fn at(clock: Clock, config: Config) -> Result<Self, GatewayError> {
        Self::changed(clock, config, |_| ()).await
    }

    /// The same, changed before it starts.
    pub(crate) async fn changed(
        clock: Clock,
        config: Config,
        change: impl FnOnce(&mut Gateway),
    ) -> Result<Self, GatewayError> {
        let ambient = Ambient { clock, random: Random::system() };
        let mut gateway = Gateway::open(config, ambient).await?;
        gateway.registry = registry();
        change(&mut gateway);
        let running = gateway.start(Listeners::open(&gateway.config)?).await?;
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Ok(Self { gateway, running, client })
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.running.gateway());
        self.client.post(url).header("content-type", "application/json")
    }

    /// Posts a message as a bus of old does, with a signature of the vectors.
    pub(crate) async fn webhook(&self, message: &impl Display) -> HttpAnswer {
        self.webhook_by(&route(), message).await
    }

    pub(crate) async fn webhook_by(&self, route: &str, message: &impl Display) -> HttpAnswer {
        let recorded = &vectors()["vectors"][0]["request"]["headers"];
        let mut request = self.post("/v2/messages").header("x-meshblu-route", route);
        for name in ["Date", "X-MESHBLU-UUID", "Authorization"] {
            request = request.header(name, recorded[name].as_str().unwrap());
        }
        send(request.body(message.to_string())).await
    }

    pub(crate) async fn dead_letters(&self) -> Vec<DeadLetter> {
        store::dead_letters(&self.gateway.store).await
    }

    pub(crate) async fn waiting(&self) -> u64 {
        store::waiting(&self.gateway.store, Work::Job).await
    }

    pub(crate) async fn until_nothing_waits(&self) {
        store::until_nothing_waits(&self.gateway.store, Work::Job).await;
    }

    /// Of how many messages anything is kept.
    pub(crate) fn kept(&self) -> i64 {
        let path = self.gateway.config.data_dir.join("endo.db");
        let count = "SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM outcomes)
                          + (SELECT count(*) FROM dead_letters)";
        rusqlite::Connection::open(path).unwrap().query_row(count, [], |row| row.get(0)).unwrap()
    }

    /// Ends it, so that another can have its directory.
    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}

/// A stand-in for a bus of ours: it signs by RFC 9421.
pub(crate) struct SigningBus {
    pub(crate) meshblu: FakeMeshblu,
    signer: MessageSigner,
    client: Client,
}

impl SigningBus {
    /// Its key, as a key set shows it.
    pub(crate) fn public_key(&self) -> Value {
        self.signer.key().to_jwk()
    }

    pub(crate) async fn start() -> Self {
        let signer = MessageSigner::new(Ed25519PrivateKey::generate(&Random::system()));
        let meshblu = FakeMeshblu::start().await;
        let keys = json!({"keys": [signer.key().to_jwk()]});
        meshblu.answer("GET /.well-known/jwks.json", [json_answer(200, &keys)]);
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { meshblu, signer, client }
    }

    pub(crate) async fn gateway(&self) -> (RemoteGateway, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        (self.gateway_in(&directory).await, directory)
    }

    pub(crate) async fn gateway_in(&self, directory: &TempDir) -> RemoteGateway {
        let mut settings = settings(directory.path(), &self.meshblu.url());
        settings.bus.accept_legacy_signatures = false;
        RemoteGateway::with(settings).await.unwrap()
    }

    /// Delivers a message at the time of the vectors.
    pub(crate) async fn deliver(
        &self,
        gateway: &RemoteGateway,
        id: &str,
        message: &impl Display,
    ) -> HttpAnswer {
        let now = Timestamp::from_millis(vectors()["nowMs"].as_i64().unwrap());
        let authority = gateway.running.gateway().to_string();
        send(self.posting(&authority, now).delivery(id, message)).await
    }

    /// This bus as it posts to the gateway at this authority, at this time.
    pub(crate) fn posting<'a>(&'a self, authority: &'a str, now: Timestamp) -> Posting<'a> {
        Posting { bus: self, authority, base: "", now }
    }
}

/// A bus that posts to a gateway at one moment.
pub(crate) struct Posting<'a> {
    bus: &'a SigningBus,
    authority: &'a str,
    base: &'a str,
    now: Timestamp,
}

impl<'a> Posting<'a> {
    /// The same, where every path of the gateway begins with this.
    pub(crate) fn below(self, base: &'a str) -> Self {
        Self { base, ..self }
    }

    /// The request that delivers a message. It does not say what kind of body it has.
    pub(crate) fn delivery(&self, id: &str, message: &impl Display) -> RequestBuilder {
        let Self { bus, authority, base, now } = *self;
        let target = format!("{base}/v2/messages");
        let (route, body) = (route(), message.to_string());
        let fields = [
            ("x-meshblu-uuid", SERVICE.as_bytes()),
            ("x-meshblu-route", route.as_bytes()),
            ("x-meshblu-delivery-id", id.as_bytes()),
        ];
        let request = Request {
            method: "POST",
            scheme: "http",
            authority,
            target: &target,
            fields: &fields,
            body: body.as_bytes(),
        };
        let signature = bus.signer.sign(&request, now).unwrap();
        let mut post = bus.client.post(format!("http://{authority}{target}"));
        for (name, value) in fields {
            post = post.header(name, value);
        }
        post.header("content-digest", signature.content_digest)
            .header("signature-input", signature.signature_input)
            .header("signature", signature.signature)
            .body(body)
    }
}
