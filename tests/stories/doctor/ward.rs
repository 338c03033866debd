//! A service on a Meshblu, which is the embedded bus of another gateway, and the doctor who is called to it.

use std::process::Output;
use std::sync::Arc;

use endo::cli::Exit;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::support::bus::{Device, WithJson, send};
use crate::support::gateway::TestGateway;
use crate::support::shell::{Shell, ended, stdout};

pub(crate) const PUBLIC: &str = "https://endo.example";
pub(crate) const WEBHOOK: &str = "https://endo.example/v2/messages";

/// The webhooks of what the service device receives.
pub(crate) const LIST: &str = "meshblu.forwarders.message.received";

/// The program, with what it is told of its bus.
#[derive(Clone)]
pub(crate) struct Patient {
    pub(crate) shell: Arc<Shell>,
    pub(crate) settings: Vec<(String, String)>,
}

impl Patient {
    /// A gateway on the bus at `url`.
    pub(crate) fn on(url: &str, service: &Device) -> Self {
        let settings = [
            ("ENDO_BUS_KIND", "meshblu"),
            ("ENDO_BUS_URL", url),
            ("ENDO_BUS_UUID", &service.uuid),
            ("ENDO_BUS_TOKEN", &service.token),
            ("ENDO_LISTEN_PUBLIC_URL", PUBLIC),
        ];
        let settings = settings.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        Self { shell: Arc::new(Shell::with_key()), settings }
    }

    /// The same with a setting changed.
    pub(crate) fn set(mut self, name: &str, text: &str) -> Self {
        self.settings.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The same without a setting.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self
    }

    pub(crate) async fn doctor(&self, words: &'static [&'static str]) -> Output {
        let patient = self.clone();
        let run = move || {
            let mut command = patient.shell.command(&["doctor"]);
            command.args(words).envs(patient.settings).output().unwrap()
        };
        spawn_blocking(run).await.unwrap()
    }

    /// The names of the checks that find something.
    pub(crate) async fn ails(&self) -> Vec<String> {
        let output = self.doctor(&["--json"]).await;
        let ailing = ailing(&output);
        assert!(ended(&output, if ailing.is_empty() { Exit::Ok } else { Exit::Unwell }), "{output:?}");
        ailing
    }

    /// Has all of it changed, and finds it well.
    pub(crate) async fn is_cured(&self) {
        let output = self.doctor(&["--fix", "--yes"]).await;
        assert!(ended(&output, Exit::Ok), "{output:?}");
        assert_eq!(self.ails().await, [""; 0]);
    }
}

pub(crate) fn checks(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ailing(output: &Output) -> Vec<String> {
    let wrong = checks(output).into_iter().filter(|check| check["verdict"] == "wrong");
    wrong.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

/// The bus, the service and its gateway, all of it well.
pub(crate) struct Ward {
    pub(crate) bus: TestGateway,
    pub(crate) service: Device,
    pub(crate) patient: Patient,
}

impl Ward {
    pub(crate) async fn open() -> Self {
        let ward = Self::fresh().await;
        let options = json!({"name": "Endo", "imageUrl": "https://x.example/y.png", "callbackUrl": "https://endo.example/auth/octoblu/callback"});
        ward.change(json!({"$set": {"options": options}})).await;
        ward.patient.is_cured().await;
        ward
    }

    /// The service as it was registered, with nothing done yet.
    pub(crate) async fn fresh() -> Self {
        let bus = TestGateway::open("http://127.0.0.1:9").await;
        let document =
            json!({"type": "device:oauth", "discoverWhitelist": ["u"], "configureWhitelist": ["u"]});
        let nobody = Device { uuid: String::new(), token: String::new() };
        let registered = send(bus.by(&nobody, "POST /devices").json(&document)).await.json();
        let text = |name: &str| registered[name].as_str().unwrap().to_owned();
        let service = Device { uuid: text("uuid"), token: text("token") };
        let patient = Patient::on(&format!("http://{}", bus.running.bus().unwrap()), &service);
        Self { bus, service, patient }
    }

    pub(crate) async fn change(&self, update: Value) {
        self.bus.update(&self.service, &self.service.uuid, update).await;
    }

    pub(crate) async fn document(&self) -> Value {
        self.bus.device(&self.service, &self.service.uuid).await
    }

    /// What stands in the place of the webhooks.
    pub(crate) async fn received(&self) -> Value {
        self.document().await["meshblu"]["forwarders"]["message"]["received"].clone()
    }

    pub(crate) async fn forget_itself(&self) {
        let itself = format!("DELETE /v2/devices/{0}/subscriptions/{0}/message.received", self.service.uuid);
        send(self.bus.by(&self.service, &itself)).await.is(204, "");
    }
}

pub(crate) fn webhook(url: &str) -> Value {
    json!({"type": "webhook", "url": url, "method": "POST", "signRequest": true})
}
