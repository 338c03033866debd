//! Putting the parts together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;
use tokio::sync::Notify;

use super::first_start::first_owner;
use super::jobs::registry;
use super::{FirstOwner, GatewayError, bus_keys, exposure, home_bus, key_file, keys, made_anew, translate};
use crate::ambient::{Ambient, Stopwatch};
use crate::bus::Bus;
use crate::bus::embedded::{EmbeddedBus, Ground, Signers};
use crate::bus::meshblu::Meshblu;
use crate::config::{BusKind, Config};
use crate::credentials::{
    self, CredentialsDevices, CredentialsError, NewUserDevice, Sealing, UserDeviceLook,
};
use crate::egress::{Egress, HostList, Lookup};
use crate::job::{Registry, Workbench};
use crate::message::DeviceUuid;
use crate::source::renewal::Upstream;
use crate::source::{Catalogue, Source};
use crate::store::Store;
use crate::vault::Vault;

/// How long pages wait for a reply: longer than most jobs take, and shorter than browsers and proxies do.
const PAGES_WAIT: Duration = Duration::from_secs(20);
/// A Meshblu gives up after 15 s (`spec/meshblu.md` 5.4): no longer than that, with what a message takes to come in. One
/// that still listens loses nothing by it.
const BUSES_WAIT: Duration = Duration::from_secs(14);

/// A gateway whose parts stand, before it listens to anybody.
#[derive(Debug)]
pub struct Gateway {
    /// The settings it was made from.
    pub config: Config,
    /// Its time and randomness.
    pub ambient: Ambient,
    /// Where its state and its work are kept.
    pub store: Store,
    /// Its device network.
    pub bus: Bus,
    /// Rung when there may be a job to do.
    pub job_bell: Arc<Notify>,
    /// The keys of its records.
    pub vault: Arc<Vault>,
    /// Its credentials devices.
    pub credentials: CredentialsDevices,
    /// Its jobs.
    pub registry: Arc<Registry>,
    /// What jobs work with.
    pub workbench: Workbench,
    /// What webhooks leave by.
    pub egress: Egress,
    /// The API that its credentials are for.
    pub source: Source,
    /// Who sends and owns where nobody else is named; nobody on a Meshblu.
    pub owner: Option<FirstOwner>,
    /// How long its pages wait for the reply to a message.
    pub pages_wait: Duration,
    /// How long a bus elsewhere waits for the answer to a message that it posts.
    pub buses_wait: Duration,
}

impl Gateway {
    /// Puts a gateway together; on the first start makes what a data directory needs.
    ///
    /// # Errors
    /// [`GatewayError`], one sentence for the operator.
    pub async fn open(config: Config, ambient: Ambient) -> Result<Self, GatewayError> {
        make_directory(&config.data_dir)?;
        let egress = Egress::new(translate::egress(&config), Lookup::system())?;
        let source = Source::settle(&config.source, &Catalogue::embedded())?;
        // Before any key is made: whoever has the store has the directory, and nobody else writes in it.
        let store = Store::open(&translate::store(&config))?;
        home_bus::settle(&config, &store).await?;
        let lost = made_anew::lost(&config, &store).await?;
        let registry = registry(&config, &source, egress.clone(), &ambient)?;
        // Made while the ring is: on the first start both take their time.
        let signing = (config.bus.kind == BusKind::Embedded)
            .then(|| bus_keys::signers(&config.data_dir, &ambient.random));
        let ring = key_file::key_ring(&config, &store, &ambient.random).await;
        // Whatever came of the ring: whoever tries again makes no files that this is making.
        let signers = OptionFuture::from(signing.map(bus_keys::read_or_made)).await.transpose();
        let vault = Arc::new(Vault::new(ring?, ambient.random.clone(), translate::remember(&config)));
        let bus = match signers? {
            Some(signers) => embedded(&store, &ambient, signers).await?,
            None => elsewhere(&config, &egress, &ambient)?,
        };
        let owner = operator(&bus, &config.data_dir).await?;
        warn_of_files(&config, &lost)?;
        let format = translate::format(&config, keys::was_migrated(&store).await?);
        let sealing = Sealing { hosts: source.hosts.clone(), realm: source.realm.clone(), format };
        let client = source.oauth2_client(&egress);
        let credentials = CredentialsDevices::new(ground(&bus, &store, &vault, &ambient), sealing)
            .telling(client.clone())
            .renewing(client.map(Upstream::from), ambient.random.clone())
            .operated_by(owner.as_ref().map(|owner| owner.uuid.clone()));
        credentials.learn_what_was_before().await?;
        let workbench =
            Workbench::new(egress.clone(), source.base_url.clone(), HostList::parse(&source.hosts)?);
        Ok(Self {
            config,
            ambient,
            store,
            job_bell: bus.embedded().map(|bus| bus.job_bell()).unwrap_or_default(),
            bus,
            vault,
            credentials,
            registry: Arc::new(registry),
            workbench,
            egress,
            source,
            owner,
            pages_wait: PAGES_WAIT,
            buses_wait: BUSES_WAIT,
        })
    }

