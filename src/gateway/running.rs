//! A gateway at work: its listeners, its workers and their end.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::bus_client::bus_page;
use super::{Gateway, GatewayError, intake, static_schemas, url_of};
use crate::bus::Bus;
use crate::bus::embedded::api::{self, ApiLimits};
use crate::bus::embedded::{EmbeddedBus, WebhookSettings, Webhooks};
use crate::bus::meshblu::Meshblu;
use crate::bus::meshblu::firehose::{Firehose, Link};
use crate::config::{BusKind, Config, Intake};
use crate::credentials::CredentialsDevices;
use crate::dispatch::{Desk, Dispatch, Endings, Reception, Repeats, turns};
use crate::http::{
    Check, Documents, Draining, Flows, FrontDoor, Health, Limits, OneTimeLinks, SCHEMAS, Webhook,
};
use crate::store::{Feed, Store, Work};
use crate::telemetry::with_causes;

/// How often what is no longer kept is removed.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// How often it is looked which refresh tokens nobody holds any more.
const AN_HOUR: Duration = Duration::from_secs(60 * 60);
/// How long it stays known what became of those.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long those who read along may take to leave, where the work took all the time there was.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where a gateway listens.
#[derive(Debug)]
pub struct Listeners {
    /// The gateway's front door.
    pub gateway: TcpListener,
    /// The embedded bus's API; nothing where the bus is elsewhere.
    pub bus: Option<TcpListener>,
}

impl Listeners {
    /// Opens the addresses of the settings.
    ///
    /// # Errors
    /// [`GatewayError::Listen`] for the address that cannot be had.
    pub fn open(config: &Config) -> Result<Self, GatewayError> {
        let bus = match config.bus.kind {
            BusKind::Embedded => Some(listen(config.listen.bus)?),
            BusKind::Meshblu => None,
        };
        Ok(Self { gateway: listen(config.listen.gateway)?, bus })
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).map_err(|cause| GatewayError::Listen { address: address.to_string(), cause })
}

/// A gateway that works until it is stopped.
#[derive(Debug)]
pub struct Running {
    gateway: SocketAddr,
    bus: Option<SocketAddr>,
    network: Bus,
    credentials: CredentialsDevices,
    links: Option<OneTimeLinks>,
    reception: Option<Reception>,
    front: Serving,
    api: Option<Serving>,
    left: mpsc::Receiver<Infallible>,
    draining: Draining,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    drain_within: Duration,
}

/// Who works while the gateway runs, and what tells them that it stops.
struct Crew {
    workers: JoinSet<()>,
    stopped: watch::Receiver<bool>,
}

impl Gateway {
    /// Starts to listen and to work. Work that an earlier process left behind is taken up at once.
    ///
    /// # Errors
    /// [`GatewayError::Listen`]; [`GatewayError::Meshblu`] where that does not know the gateway.
    pub async fn start(&self, listeners: Listeners) -> Result<Running, GatewayError> {
        let gateway = address(&listeners.gateway)?;
        let documents = self.documents()?;
        let bus = listeners.bus.as_ref().map(address).transpose()?;
        let (stop, stopped) = watch::channel(false);
        let mut crew = Crew { workers: JoinSet::new(), stopped };
        let (feed, desk) = self.job_line(gateway);
        let (limits, turns) = (Limits::from(&self.config.http), turns(self.config.jobs.concurrency));
        let (mut reception, mut webhook, mut link) = (None, None, None);
        if let Bus::Meshblu(bus) = &self.bus {
            intake::introduce(bus, &self.store).await?;
            let desk = Reception::new(Arc::clone(&feed), Arc::clone(&desk), turns.clone(), self.buses_wait)
                .behind(limits.terms.connections.saturating_mul(limits.terms.workers));
            match self.config.bus.intake {
                Intake::Webhook => webhook = Some(self.posted_to(bus, &desk).await?),
                Intake::Firehose => link = Some(self.read_firehose(bus, &desk, &mut crew)),
            }
            reception = Some(desk);
        }
        let health = self.health(link);
        let draining = health.draining();
        let entrance = self.entrance(gateway, bus).await?.until(crew.stopped.clone());
        self.credentials.resume().await?;
        let (links, flows) = (entrance.links.clone(), entrance.flows.clone());
        let (presence, left) = mpsc::channel(1);
        let console = Some(self.console(gateway, entrance, &desk));
        let door = FrontDoor { webhook, console, ..self.door(documents, health, presence) };
        let front = crate::http::serve(listeners.gateway, door, limits).map_err(failed(gateway))?;
        let front = Serving::start(front);
        let api = listeners.bus.map(|listener| self.serve_bus(listener, &mut crew)).transpose()?.flatten();
        crew.workers.spawn(Dispatch::new(feed, desk, turns).run(crew.stopped.clone()));
        crew.workers.spawn(self.credentials.clone().look_after(crew.stopped.clone()));
        crew.workers.spawn(self.warn_of_missing_keys(crew.stopped.clone()));
        crew.workers.spawn(self.housekeeping(flows, crew.stopped));
        Ok(Running {
            gateway,
            bus,
            network: self.bus.clone(),
            credentials: self.credentials.clone(),
            links,
            reception,
            front,
            api,
            left,
            draining,
            stop,
            workers: crew.workers,
            drain_within: Duration::from_secs(self.config.http.drain_seconds),
        })
    }

