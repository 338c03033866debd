//! From settings to what each part wants to be told.

use std::time::Duration;

use reqwest::Url;
use zeroize::Zeroizing;

use super::GatewayError;
use crate::ambient::Stopwatch;
use crate::bus::Login;
use crate::bus::meshblu::MeshbluSettings;
use crate::config::{self, BusKind, Config};
use crate::egress::EgressSettings;
use crate::store::StoreSettings;
use crate::vault::{Format, RememberSettings};

pub(super) fn store(config: &Config) -> StoreSettings {
    let max_pages = Some(config.store.max_pages).filter(|pages| *pages > 0);
    let keep_free_mib = config.store.keep_free_mib;
    let stopwatch = Stopwatch::system();
    StoreSettings { directory: config.data_dir.clone(), max_pages, keep_free_mib, stopwatch }
}

/// The form of records, unless they `were_migrated`: then what the settings leave open is format 2.
pub(super) fn format(config: &Config, were_migrated: bool) -> Format {
    match (config.records.write, config.bus.kind) {
        (Some(1), _) => Format::One,
        (None, BusKind::Meshblu) if !were_migrated => Format::One,
        _ => Format::Two,
    }
}

pub(super) fn remember(config: &Config) -> RememberSettings {
    RememberSettings {
        capacity: config.records.remember_entries,
        life: Duration::from_secs(config.records.remember_seconds),
    }
}

pub(super) fn egress(config: &Config) -> EgressSettings {
    EgressSettings {
        allow_loopback: config.egress.allow_loopback,
        allowed_hosts: config.egress.allowed_hosts.clone(),
        connect_timeout: Duration::from_secs(config.egress.connect_timeout_seconds),
        api_timeout: Duration::from_secs(config.egress.api_timeout_seconds),
        webhook_timeout: Duration::from_secs(config.webhooks.timeout_seconds),
        response_bytes: config.egress.response_bytes,
        ..EgressSettings::default()
    }
}

/// Where the Meshblu is, and who the gateway is there.
pub(super) fn meshblu(settings: &config::Bus) -> Result<MeshbluSettings, GatewayError> {
    let missing = |setting| GatewayError::NoService { setting };
    let url = Url::parse(&settings.url).map_err(|_| GatewayError::Url { setting: "bus.url" })?;
    let uuid = settings.uuid.as_deref().ok_or_else(|| missing("bus.uuid"))?.into();
    let token = settings.token.as_ref().ok_or_else(|| missing("bus.token"))?;
    let service = Login { uuid, token: Zeroizing::new(token.expose().to_owned()) };
    Ok(MeshbluSettings { url, service, limit: Duration::from_secs(settings.timeout_seconds) })
}
