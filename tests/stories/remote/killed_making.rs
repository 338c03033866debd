//! The program is killed at every call of the bus by which it keeps a sign-in, or makes a user device; whoever begins again
//! finishes what broke off, and nothing of it has any right before.

use std::process::Stdio;
use std::time::Duration;

use endo::ambient::Timestamp;
use endo::vault::{ResourceOwnerId, SealedText};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::owners::vault;
use crate::support::browser::{Browser, come_back, depart};
use crate::support::bus::{Answer, Device, WithJson, send};
use crate::support::held_bus::{HeldBus, Hold, Moment};
use crate::support::meshblu::vectors;
use crate::support::program::Program;
use crate::support::provider::FakeProvider;

/// A program on a bus elsewhere, and a person who signed in with that bus.
pub(super) struct Scene {
    pub(super) bus: HeldBus,
    pub(super) provider: FakeProvider,
    service: Device,
    pub(super) directory: TempDir,
    program: Program,
    pub(super) browser: Browser,
}

impl Scene {
    pub(super) async fn set() -> Self {
        let (bus, provider) = (HeldBus::start().await, FakeProvider::start().await);
        let service = bus.bus.register(json!({"type": "device:oauth", "owner": bus.owner.uuid})).await;
        let directory = tempfile::tempdir().unwrap();
        let key = vectors()["servicePrivateKeyPem"].as_str().unwrap();
        let settings = format!(
            "[bus]\nkind = \"meshblu\"\nurl = \"{}\"\noauth_url = \"{}\"\nuuid = \"{}\"\ntoken = \"{}\"\n\
             [records]\nprivate_key = '''{key}'''\n{}",
            bus.url,
            bus.url,
            service.uuid,
            service.token,
            provider.settings_text(),
        );
        std::fs::write(directory.path().join("endo.toml"), settings).unwrap();
        let program = Program::start(directory.path(), &[], Stdio::null()).await;
        let browser = Browser::at(&program.gateway);
        let mut scene = Self { bus, provider, service, directory, program, browser };
        scene.sign_in_with_bus().await;
        scene
    }

    async fn sign_in_with_bus(&mut self) {
        let start = self.browser.get("/auth/octoblu?next=/console").await;
        let state = start.header("location").unwrap().split("state=").nth(1).unwrap().to_owned();
        let back = self.browser.get(&format!("/auth/octoblu/callback?code=c&state={state}")).await;
        assert_eq!(back.header("location"), Some("/console"), "{back:?}");
    }

    /// Somebody else signs in with the bus; answers who that is, and the browser of whoever was there.
    pub(super) async fn somebody_else(&mut self) -> (Device, Browser) {
        let person = self.bus.somebody_else().await;
        let before = std::mem::replace(&mut self.browser, Browser::at(&self.program.gateway));
        self.sign_in_with_bus().await;
        (person, before)
    }

    /// Kills the program, and starts it again on the same directory, for the same browser.
    async fn killed(self) -> Self {
        let Self { bus, provider, service, directory, program, browser } = self;
        program.kill();
        bus.hold(None);
        let program = Program::start(directory.path(), &[], Stdio::null()).await;
        let again = browser.moved_to(&program.gateway);
        Self { bus, provider, service, directory, program, browser: again }
    }

    /// Signs in at the API; answers where the credentials are shown, unless the hold came first.
    pub(super) async fn sign_in(&mut self, hold: Option<Hold>) -> Option<String> {
        let state = depart(&mut self.browser, "/auth/api").await;
        self.bus.hold(hold);
        let kept = self.bus.unless_held(come_back(&mut self.browser, &state)).await?;
        assert_eq!(kept.status, 303, "{kept:?}");
        Some(kept.header("location").unwrap().to_owned())
    }

    /// Adds a device on the page of the credentials; answers the page that shows it, unless the hold came first.
    pub(super) async fn add_device(&mut self, home: &str, hold: Option<Hold>) -> Option<Answer> {
        let page = self.browser.get(home).await;
        self.bus.hold(hold);
        let form = format!("{home}/add-me");
        let added = self.bus.unless_held(self.browser.submit(&page, &form, &[])).await?;
        assert_eq!(added.status, 201, "{added:?}");
        Some(added)
    }

    async fn subscriptions(&self, by: &Device, uuid: &str) -> Vec<Value> {
        let list = send(self.bus.bus.by(by, &format!("GET /v2/devices/{uuid}/subscriptions"))).await;
        list.json().as_array().unwrap().clone()
    }

    /// What the credentials device hears.
    pub(super) async fn heard_by(&self, credentials: &str) -> Vec<Value> {
        self.subscriptions(&self.service, credentials).await
    }

    /// The devices for which this holds.
    pub(super) async fn devices(&self, is_one: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.bus.devices().await.into_iter().filter(is_one).collect()
    }

    /// The one device that keeps the account's credentials, with its own login; what it keeps is the newest pair of tokens.
    pub(super) async fn credentials(&self) -> Device {
        let service = json!([{"uuid": self.service.uuid}]);
        let devices =
            self.devices(|device| device["meshblu"]["whitelists"]["discover"]["as"] == service).await;
        assert_eq!(devices.len(), 1, "{devices:?}");
        let (endo, signature) = (&devices[0]["endo"], devices[0]["endoSignature"].as_str().unwrap());
        assert_eq!(endo["idKey"], vault().id_keys(&ResourceOwnerId::Number(583_231)).newest());
        let uuid = devices[0]["uuid"].as_str().unwrap().to_owned();
        let sealed = SealedText { endo: &endo.to_string(), signature };
        let opened = vault().open(&uuid.as_str().into(), sealed, Timestamp::from_millis(0)).unwrap();
        let newest = self.provider.token_requests();
        assert_eq!(opened.secret().expose(), format!("access-{newest}"));
        let heard = self.subscriptions(&self.service, &self.service.uuid).await;
        assert_eq!(heard.iter().filter(|heard| heard["emitterUuid"] == uuid).count(), 1, "{heard:?}");
        let token = opened.credentials_device_token().unwrap().expose().to_owned();
        Device { uuid, token }
    }