    /// Serves the bus in this process, and has its webhooks called.
    fn serve_bus(&self, listener: TcpListener, crew: &mut Crew) -> Result<Option<Serving>, GatewayError> {
        let Bus::Embedded(network) = &self.bus else { return Ok(None) };
        let address = address(&listener)?;
        let known_as = bus_page(&self.config)?;
        let api = api::serve(listener, network.clone(), ApiLimits::from(&self.config), known_as);
        let api = Serving::start(api.map_err(failed(address))?);
        crew.workers.spawn(self.webhooks(network).run(crew.stopped.clone()));
        Ok(Some(api))
    }

    /// Where a Meshblu posts messages: signed for the address that others reach the gateway by.
    async fn posted_to(&self, bus: &Meshblu, reception: &Reception) -> Result<Webhook, GatewayError> {
        let verifier = intake::webhook_verifier(bus, &self.config, &self.ambient.clock).await?;
        let url = self.config.listen.public_url.as_deref().unwrap_or_default();
        let secure = url.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"));
        let scheme = if secure { "https" } else { "http" };
        Ok(Webhook::new(verifier, scheme, bus.clone(), reception.clone()))
    }

    /// Has messages read off a Meshblu's firehose; answers how the link stands.
    fn read_firehose(&self, bus: &Meshblu, reception: &Reception, crew: &mut Crew) -> watch::Receiver<Link> {
        let (events, arriving) = mpsc::channel(self.config.jobs.concurrency);
        let firehose = Firehose::new(bus.clone(), self.ambient.random.clone());
        let link = firehose.link();
        crew.workers.spawn(firehose.run(events, crew.stopped.clone()));
        let reception = reception.clone();
        crew.workers.spawn(async move { reception.receive_all(arriving).await });
        link
    }

    /// The queue of jobs, and who does them.
    fn job_line(&self, address: SocketAddr) -> (Arc<Feed>, Arc<Desk>) {
        let clock = self.ambient.clock.clone();
        let feed = Feed::new(self.store.clone(), Work::Job, clock, Arc::clone(&self.job_bell));
        (Arc::new(feed), Arc::new(self.desk(address)))
    }

    fn webhooks(&self, bus: &EmbeddedBus) -> Webhooks {
        let clock = self.ambient.clock.clone();
        let feed = Feed::new(self.store.clone(), Work::Webhook, clock, bus.webhook_bell());
        let settings = WebhookSettings::from(&self.config.webhooks);
        Webhooks::new(feed, bus.clone(), self.egress.clone(), settings)
    }

    fn desk(&self, address: SocketAddr) -> Desk {
        let service_url = self.look(&url_of(address)).service_url;
        Desk {
            bus: self.bus.clone(),
            store: self.store.clone(),
            credentials: self.credentials.clone(),
            registry: Arc::clone(&self.registry),
            workbench: self.workbench.clone(),
            repeats: Repeats { times: self.config.jobs.repeats, ..Repeats::default() },
            sign_in: self.source.has_sign_in().then(|| format!("{service_url}auth/api")),
            endings: Endings::default(),
            clock: self.ambient.clock.clone(),
            random: self.ambient.random.clone(),
        }
    }

    fn documents(&self) -> Result<Documents, GatewayError> {
        let registry = &self.registry;
        let documents =
            Documents::new(registry.form_schema(), registry.message_schema(), registry.response_schema())
                .with_schemas(SCHEMAS.iter().copied());
        match &self.config.jobs.static_schemas {
            Some(directory) => Ok(documents.with_schemas(static_schemas::in_directory(directory)?)),
            None => Ok(documents),
        }
    }

    /// The store is asked, and the link to a firehose where there is one.
    fn health(&self, link: Option<watch::Receiver<Link>>) -> Health {
        let store = self.store.clone();
        Health::new(move || {
            let store = store.clone();
            let link = link.as_ref().map(|link| link.borrow().clone());
            async move {
                let mut checks = vec![match store.has_room().await {
                    Ok(true) => Check::passed("store"),
                    Ok(false) => {
                        Check::failed("store").because("the database, or the disk that it is on, is full")
                    }
                    Err(_) => Check::failed("store").because("the database does not answer"),
                }];
                checks.extend(link.map(|link| match link {
                    Link::Up => Check::passed("firehose"),
                    Link::Beginning => Check::failed("firehose").because("the link to the Meshblu is down"),
                    Link::Down(cause) => {
                        Check::failed("firehose").because(format!("the link to the Meshblu is down: {cause}"))
                    }
                }));
                checks
            }
        })
    }

