//! `endo jobs`: what the gateway can do.

use std::io::{self, Write};

use clap::Args;

use super::CommandError;
use crate::ambient::{Clock, Random};
use crate::config::Config;
use crate::egress::{Egress, EgressSettings, Lookup};
use crate::gateway::{GatewayError, load_jobs};
use crate::job::{Field, Handlers, JobListing, Registry};
use crate::signature::Ed25519PrivateKey;
use crate::source::{Catalogue, Source};

/// What `endo jobs` takes.
#[derive(Debug, Args)]
pub(super) struct JobsArguments {
    /// Only this job type
    job_type: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints every job type, or the one that is asked for, with its fields.
///
/// # Errors
/// [`CommandError`] when a job can not be loaded, there is no such job type, or the output can not be written.
pub(super) fn run(command: &JobsArguments, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let registry = registry(config)?;
    let wanted = |listing: &&JobListing| {
        command.job_type.as_deref().is_none_or(|wanted| listing.job_type.as_str() == wanted)
    };
    let listings: Vec<_> = registry.job_types().iter().filter(wanted).collect();
    if let (Some(job_type), []) = (&command.job_type, listings.as_slice()) {
        return Err(CommandError::UnknownJobType(job_type.clone()));
    }
    if command.json {
        let text = serde_json::to_string_pretty(&listings).expect("listings are texts, lists and flags");
        return Ok(writeln!(out, "{text}")?);
    }
    for (index, listing) in listings.into_iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        print(listing, out)?;
    }
    Ok(())
}

/// Nothing runs here, so nothing is called either: usual limits will do.
fn registry(config: &Config) -> Result<Registry, CommandError> {
    let source = Source::settle(&config.source, &Catalogue::embedded()).map_err(GatewayError::Source)?;
    let egress = Egress::new(EgressSettings::default(), Lookup::system()).map_err(GatewayError::Egress)?;
    let key = Ed25519PrivateKey::generate(&Random::system());
    let handlers = Handlers::new(egress, key, Clock::system(), config.jobs.remote_handlers);
    Ok(load_jobs(&config.jobs, &source, handlers)?.0)
}

fn print(listing: &JobListing, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", described(listing.job_type.as_str(), listing.title.as_deref()))?;
    if let Some(description) = &listing.description {
        writeln!(out, "  {description}")?;
    }
    fields("data", &listing.data, out)?;
    fields("response", &listing.response, out)
}

fn fields(heading: &str, fields: &[Field], out: &mut dyn Write) -> io::Result<()> {
    if fields.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {heading}:")?;
    let longest = fields.iter().map(|field| field.name.chars().count()).max().unwrap_or_default();
    for field in fields {
        let kind = if field.required { format!("{}, required", field.kind) } else { field.kind.clone() };
        let name = format!("{:longest$}", field.name);
        writeln!(out, "    {name}  {}", described(&kind, field.description.as_deref()))?;
    }
    Ok(())
}

fn described(what: &str, description: Option<&str>) -> String {
    description.map_or_else(|| what.to_owned(), |text| format!("{what} — {text}"))
}