    /// Every pair of tokens that the API gave ends there but for the newest.
    async fn only_the_newest_tokens_live(&self) {
        let newest = self.provider.token_requests();
        let over: Vec<_> =
            (1..newest).flat_map(|n| [format!("refresh-{n}"), format!("access-{n}")]).collect();
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        while !over.iter().all(|token| self.provider.ended().contains(token)) {
            ticks.tick().await;
        }
        assert!(self.provider.takes(&format!("refresh-{newest}")), "{:?}", self.provider.ended());
    }

    /// What the owner's program is answered: `"GET /credentials/x"`.
    pub(super) async fn ask(&self, call: &str) -> Answer {
        self.ask_as(&self.bus.owner, call).await
    }

    /// The same of somebody else's.
    pub(super) async fn ask_as(&self, caller: &Device, call: &str) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let request = client.request(method.parse().unwrap(), format!("{}{path}", self.program.gateway));
        send(request.basic_auth(&caller.uuid, Some(&caller.token))).await
    }

    /// What the credentials device is answered that brings a message of the owner's to this device.
    pub(super) async fn brought(&self, credentials: &Device, user_device: &str) -> u16 {
        let message = json!({"metadata": {"jobType": "ListEventsByUser"}, "data": {"username": "octocat"}});
        self.brought_with(credentials, user_device, &message).await
    }

    /// The same of this message.
    pub(super) async fn brought_with(&self, credentials: &Device, user_device: &str, message: &Value) -> u16 {
        let hop = |from: &str, to: &str| json!({"from": from, "to": to, "type": "message.received"});
        let (owner, service) = (&self.bus.owner.uuid, &self.service.uuid);
        let route = json!([
            hop(owner, user_device),
            hop(user_device, &credentials.uuid),
            hop(&credentials.uuid, service),
            hop(service, service),
        ]);
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let request = client.post(format!("{}/v1/messages", self.program.gateway)).json(message);
        let request = request.basic_auth(&credentials.uuid, Some(&credentials.token));
        send(request.header("x-meshblu-route", route.to_string())).await.status.as_u16()
    }

    /// How many messages are on disk that have no end yet.
    pub(super) fn waiting(&self) -> i64 {
        let database = rusqlite::Connection::open(self.directory.path().join("endo.db")).unwrap();
        database.query_row("SELECT count(*) FROM deliveries", [], |row| row.get(0)).unwrap()
    }

    /// The names of all devices of this type.
    pub(super) async fn named(&self, kind: &str) -> Vec<String> {
        let found = self.devices(|device| device["type"] == kind).await;
        found.iter().map(|device| device["uuid"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_is_killed_at_any_call_of_the_bus_is_finished_by_the_next_one() {
    for moment in [Moment::Before, Moment::After] {
        for after in 0.. {
            let mut scene = Scene::set().await;
            if scene.sign_in(Some(Hold::after(after, moment))).await.is_some() {
                // Who it is, who may be that, then the search, the device, that it is heard, its token and its record.
                assert_eq!(after, 7);
                break;
            }
            let mut scene = scene.killed().await;
            let home = scene.sign_in(None).await.unwrap();
            let credentials = scene.credentials().await;
            assert_eq!(home, format!("/console/credentials/{}", credentials.uuid), "{moment:?} {after}");
            assert_eq!(scene.browser.get(&home).await.status, 200, "{moment:?} {after}");
            scene.only_the_newest_tokens_live().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_device_that_is_killed_at_any_call_of_the_bus_is_finished_by_the_next_attempt() {
    for moment in [Moment::Before, Moment::After] {
        for after in 0.. {
            let mut scene = Scene::set().await;
            let home = scene.sign_in(None).await.unwrap();
            if scene.add_device(&home, Some(Hold::after(after, moment))).await.is_some() {
                // Who it is, what the service says of itself, what broke off; then the device, its status device, what names
                // that, and its right.
                assert_eq!(after, 7);
                break;
            }
            let mut scene = scene.killed().await;
            let credentials = scene.credentials().await;
            let is_whole = (after, moment) == (6, Moment::After);
            for left in scene.named("endo:github").await {
                let answer = scene.brought(&credentials, &left).await;
                assert_eq!(answer, if is_whole { 201 } else { 403 }, "{moment:?} {after}");
            }
            let added = scene.add_device(&home, None).await.unwrap();
            let devices = scene.named("endo:github").await;
            assert_eq!(devices.len(), 1, "{moment:?} {after}");
            assert_eq!(scene.named("status-device").await.len(), 1, "{moment:?} {after}");
            assert!(added.text.contains(&devices[0]), "{added:?}");
            assert_eq!(scene.brought(&credentials, &devices[0]).await, 201, "{moment:?} {after}");
            let heard = scene.heard_by(&credentials.uuid).await;
            assert_eq!(heard.len(), 1, "{moment:?} {after}: {heard:?}");
            let page = scene.browser.get(&home).await;
            assert_eq!(page.text.matches("/cut-off\"").count(), 1, "{page:?}");
        }
    }
}
