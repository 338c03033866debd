//! From settings to what each part wants to be told.

use std::time::Duration;

use crate::config::Config;
use crate::egress::EgressSettings;
use crate::store::StoreSettings;
use crate::vault::{Format, RememberSettings};

pub(super) fn store(config: &Config) -> StoreSettings {
    let max_pages = Some(config.store.max_pages).filter(|pages| *pages > 0);
    StoreSettings { directory: config.data_dir.clone(), max_pages }
}

pub(super) fn format(config: &Config) -> Format {
    if config.records.write == 1 { Format::One } else { Format::Two }
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
