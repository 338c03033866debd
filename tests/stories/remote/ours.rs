//! Two programs of ours: a gateway whose Meshblu is the embedded bus of another.

use std::sync::Arc;

use endo::ambient::Clock;
use endo::bus::Login;
use endo::config::{self, Config, Intake, Secret};
use endo::egress::BreakerSettings;
use endo::message::DeviceUuid;
use endo::store::{Binding, StoreError, View, Work};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::support::account::octocat;
use crate::support::bus::{Device, WithJson, send};
use crate::support::desk::cut_off;
use crate::support::fake_api::FakeApi;
use crate::support::gateway::{Flow, TestGateway};
use crate::support::meshblu::{RemoteGateway, json_answer, say_hello, settings};

/// A bus, a gateway on it, and everybody who takes part in a message.
struct Scene {
    bus: TestGateway,
    gateway: RemoteGateway,
    service: Device,
    owner: Device,
    flow: Flow,
    binding: Binding,
    _directory: TempDir,
}

async fn register(bus: &TestGateway, document: serde_json::Value) -> Device {
    let nobody = Device { uuid: String::new(), token: String::new() };
    let registered = send(bus.by(&nobody, "POST /devices").json(&document)).await.json();
    let text = |name: &str| registered[name].as_str().unwrap().to_owned();
    Device { uuid: text("uuid"), token: text("token") }
}

impl Scene {
    async fn set(accept_legacy: bool) -> Self {
        Self::with(|bus| bus.accept_legacy_signatures = accept_legacy).await
    }

    async fn with(change: impl FnOnce(&mut config::Bus)) -> Self {
        // What is not taken at once is given up, where it can be seen.
        let once = config::Webhooks { attempts: 1, ..config::Webhooks::default() };
        Self::called_by(once, |settings| change(&mut settings.bus)).await
    }

    /// A gateway that is called as `webhooks` says.
    async fn called_by(webhooks: config::Webhooks, change: impl FnOnce(&mut Config)) -> Self {
        let bus = TestGateway::with("http://127.0.0.1:9", |config| {
            config.egress.allow_loopback = true;
            config.webhooks = webhooks;
        })
        .await;
        let service = register(&bus, json!({"type": "device:oauth", "discoverWhitelist": ["*"]})).await;
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path(), &format!("http://{}", bus.running.bus().unwrap()));
        settings.bus.uuid = Some(service.uuid.clone());
        settings.bus.token = Some(Secret::from(service.token.clone()));
        settings.bus.accept_legacy_signatures = false;
        settings.bus.timeout_seconds = 10;
        change(&mut settings);
        let by_webhook = settings.bus.intake == Intake::Webhook;
        let gateway = RemoteGateway::at(Clock::system(), settings).await.unwrap();
        let url = format!("http://{}/v2/messages", gateway.running.gateway());
        let webhook = json!({"type": "webhook", "url": url, "method": "POST", "signRequest": true});
        let forward = json!({"$addToSet": {"meshblu.forwarders.message.received": webhook}});
        if by_webhook {
            bus.update(&service, &service.uuid, forward).await;
        }
        let itself = format!("POST /v2/devices/{0}/subscriptions/{0}/message.received", service.uuid);
        send(bus.by(&service, &itself)).await.is(204, "");
        let owner = register(&bus, json!({"type": "octoblu:user"})).await;
        let (binding, flow) = cast(&bus, &gateway, &owner).await;
        Self { bus, gateway, service, owner, flow, binding, _directory: directory }
    }
}

/// Credentials of the owner's, a user device for them, and a flow that knows it.
async fn cast(bus: &TestGateway, gateway: &RemoteGateway, owner: &Device) -> (Binding, Flow) {
    let account = octocat(42, "canary-of-a-secret", &owner.uuid);
    let credentials = gateway.gateway.credentials.keep(account).await.unwrap();
    let owner_of_new = DeviceUuid::from(&*owner.uuid);
    let new = gateway.gateway.user_device(None, owner_of_new, "http://127.0.0.1:1").await.unwrap();
    let user = gateway.gateway.credentials.bind(credentials.clone(), new).await.unwrap();
    let flow = bus.flow(&user.uuid).await;
    let accept = json!({"$addToSet": {"meshblu.whitelists.message.from": {"uuid": flow.device.uuid}}});
    bus.update(owner, user.uuid.as_str(), accept).await;
    (Binding { credentials, user_device: user.uuid }, flow)
}