    fn housekeeping(
        &self,
        flows: Flows,
        mut stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + use<> {
        let (store, bus, clock) = (self.store.clone(), self.bus.clone(), self.ambient.clock.clone());
        let sessions = self.sessions();
        let (days, rows) = (self.config.store.keep_days, self.config.store.keep_rows);
        let kept = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        let mut looked_at = clock.now();
        async move {
            learn_names(&store, &bus).await;
            while tokio::time::timeout(HOUSEKEEPING, stopped.wait_for(|stop| *stop)).await.is_err() {
                if let Err(error) = store.forget_old(clock.now().minus(kept), rows).await {
                    tracing::warn!(error = with_causes(&error), "old outcomes stay for now");
                }
                learn_names(&store, &bus).await;
                let now = clock.now();
                // It looks at all that are older than a day, also at those that are in use.
                if now.since(looked_at) >= AN_HOUR || now < looked_at {
                    looked_at = now;
                    if let Err(error) = store.forget_old_refresh_tokens(now.minus(A_DAY)).await {
                        tracing::warn!(
                            error = with_causes(&error),
                            "what is known of old refresh tokens stays for now"
                        );
                    }
                }
                if let Err(error) = sessions.forget_old().await.and(flows.forget_old().await) {
                    tracing::warn!(error = with_causes(&error), "old sessions stay for now");
                }
                if let Bus::Embedded(network) = &bus
                    && let Err(error) = network.forget_old_sign_ins().await
                {
                    tracing::warn!(error = with_causes(&error), "old sign-ins stay for now");
                }
            }
        }
    }
}

/// Buses elsewhere name what they bring, and bring it again: what is new is known at once by that.
async fn learn_names(store: &Store, bus: &Bus) {
    if bus.meshblu().is_some()
        && let Err(error) = store.learn_names().await
    {
        tracing::warn!(error = with_causes(&error), "each message is looked for on the disk for now");
    }
}

/// A server at work; it ends when dropped.
#[derive(Debug)]
struct Serving {
    handle: ServerHandle,
    task: JoinSet<()>,
}

impl Serving {
    fn start(server: Server) -> Self {
        let (handle, mut task) = (server.handle(), JoinSet::new());
        task.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(error = with_causes(&error), "a listener ended");
            }
        });
        Self { handle, task }
    }

    /// Takes no connection any more, and finishes the requests that it has.
    async fn stop(&mut self) {
        self.handle.stop(true).await;
        while self.task.join_next().await.is_some() {}
    }
}

fn failed(address: SocketAddr) -> impl FnOnce(std::io::Error) -> GatewayError {
    move |cause| GatewayError::Listen { address: address.to_string(), cause }
}

fn address(listener: &TcpListener) -> Result<SocketAddr, GatewayError> {
    listener
        .local_addr()
        .map_err(|cause| GatewayError::Listen { address: "an address of its own".to_owned(), cause })
}

impl Running {
    /// Where the front door listens.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Where the embedded bus's API listens, if there is one.
    pub fn bus(&self) -> Option<SocketAddr> {
        self.bus
    }

    /// A new link that signs the first owner in, for their eyes alone; the one before ends. None where there is no first
    /// owner, or others may reach the gateway.
    pub fn sign_in_link(&self) -> Option<String> {
        self.links.as_ref().map(OneTimeLinks::make)
    }

    /// Where such links are made, if any are.
    pub fn sign_in_links(&self) -> Option<OneTimeLinks> {
        self.links.clone()
    }

    /// Stops: takes nothing new in hand, finishes what it has, and leaves the rest in the store. Who reads along on the
    /// embedded bus does so until the work is finished, and gets what came of it.
    pub async fn stop(mut self) {
        self.draining.begin();
        let _ = self.stop.send(true);
        let until = Instant::now() + self.drain_within;
        let is_finished = timeout_at(until, self.finish()).await.is_ok();
        let is_over = timeout_at(until.max(Instant::now() + FAREWELL), self.close()).await.is_ok();
        if !is_finished || !is_over {
            tracing::warn!("some work was not finished in time; it is done after the next start");
        }
    }

    async fn finish(&mut self) {
        // Before the front door: what came in by it is worked on where it runs.
        if let Some(reception) = &self.reception {
            reception.finish().await;
        }
        let working = async { while self.workers.join_next().await.is_some() {} };
        tokio::join!(self.front.stop(), working);
        // What these began, and nobody waits for.
        self.credentials.until_answered().await;
    }

    async fn close(&mut self) {
        // What was worked on to the end has used credentials, too.
        self.credentials.note_uses().await;
        if let (Bus::Embedded(network), Some(api)) = (&self.network, &mut self.api) {
            network.close_streams();
            api.stop().await;
        }
        self.left.recv().await;
    }
}
