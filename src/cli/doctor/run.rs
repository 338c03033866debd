//! The command: looks, mends one thing, and begins again.

use std::collections::HashMap;
use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::finding::Check;
use super::{opening, report};
use crate::cli::operation::Operation;
use crate::cli::{CommandError, consent, json_lines, reach};
use crate::config::Config;

/// What `endo doctor` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorArguments {
    /// Change what is wrong where this program can, one thing after the other
    #[arg(long)]
    fix: bool,
    /// Do not ask before each change
    #[arg(long, requires = "fix")]
    yes: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Does what this command says.
///
/// # Errors
/// [`CommandError::Unwell`] when something is wrong at the end.
pub(in crate::cli) async fn run(
    command: &DoctorArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    // Nothing is offered twice: what mending did not change, mending again does not change either.
    let mut offered = HashMap::new();
    let mut checks = loop {
        let checks = examined(config).await?;
        let fresh = |check: &&Check| check.is_mendable() && !offered.contains_key(&check.name);
        let Some(check) = checks.iter().find(fresh).filter(|_| command.fix) else { break checks };
        let refusal = offer(check, command.yes, config).await?;
        offered.insert(check.name.clone(), refusal);
    };
    for check in &mut checks {
        offered.remove(&check.name).flatten().into_iter().for_each(|refusal| check.note_refusal(refusal));
    }
    match command.json {
        true => json_lines::print(&checks, out)?,
        false => report::print(&checks, out)?,
    }
    let wrong = checks.iter().filter(|check| check.finding().is_some()).count();
    let mendable = checks.iter().filter(|check| check.is_mendable()).count();
    if wrong == 0 { Ok(()) } else { Err(CommandError::Unwell { wrong, mendable }) }
}

async fn examined(config: &Config) -> Result<Vec<Check>, CommandError> {
    match reach::perform(config, Operation::Examine).await {
        Ok(checks) => Ok(checks),
        Err(error) => opening::examined(error, config).await,
    }
}

/// Mends it, if that is wanted; what is said where that is refused. The dialogue is on standard error, so that standard
/// output is the report alone.
async fn offer(check: &Check, yes: bool, config: &Config) -> Result<Option<String>, CommandError> {
    let Some(finding) = check.finding() else { return Ok(None) };
    let mut dialogue = io::stderr();
    report::tell(&check.name, finding, &mut dialogue)?;
    if !yes && !agreed(&mut dialogue)? {
        writeln!(dialogue, "left as it is\n")?;
        return Ok(None);
    }
    let mended = match reach::perform::<Value>(config, Operation::Mend(finding.change.clone())).await {
        Err(error) => opening::mended(error, finding.change.clone(), config).await,
        mended => mended,
    };
    let refusal = match mended {
        Ok(_) => None,
        // What is wrong beside it can be mended all the same.
        Err(CommandError::Operation(refusal)) => Some(refusal),
        Err(error) => return Err(error),
    };
    let outcome =
        refusal.as_ref().map_or_else(|| "changed".to_owned(), |said| format!("not changed: {said}"));
    writeln!(dialogue, "{outcome}\n")?;
    Ok(refusal)
}

fn agreed(dialogue: &mut dyn Write) -> Result<bool, CommandError> {
    if !consent::somebody_is_there() {
        return Err(CommandError::NobodyToAsk);
    }
    Ok(consent::agreed("Change it?", dialogue)?)
}