async fn exchange(scene: &mut Scene) -> serde_json::Value {
    let mut message = say_hello();
    message["devices"] = json!([scene.binding.user_device]);
    scene.bus.post(&scene.flow.device, &message).await;
    scene.flow.next().await
}

#[tokio::test]
async fn a_flow_is_answered_over_both_and_nothing_old_is_accepted() {
    let mut scene = Scene::set(false).await;
    let reply = exchange(&mut scene).await;
    assert_eq!(reply["metadata"], json!({"to": {"nodeId": "n1"}, "code": 200, "status": "OK"}));
    assert_eq!(reply["data"], json!({"hello": "Ada"}));
    assert_eq!(reply["fromUuid"], json!(scene.binding.user_device));
}

/// Waits until `/readyz` of the gateway answers this.
async fn until_ready(scene: &Scene, status: u16) {
    let url = format!("http://{}/readyz", scene.gateway.running.gateway());
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(2));
    while reqwest::get(&url).await.unwrap().status() != status {
        ticks.tick().await;
    }
}

#[tokio::test]
async fn a_flow_is_answered_over_a_firehose_that_ends_with_the_token() {
    let mut scene = Scene::with(|bus| bus.intake = Intake::Firehose).await;
    until_ready(&scene, 200).await;
    for _ in 0..3 {
        let reply = exchange(&mut scene).await;
        assert_eq!(reply["data"], json!({"hello": "Ada"}));
        assert_eq!(reply["fromUuid"], json!(scene.binding.user_device));
    }
    let reset = format!("POST /devices/{}/token", scene.service.uuid);
    assert_eq!(send(scene.bus.by(&scene.service, &reset)).await.status, 200);
    until_ready(&scene, 503).await;
}

#[tokio::test]
async fn a_device_that_was_cut_off_reaches_nobody() {
    let mut scene = Scene::set(false).await;
    exchange(&mut scene).await;
    assert!(cut_off(&scene.gateway.gateway.credentials, scene.binding.clone()).await.is_some());
    let mut message = say_hello();
    message["devices"] = json!([scene.binding.user_device]);
    scene.bus.post(&scene.flow.device, &message).await;
    assert!(scene.bus.arrived(&mut scene.flow).await.is_empty());
}

#[tokio::test]
async fn a_job_s_failure_is_kept_on_the_status_device_of_the_other_bus_and_told_to_the_owner_alone() {
    let mut scene = Scene::set(false).await;
    let message = json!({
        "devices": [scene.binding.user_device],
        "metadata": {"jobType": "SayHello"},
        "data": {"do": "fail"},
    });
    scene.bus.post(&scene.flow.device, &message).await;
    assert_eq!(scene.flow.next().await["metadata"]["code"], 418);

    let credentials = &scene.gateway.gateway.credentials;
    let owned = credentials.held(scene.binding.credentials.clone()).await.unwrap();
    let seen_by = async |viewer: &Device| {
        let login = Login { uuid: (&*viewer.uuid).into(), token: viewer.token.clone().into() };
        let mut entries = credentials.user_device_entries(&owned).await.unwrap();
        assert!(credentials.note_errors(&login, &mut entries).await);
        entries.remove(0)
    };
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(2));
    // The sender is told first.
    while seen_by(&scene.owner).await.errors == Some(0) {
        ticks.tick().await;
    }
    let seen = seen_by(&scene.owner).await;
    assert_eq!((seen.errors, &*seen.noted[0].text), (Some(1), "I am a teapot"));
    assert_eq!(seen_by(&scene.flow.device).await.errors, None);
    let search = scene.bus.by(&scene.owner, "POST /search/devices").json(&json!({"type": "status-device"}));
    send(search).await.is(200, "[]");
}

/// The deliveries that the bus has still to bring to webhooks; it has given none up.
async fn waiting(scene: &Scene) -> u64 {
    let look = |view: &View<'_>| Ok((view.waiting(Work::Webhook)?, view.dead_letters(None, 1)?));
    let (waiting, given_up) = scene.bus.gateway.store.read::<_, StoreError, _>(look).await.unwrap();
    assert!(given_up.is_empty(), "{given_up:?}");
    waiting
}

