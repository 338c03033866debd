//! The jobs of a gateway: those of the program, those of directories, and the fallback.

use std::time::Duration;

use super::GatewayError;
use super::handler_key::handler_key;
use crate::ambient::Ambient;
use crate::config::{Config, Jobs};
use crate::egress::{Egress, HandlerAddress};
use crate::job::{DescribedJob, Handlers, LoadError, LoadNotice, Registry, RegistryOptions};
use crate::jobs;
use crate::source::Source;

/// Loads the jobs that the settings ask for, `handlers` doing those that the program does not; the notices are to be logged.
/// What a directory or the fallback runs, the program does not.
///
/// # Errors
/// [`LoadError`], one sentence for the operator.
pub fn load_jobs(
    config: &Jobs,
    source: &Source,
    mut handlers: Handlers,
) -> Result<(Registry, Vec<LoadNotice>), LoadError> {
    let mut outside = Vec::new();
    for directory in &config.directories {
        outside.extend(handlers.jobs_in(directory)?);
    }
    let fallback = config.fallback.as_deref().map(|url| handlers.fallback(url)).transpose()?;
    let (inside, replaced) = built_in(source, &outside);
    let inside = if fallback.is_some() { Vec::new() } else { inside };
    let options = RegistryOptions {
        default_job_type: config.default_job_type.as_deref().map(Into::into),
        fallback,
        time_limit: Duration::from_secs(config.time_limit_seconds),
    };
    let (registry, mut notices) = Registry::load(inside.into_iter().chain(outside).collect(), options)?;
    notices.extend(replaced);
    Ok((registry, notices))
}

/// The program's own jobs for this API, but for those that are `outside` too; and what to say of these.
fn built_in(source: &Source, outside: &[DescribedJob]) -> (Vec<DescribedJob>, Vec<LoadNotice>) {
    let mut own = jobs::all();
    own.retain(|job| job.provider().is_none_or(|provider| source.is(provider)));
    let of_directory = |own: &DescribedJob| outside.iter().find(|job| job.job_type() == own.job_type());
    let notice = |job: &DescribedJob| LoadNotice {
        job: job.name().to_owned(),
        file: "job.yaml",
        text: format!("it takes the place of the program's own {}", job.job_type()),
    };
    let replaced = own.iter().filter_map(|own| of_directory(own).map(notice)).collect();
    own.retain(|own| of_directory(own).is_none());
    (own, replaced)
}

/// The same with the key of the data directory, and with what there is to say about it in the log.
pub(super) fn registry(
    config: &Config,
    source: &Source,
    egress: Egress,
    ambient: &Ambient,
) -> Result<Registry, GatewayError> {
    let key = handler_key(&config.data_dir, &ambient.random)?;
    let handlers = Handlers::new(egress, key, ambient.clock.clone(), config.jobs.remote_handlers);
    let (registry, notices) = load_jobs(&config.jobs, source, handlers)?;
    notices.iter().for_each(|notice| tracing::warn!("{notice}"));
    if let Some(fallback) = &config.jobs.fallback {
        let address = HandlerAddress::parse(fallback, config.jobs.remote_handlers).ok();
        tracing::warn!(
            handler.address = address.map(|address| address.logged()),
            "job types without a directory of jobs.directories run at the fallback, the program's own too: it validates \
             for itself, and its answers pass unstripped"
        );
    }
    Ok(registry)
}
