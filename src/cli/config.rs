//! `endo config`: the settings in force.

use std::io::Write;

use clap::Args;

use super::CommandError;
use crate::config::{ConfigError, Effective, json_schema};

/// What `endo config` takes.
#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// Print the JSON Schema of endo.toml instead
    #[arg(long)]
    schema: bool,
}

/// Prints the configuration in force, or the JSON Schema of the file, which needs none.
///
/// # Errors
/// [`CommandError`] when the settings make no sense or the output can not be written.
pub(super) fn run(
    command: &ConfigArguments,
    settings: impl FnOnce() -> Result<Effective, ConfigError>,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let text = if command.schema { json_schema() } else { settings()?.to_toml() };
    Ok(out.write_all(text.as_bytes())?)
}