#[tokio::test]
async fn jobs_that_fail_are_told_once_and_hold_up_nobody_whatever_their_code() {
    for code in [404, 429, 500, 502, 503, 504] {
        let mut scene = Scene::set(false).await;
        let failing = json!({
            "devices": [scene.binding.user_device],
            "metadata": {"jobType": "SayHello"},
            "data": {"do": "fail", "code": code},
        });
        for _ in 0..=BreakerSettings::default().failures {
            scene.bus.post(&scene.flow.device, &failing).await;
            assert_eq!(scene.flow.next().await["metadata"]["code"], code);
        }
        assert_eq!(exchange(&mut scene).await["data"], json!({"hello": "Ada"}));
        while waiting(&scene).await > 0 {}
        assert!(scene.bus.arrived(&mut scene.flow).await.is_empty(), "{code} was told again");
    }
}

impl Scene {
    /// Has the credentials device bring its messages itself, as the original had it up to version 14.4.
    async fn bring_by_the_device_itself(&self) {
        let none = json!({"$set": {"meshblu.forwarders.message.received": []}});
        self.bus.update(&self.service, &self.service.uuid, none).await;
        let uuid = self.binding.credentials.as_str().to_owned();
        let lent = send(self.bus.by(&self.service, &format!("POST /devices/{uuid}/tokens"))).await.json();
        let token = lent["token"].as_str().unwrap().to_owned();
        let device = Device { uuid: uuid.clone(), token };
        let url = format!("http://{}/v1/messages", self.gateway.running.gateway());
        let webhook = json!({
            "type": "webhook", "url": url, "method": "POST", "generateAndForwardMeshbluCredentials": true,
        });
        let forward = json!({"$addToSet": {"meshblu.forwarders.message.received": webhook}});
        self.bus.update(&self.service, &uuid, forward).await;
        let itself = format!("POST /v2/devices/{uuid}/subscriptions/{uuid}/message.received");
        send(self.bus.by(&device, &itself)).await.is(204, "");
    }
}

#[tokio::test]
async fn a_job_longer_than_the_call_of_a_device_that_comes_itself_is_run_once_and_answered() {
    let gate = Arc::new(Semaphore::new(0));
    let api = FakeApi::answering(json_answer(200, &json!([])).behind(&gate)).await;
    let often = config::Webhooks { timeout_seconds: 1, first_delay_ms: 1, ..config::Webhooks::default() };
    let mut scene = Scene::called_by(often, |settings| settings.source.base_url = Some(api.url(""))).await;
    scene.bring_by_the_device_itself().await;
    let long = json!({
        "devices": [scene.binding.user_device],
        "metadata": {"jobType": "SayHello"},
        "data": {"do": "ask", "requests": ["GET /long"]},
    });
    scene.bus.post(&scene.flow.device, &long).await;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(2));
    while api.seen().is_empty() || waiting(&scene).await > 0 {
        ticks.tick().await;
    }
    gate.add_permits(10);
    assert_eq!(scene.flow.next().await["data"], json!({"asked": 1}));
    assert!(scene.bus.arrived(&mut scene.flow).await.is_empty());
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a_device_of_our_bus_that_comes_itself_is_told_of_its_login_first() {
    let scene = Scene::set(false).await;
    let credentials = scene.binding.credentials.as_str();
    let lent =
        send(scene.bus.by(&scene.service, &format!("POST /devices/{credentials}/tokens"))).await.json();
    let right = lent["token"].as_str().unwrap();
    let hop = |from: &str, to: &str| json!({"from": from, "to": to, "type": "message.received"});
    let user = scene.binding.user_device.as_str();
    let by = |end: &str| json!([hop(&scene.flow.device.uuid, user), hop(user, end)]).to_string();
    let told = async |route: &str, token: &str| {
        let post = scene.gateway.post("/v1/messages").header("x-meshblu-route", route);
        send(post.basic_auth(credentials, Some(token)).body(say_hello().to_string())).await.status.as_u16()
    };
    for (route, status) in [("[]", 422), ("[{", 400), (&by(&scene.owner.uuid), 403), (&by(credentials), 201)]
    {
        assert_eq!(told(route, "wrong").await, 401, "{route}");
        assert_eq!(told(route, right).await, status, "{route}");
    }
}
