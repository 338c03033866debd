//! The front door of a gateway, and what people's browsers come in by.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{FirstOwner, Gateway, GatewayError, in_the_clear, url_of};
use crate::bus::Login;
use crate::dispatch::{Desk, Exchange};
use crate::http::{
    Console, Documents, Entrance, Flows, FrontDoor, Health, Jobs, Mount, OneTimeLinks, Owners, Presence,
    Proof, Sessions, Way, keeps_sign_ins,
};
use crate::source;
use crate::store::StoreError;
use crate::telemetry::with_causes;

impl Gateway {
    /// A front door that serves documents alone.
    pub(super) fn door(&self, documents: Documents, health: Health, presence: Presence) -> FrontDoor {
        FrontDoor {
            documents,
            health,
            version: env!("CARGO_PKG_VERSION"),
            clock: self.ambient.clock.clone(),
            random: self.ambient.random.clone(),
            webhook: None,
            console: None,
            presence,
        }
    }

    /// What people come in for at a gateway that listens at `address` and answers messages at `desk`.
    pub(super) fn console(&self, address: SocketAddr, entrance: Entrance, desk: &Desk) -> Console {
        Console {
            owners: Owners {
                credentials: self.credentials.clone(),
                look: self.look(&url_of(address)),
                proof_age: Duration::from_secs(self.config.credentials.reauthentication),
                proof: self.proof(),
            },
            entrance,
            jobs: Jobs {
                registry: Arc::clone(&self.registry),
                exchange: Exchange::at(desk),
                patience: self.pages_wait,
            },
        }
    }

    /// The entrance of a gateway that listens at `address`. Where others may reach it, nobody is signed in by a link.
    ///
    /// # Errors
    /// [`GatewayError`], where people cannot sign in with the bus as the settings say.
    pub(super) async fn entrance(
        &self,
        address: SocketAddr,
        bus: Option<SocketAddr>,
    ) -> Result<Entrance, GatewayError> {
        in_the_clear::warn(&self.config);
        let service_url = self.look(&url_of(address)).service_url;
        let (clock, random) = (&self.ambient.clock, &self.ambient.random);
        let owner = self.owner.as_ref().filter(|_| address.ip().is_loopback());
        let links = owner.map(|_| {
            // It may be another token by then.
            let directory = self.config.data_dir.clone();
            let login = move || login_in(&directory);
            // By an address where no browser keeps it, a link would be used up for nothing, and in clear.
            let opened_at = match keeps_sign_ins(&service_url) {
                true => service_url.clone(),
                false => format!("{}/", url_of(address)),
            };
            OneTimeLinks::new(login, opened_at, clock.clone(), random.clone())
        });
        Ok(Entrance {
            sessions: self.sessions(),
            flows: self.flows().await?,
            bus: self.bus_provider(&service_url, bus).await?,
            credentials: self.credentials.clone(),
            api: self.source.title.clone(),
            way: self.way(),
            links,
            mount: Mount::of(&service_url),
            service_url,
            is_told: self.config.listen.public_url.is_some() || !address.ip().is_unspecified(),
        })
    }

    fn way(&self) -> Way {
        match &self.source.way {
            source::Way::OAuth2User(_) => Way::SignIn(self.source.oauth2_client(&self.egress)),
            source::Way::Passthru => Way::Nothing,
            source::Way::Static => Way::Key,
        }
    }

    fn proof(&self) -> Proof {
        match &self.source.way {
            source::Way::OAuth2User(None) => Proof::Impossible,
            source::Way::OAuth2User(Some(_)) | source::Way::Passthru => Proof::SignIn,
            source::Way::Static => Proof::Key,
        }
    }

    /// Who is about to be signed in.
    async fn flows(&self) -> Result<Flows, StoreError> {
        Flows::open(self.store.clone(), self.ambient.clock.clone(), self.ambient.random.clone()).await
    }

    /// Who is signed in.
    pub(super) fn sessions(&self) -> Sessions {
        Sessions::new(self.store.clone(), self.ambient.clock.clone(), self.ambient.random.clone())
    }
}

/// What signs the first owner in whom the directory's file names now.
fn login_in(directory: &Path) -> Option<Login> {
    let owner = FirstOwner::read(directory).inspect_err(|error| {
        tracing::error!(error = with_causes(error), "nobody can tell whom a link signs in");
    });
    Some(owner.ok()??.login())
}