    /// The bus of these settings; all that there is of a gateway whose key is missing or no good.
    ///
    /// # Errors
    /// [`GatewayError`] where the bus in this process does not open, or the settings do not say where another is, or who the
    /// gateway is there.
    pub async fn bus_alone(config: &Config, ambient: &Ambient) -> Result<Bus, GatewayError> {
        match config.bus.kind {
            BusKind::Embedded => {
                let store = Store::open(&translate::store(config))?;
                let signing = bus_keys::signers(&config.data_dir, &ambient.random);
                embedded(&store, ambient, bus_keys::read_or_made(signing).await?).await
            }
            BusKind::Meshblu => {
                elsewhere(config, &Egress::new(translate::egress(config), Lookup::system())?, ambient)
            }
        }
    }

    /// What the user devices of this gateway look like, which listens at `gateway_url` unless the settings know better.
    pub fn look(&self, gateway_url: &str) -> UserDeviceLook {
        let public_url = self.config.listen.public_url.as_deref().unwrap_or(gateway_url);
        UserDeviceLook {
            device_type: format!("endo:{}", self.source.name),
            service_url: format!("{}/", public_url.trim_end_matches('/')),
            first_owner: self.owner.as_ref().map(|owner| owner.uuid.clone()),
        }
    }

    /// What a new user device of this gateway looks like, owned by `owner`.
    ///
    /// # Errors
    /// [`CredentialsError`], where the bus does not tell what the service looks like.
    pub async fn user_device(
        &self,
        name: Option<String>,
        owner: DeviceUuid,
        gateway_url: &str,
    ) -> Result<NewUserDevice, CredentialsError> {
        self.credentials.dress(&self.look(gateway_url), name, owner).await
    }
}

fn elsewhere(config: &Config, egress: &Egress, ambient: &Ambient) -> Result<Bus, GatewayError> {
    let settings = translate::meshblu(&config.bus)?;
    Ok(Bus::Meshblu(Meshblu::new(settings, egress, ambient.clock.clone())))
}

fn ground(bus: &Bus, store: &Store, vault: &Arc<Vault>, ambient: &Ambient) -> credentials::Ground {
    let (bus, store, clock) = (bus.clone(), store.clone(), ambient.clock.clone());
    credentials::Ground { bus, store, vault: Arc::clone(vault), clock }
}

/// The bus of this process.
async fn embedded(store: &Store, ambient: &Ambient, signers: Signers) -> Result<Bus, GatewayError> {
    let (Ambient { clock, random }, store) = (ambient.clone(), store.clone());
    let ground = Ground { store, clock, random, stopwatch: Stopwatch::of_threads(), signers };
    Ok(Bus::Embedded(EmbeddedBus::open(ground).await?))
}

/// Who owns what the operator makes: nobody on a bus elsewhere.
async fn operator(bus: &Bus, data_dir: &Path) -> Result<Option<FirstOwner>, GatewayError> {
    match bus {
        Bus::Embedded(bus) => Ok(Some(first_owner(data_dir, bus).await?)),
        Bus::Meshblu(_) => Ok(None),
    }
}

/// What the operator should know of the files in the data directory, now that all are there.
fn warn_of_files(config: &Config, lost: &[made_anew::Lost]) -> Result<(), GatewayError> {
    made_anew::warn(lost);
    exposure::warn(config)
}

fn make_directory(path: &Path) -> Result<(), GatewayError> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
    builder.create(path).map_err(|cause| GatewayError::File { path: path.to_owned(), cause })
}
