//! The gateway, as `endo serve` makes it from the same settings, with one more job: a trivial one.

use std::path::Path;

use endo::config::{BusKind, Config, Secret};
use endo::gateway::{Ambient, Gateway, Listeners};
use endo::telemetry;

use super::cast;
use super::child::{answer, tell};
use crate::{scene, trivial};

/// Serves until nobody asks any more how many private-key operations there were.
pub(super) fn run(bus: &str, directory: &Path) {
    let config = settings(bus, directory);
    telemetry::install(&config.log).unwrap();
    let runtime = scene::runtime();
    let (gateway, running) = runtime.block_on(async {
        let mut gateway = Gateway::open(config, Ambient::system()).await.unwrap();
        gateway.registry = trivial::registry();
        let running = gateway.start(Listeners::open(&gateway.config).unwrap()).await.unwrap();
        (gateway, running)
    });
    tell(running.gateway());
    answer(|| tell(gateway.vault.private_key_operations()));
    runtime.block_on(running.stop());
}

fn settings(bus: &str, directory: &Path) -> Config {
    let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
    config.bus.kind = BusKind::Meshblu;
    config.bus.url = bus.to_owned();
    config.bus.uuid = Some(cast::SERVICE.to_owned());
    config.bus.token = Some(Secret::from(cast::SERVICE_TOKEN.to_owned()));
    config.bus.accept_legacy_signatures = true;
    config.records.private_key = Some(Secret::from(cast::private_key()));
    config.listen.gateway.set_port(0);
    config.log.level = "error".to_owned();
    config
}
