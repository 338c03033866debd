//! Everybody who takes part: gateway and bus, a flow, credentials, a user device, and the API behind them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::ambient::Random;
use crate::bus::Login;
use crate::cli::bus_client::{BusClient, Listening};
use crate::cli::operation::{AddedDevice, HandedSecret, NewCredentials, NewDevice, Operation};
use crate::cli::serve::Service;
use crate::cli::{CommandError, StandIn};
use crate::config::{BusKind, Config, Effective};
use crate::message::DeviceUuid;
use crate::store::{StoreError, Work};

/// The longest that one reply may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The API that jobs talk to.
pub(super) enum Api {
    /// The one on this machine.
    StandIn(StandIn),
    /// GitHub itself.
    Real,
}

impl Api {
    /// GitHub where there is a token for it, else a stand-in; and the token it takes.
    pub(super) async fn choose(
        settings: &Effective,
        random: &Random,
    ) -> Result<(Self, HandedSecret), CommandError> {
        if let Some(token) = &settings.config.github.token {
            return Ok((Self::Real, HandedSecret::from(token.expose().to_owned())));
        }
        let token = random.token();
        let stand_in = StandIn::start(token.clone()).await?;
        Ok((Self::StandIn(stand_in), HandedSecret::from(token)))
    }

    /// A user whose events this API answers with an error.
    pub(super) fn troubled_user(&self) -> &'static str {
        match self {
            Self::StandIn(_) => "broken",
            // GitHub takes no name with two hyphens in a row.
            Self::Real => "no--such--user",
        }
    }

    fn settings(&self, settings: &Effective, directory: &Path) -> Config {
        let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
        config.listen.gateway = free;
        config.listen.bus = free;
        config.listen.public_url = None;
        config.bus.kind = BusKind::Embedded;
        config.records.private_key = None;
        match self {
            Self::StandIn(stand_in) => config.source.base_url = Some(stand_in.url()),
            Self::Real => config.source = settings.config.source.clone(),
        }
        config
    }
}

/// The stage, with everybody on it.
pub(super) struct Stage {
    pub(super) service: Service,
    pub(super) api: Api,
    pub(super) flow: Login,
    pub(super) user_device: AddedDevice,
    bus: BusClient,
    listening: Listening,
    sent: u32,
}

/// A message and what came of it.
pub(super) struct Exchange {
    pub(super) message: Value,
    pub(super) reply: Value,
    pub(super) took: Duration,
}

impl Stage {
    /// Starts gateway and bus, registers the flow, keeps the credentials and makes the user device.
    pub(super) async fn set(
        settings: &Effective,
        directory: &Path,
        api: Api,
        secret: HandedSecret,
    ) -> Result<Self, CommandError> {
        let service = Service::start(api.settings(settings, directory)).await?;
        let bus = BusClient::new(service.addresses().bus.clone())?;
        let flow = bus.register(&flow_document()).await?;
        let listening = bus.listen(&flow).await?;
        let account = NewCredentials {
            id: "583231".to_owned(),
            username: Some("octocat".to_owned()),
            owner: None,
            secret,
            refresh_token: None,
            expires_in: None,
        };
        perform::<DeviceUuid>(&service, Operation::AddCredentials(account)).await?;
        let user_device = add_device(&service).await?;
        let stage = Self { service, api, flow, user_device, bus, listening, sent: 0 };
        stage.introduce().await?;
        Ok(stage)
    }

    /// Flow and user device accept messages from each other, as a designer of flows arranges it.
    async fn introduce(&self) -> Result<(), CommandError> {
        let user_device = &self.user_device.uuid;
        self.bus.accept(&self.flow, &self.flow.uuid, user_device).await?;
        Ok(self.bus.accept(&self.owner(), user_device, &self.flow.uuid).await?)
    }

    fn owner(&self) -> Login {
        let owner = self.service.gateway().owner.as_ref().expect("the stage has a bus of its own");
        Login { uuid: owner.uuid.clone(), token: Zeroizing::new(owner.token.clone()) }
    }

