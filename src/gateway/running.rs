//! A gateway at work: its listeners, its workers and their end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Gateway, GatewayError};
use crate::bus::embedded::EmbeddedBus;
use crate::bus::embedded::api::{self, ApiLimits};
use crate::bus::embedded::{WebhookSettings, Webhooks};
use crate::dispatch::{Desk, Dispatch, Retry};
use crate::http::{Check, Documents, Draining, FrontDoor, Health, Limits, SCHEMAS};
use crate::store::{Feed, Work};

/// How often what is no longer kept is removed.
const HOUSEKEEPING: Duration = Duration::from_secs(10);

/// Where a gateway listens.
#[derive(Debug)]
pub struct Listeners {
    /// The gateway's front door.
    pub gateway: TcpListener,
    /// The embedded bus's API.
    pub bus: TcpListener,
}

impl Listeners {
    /// Opens the addresses of the settings.
    ///
    /// # Errors
    /// [`GatewayError::Listen`] for the address that cannot be had.
    pub fn open(gateway: SocketAddr, bus: SocketAddr) -> Result<Self, GatewayError> {
        Ok(Self { gateway: listen(gateway)?, bus: listen(bus)? })
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).map_err(|cause| GatewayError::Listen { address: address.to_string(), cause })
}

/// A gateway that works until it is stopped.
#[derive(Debug)]
pub struct Running {
    gateway: SocketAddr,
    bus: SocketAddr,
    network: EmbeddedBus,
    servers: Vec<actix_web::dev::ServerHandle>,
    draining: Draining,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    drain_within: Duration,
}

impl Gateway {
    /// Starts to listen and to work. Work that an earlier process left behind is taken up at once.
    ///
    /// # Errors
    /// [`GatewayError::Listen`].
    pub fn start(&self, listeners: Listeners) -> Result<Running, GatewayError> {
        let addresses = (address(&listeners.gateway)?, address(&listeners.bus)?);
        let health = self.health();
        let draining = health.draining();
        let door = FrontDoor {
            documents: self.documents(),
            health,
            version: env!("CARGO_PKG_VERSION"),
            clock: self.ambient.clock.clone(),
            random: self.ambient.random.clone(),
        };
        let failed =
            |address: SocketAddr| move |cause| GatewayError::Listen { address: address.to_string(), cause };
        let front = crate::http::serve(listeners.gateway, door, Limits::from(&self.config.http))
            .map_err(failed(addresses.0))?;
        let bus = api::serve(listeners.bus, self.bus.clone(), ApiLimits::from(&self.config))
            .map_err(failed(addresses.1))?;
        let servers = vec![front.handle(), bus.handle()];
        let (stop, stopped) = watch::channel(false);
        let mut workers = JoinSet::new();
        for server in [front, bus] {
            workers.spawn(async move {
                if let Err(error) = server.await {
                    tracing::error!(error = &error as &dyn std::error::Error, "a listener ended");
                }
            });
        }
        self.start_workers(&mut workers, &stopped);
        let (gateway, bus) = addresses;
        let drain_within = Duration::from_secs(self.config.http.drain_seconds);
        let network = self.bus.clone();
        Ok(Running { gateway, bus, network, servers, draining, stop, workers, drain_within })
    }

    fn start_workers(&self, workers: &mut JoinSet<()>, stopped: &watch::Receiver<bool>) {
        let store = self.bus.store();
        let clock = self.ambient.clock.clone();
        let jobs = Feed::new(store.clone(), Work::Job, (clock.clone(), self.bus.job_bell()));
        let concurrency = self.config.jobs.concurrency;
        workers.spawn(Dispatch::new(jobs, self.desk(), concurrency).run(stopped.clone()));
        let hooks = Feed::new(store.clone(), Work::Webhook, (clock, self.bus.webhook_bell()));
        let settings = WebhookSettings::from(&self.config.webhooks);
        let webhooks = Webhooks::new(hooks, self.bus.clone(), (self.egress.clone(), settings));
        workers.spawn(webhooks.run(stopped.clone()));
        workers.spawn(self.housekeeping(stopped.clone()));
    }

    fn desk(&self) -> Desk {
        Desk {
            bus: self.bus.clone(),
            credentials: self.credentials.clone(),
            registry: Arc::clone(&self.registry),
            workbench: self.workbench.clone(),
            retry: Retry::default(),
            clock: self.ambient.clock.clone(),
            random: self.ambient.random.clone(),
        }
    }

    fn documents(&self) -> Documents {
        let registry = &self.registry;
        Documents::new(registry.form_schema(), registry.message_schema(), registry.response_schema())
            .with_schemas(SCHEMAS.iter().copied())
    }

    fn health(&self) -> Health {
        let store = self.bus.store().clone();
        Health::new(move || {
            let store = store.clone();
            async move {
                vec![match store.has_room().await {
                    Ok(true) => Check::passed("store"),
                    Ok(false) => Check::failed("store").because("the database is full"),
                    Err(_) => Check::failed("store").because("the database does not answer"),
                }]
            }
        })
    }

    fn housekeeping(&self, mut stopped: watch::Receiver<bool>) -> impl Future<Output = ()> + use<> {
        let (store, clock) = (self.bus.store().clone(), self.ambient.clock.clone());
        let (days, rows) = (self.config.store.keep_days, self.config.store.keep_rows);
        let kept = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        async move {
            while tokio::time::timeout(HOUSEKEEPING, stopped.wait_for(|stop| *stop)).await.is_err() {
                if let Err(error) = store.forget_old(clock.now().minus(kept), rows).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old outcomes stay for now");
                }
            }
        }
    }
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

    /// Where the bus's API listens.
    pub fn bus(&self) -> SocketAddr {
        self.bus
    }

    /// Stops: takes nothing new, finishes what it has in hand, and leaves the rest in the store.
    pub async fn stop(mut self) {
        self.draining.begin();
        let _ = self.stop.send(true);
        self.network.close_streams();
        let finish = async {
            for server in &self.servers {
                server.stop(true).await;
            }
            while self.workers.join_next().await.is_some() {}
        };
        if tokio::time::timeout(self.drain_within, finish).await.is_err() {
            tracing::warn!("some work was not finished in time; it is done after the next start");
        }
    }
}
