//! The jobs of a gateway: those of the program, those of directories, and the fallback.

use std::time::Duration;

use super::GatewayError;
use super::compose::Ambient;
use super::handler_key::handler_key;
use crate::ambient::Clock;
use crate::config::{Config, Jobs};
use crate::egress::Egress;
use crate::job::{Handlers, LoadError, LoadNotice, Registry, RegistryOptions};
use crate::jobs;
use crate::signature::Ed25519PrivateKey;

/// Loads the jobs that the settings ask for; the notices are to be logged.
///
/// # Errors
/// [`LoadError`], one sentence for the operator.
pub fn load_jobs(
    config: &Jobs,
    line: (Egress, Ed25519PrivateKey),
    clock: Clock,
) -> Result<(Registry, Vec<LoadNotice>), LoadError> {
    let mut handlers = Handlers::new(line, clock, config.remote_handlers);
    let mut all = jobs::all();
    for directory in &config.directories {
        all.extend(handlers.jobs_in(directory)?);
    }
    let options = RegistryOptions {
        default_job_type: config.default_job_type.as_deref().map(Into::into),
        fallback: config.fallback.as_deref().map(|url| handlers.fallback(url)).transpose()?,
        time_limit: Duration::from_secs(config.time_limit_seconds),
    };
    Registry::load(all, options)
}

/// The same with the key of the data directory, and with what there is to say about it in the log.
pub(super) fn registry(config: &Config, egress: Egress, ambient: &Ambient) -> Result<Registry, GatewayError> {
    let key = handler_key(&config.data_dir, &ambient.random)?;
    let (registry, notices) = load_jobs(&config.jobs, (egress, key), ambient.clock.clone())?;
    notices.iter().for_each(|notice| tracing::warn!("{notice}"));
    if let Some(fallback) = &config.jobs.fallback {
        tracing::warn!(
            handler.address = fallback,
            "job types without a directory run at the fallback: it validates for itself, and its answers pass unstripped"
        );
    }
    Ok(registry)
}