    /// The flow sends a message to the user device and waits for the reply.
    pub(super) async fn exchange(&mut self, job_type: &str, data: Value) -> Result<Exchange, CommandError> {
        let message = self.message(job_type, data);
        let began = Instant::now();
        self.bus.send(&self.flow, &message).await?;
        let reply = self.listening.reply(&message["metadata"]["respondTo"]);
        let late = |_| CommandError::NoReply { to: self.user_device.uuid.to_string(), waited: PATIENCE };
        let reply = timeout(PATIENCE, reply).await.map_err(late)??;
        Ok(Exchange { message, reply, took: began.elapsed() })
    }

    fn message(&mut self, job_type: &str, data: Value) -> Value {
        self.sent += 1;
        json!({
            "devices": [self.user_device.uuid],
            "metadata": {"jobType": job_type, "respondTo": format!("message {}", self.sent)},
            "data": data,
        })
    }

    /// The last error that the user device's status device keeps, as its owner sees it over HTTP.
    pub(super) async fn last_error(&self) -> Result<Value, CommandError> {
        let status = self.bus.device(&self.owner(), self.user_device.status_device.as_str()).await?;
        let errors = status["status"]["errors"].as_array();
        Ok(errors.and_then(|errors| errors.last()).cloned().unwrap_or_default())
    }

    /// Takes the user device's right away.
    pub(super) async fn revoke(&self) -> Result<(), CommandError> {
        let operation = Operation::RevokeDevice(self.user_device.uuid.clone());
        perform::<Value>(&self.service, operation).await.map(drop)
    }

    /// Sends a message that is to come to nothing; answers it, and what the flow received instead.
    ///
    /// Work and its reply are one commit, as are an accepted message and the work it makes. So when the bus has taken
    /// the message and no work waits, a reply, if there is any, stands in the stream already: before a marker that the
    /// flow sends to itself now.
    pub(super) async fn unanswered(
        &mut self,
        job_type: &str,
        data: Value,
    ) -> Result<(Value, Vec<Value>), CommandError> {
        let message = self.message(job_type, data);
        self.bus.send(&self.flow, &message).await?;
        if self.work_waits().await? {
            return Err(CommandError::Demonstration("the message of a revoked device made work".to_owned()));
        }
        let marker = json!({"devices": [self.flow.uuid], "metadata": {"to": "marker"}});
        self.bus.send(&self.flow, &marker).await?;
        let mut received = Vec::new();
        loop {
            let next = timeout(PATIENCE, self.listening.next()).await;
            let next = next.map_err(|_| CommandError::Demonstration("the marker is lost".to_owned()))??;
            if next["metadata"]["to"] == "marker" {
                return Ok((message, received));
            }
            received.push(next);
        }
    }

    async fn work_waits(&self) -> Result<bool, CommandError> {
        let store = &self.service.gateway().store;
        let waiting = store.read::<_, StoreError, _>(|view| view.waiting(Work::Job)).await;
        Ok(waiting.map_err(crate::gateway::GatewayError::from)? > 0)
    }

    /// Ends everything.
    pub(super) async fn clear(self) {
        drop(self.listening);
        self.service.stop().await;
        if let Api::StandIn(stand_in) = self.api {
            stand_in.stop().await;
        }
    }
}

/// A user device for the only credentials, owned by the first owner.
pub(super) async fn add_device(service: &Service) -> Result<AddedDevice, CommandError> {
    let new = NewDevice { credentials: None, owner: None, name: Some("octocat's GitHub".to_owned()) };
    perform(service, Operation::AddDevice(new)).await
}

async fn perform<T: DeserializeOwned>(service: &Service, operation: Operation) -> Result<T, CommandError> {
    let answer = service.perform(operation).await?;
    serde_json::from_value(answer).map_err(|_| CommandError::OtherVersion)
}

fn flow_document() -> Value {
    json!({"type": "device:flow", "name": "a flow", "meshblu": {"version": "2.0.0", "whitelists": {}}})
}
