//! `endo keys`: the keys of records.

use std::io::Write;

use clap::Subcommand;

use super::arguments::ListArguments;
use super::consent::{self, ConsentArguments};
use super::operation::{KeyRow, Migrated, NewKey, Operation};
use super::{CommandError, json_lines, reach, table};
use crate::config::Config;

const NEW_KEY_FOR_GOOD: &str = "A gateway of old opens nothing of what is sealed from then on, and no way leads back to the old key. \
                                Make a new key?";
const FORMAT_2_FOR_GOOD: &str =
    "A gateway of old reads nothing of what is written from then on, and no way leads back. Migrate?";
/// The most credentials devices that are named beside a key.
const NAMED: usize = 3;

/// What `endo keys` can do.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List the keys, and how many records need each
    Ls(ListArguments),
    /// Make a new key that seals from now on; the others still open
    ///
    /// A gateway of old that has only the old key does not open what is sealed from then on. At a terminal it asks first where
    /// the bus is a Meshblu.
    Rotate(ConsentArguments),
    /// Seal every record anew: in format 2, with the newest key
    ///
    /// Everything goes on meanwhile. It can be broken off at any time, and goes on where it was. On a Meshblu records are
    /// written in format 2 from then on, which a gateway of old does not read: at a terminal it asks first.
    Migrate(ConsentArguments),
}

/// Does what this command says.
///
/// # Errors
/// [`CommandError`].
pub(super) async fn run(
    command: &KeysCommand,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    match command {
        KeysCommand::Ls(command) => list(command, config, out).await,
        KeysCommand::Rotate(consent) => {
            ask_elsewhere(consent, NEW_KEY_FOR_GOOD, config).await?;
            rotate(config, out).await
        }
        KeysCommand::Migrate(consent) => {
            ask_elsewhere(consent, FORMAT_2_FOR_GOOD, config).await?;
            migrate(config, out).await
        }
    }
}

/// Only on a Meshblu can there be a gateway of old, to go back to. Whether the bus is one is the gateway's to say: its settings
/// may be others than those of the command.
async fn ask_elsewhere(
    consent: &ConsentArguments,
    question: &str,
    config: &Config,
) -> Result<(), CommandError> {
    let asks = consent.is_open() && reach::perform(config, Operation::IsBusElsewhere).await?;
    if asks { consent::ask(question) } else { Ok(()) }
}

async fn list(command: &ListArguments, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let rows: Vec<KeyRow> = reach::perform(config, Operation::ListKeys).await?;
    if command.json {
        return Ok(json_lines::print(&rows, out)?);
    }
    let rows: Vec<_> = rows.iter().map(cells).collect();
    Ok(table::print(["KEY", "RECORDS", "STATE"], &rows, out)?)
}

fn cells(row: &KeyRow) -> [String; 3] {
    [name(row).to_owned(), row.needed_by.len().to_string(), state(row)]
}

fn name(row: &KeyRow) -> &str {
    row.kid.as_deref().unwrap_or("unknown")
}

fn state(row: &KeyRow) -> String {
    if row.missing {
        return not_here(row);
    }
    if row.seals {
        return "seals".to_owned();
    }
    if row.needed_by.is_empty() && row.copies == 0 {
        let rest = match &row.file {
            Some(file) => format!("and {} can go", file.display()),
            None => "and a setting holds it".to_owned(),
        };
        return format!("free: no record needs it, {rest}");
    }
    if row.needed_by.is_empty() {
        let secrets = if row.copies == 1 { "secret waits" } else { "secrets wait" };
        return format!("free within a day: {} {secrets} for the API", row.copies);
    }
    needed_by(row)
}

fn needed_by(row: &KeyRow) -> String {
    let named: Vec<_> = row.needed_by.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match row.needed_by.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more, which --json names"),
    };
    format!("needed by {}{more}", named.join(", "))
}

/// The first key of a directory is in a file of another name than the later ones.
fn not_here(row: &KeyRow) -> String {
    if row.needed_by.is_empty() {
        return format!("not here: {} secrets wait for the API, within a day", row.copies);
    }
    let needed = needed_by(row);
    match &row.kid {
        Some(kid) => {
            format!("not here, {needed}: put records-{kid}.pem back, or records.pem if it was the first")
        }
        None => format!("not here, {needed}, which do not name it: put the old key back"),
    }
}

async fn rotate(config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let NewKey { kid, file } = reach::perform(config, Operation::RotateKey).await?;
    writeln!(out, "{kid} seals from now on; every other key still opens what it sealed")?;
    if let Some(file) = file {
        writeln!(out, "back up {}: without it, what is sealed from now on stays closed", file.display())?;
    }
    Ok(writeln!(out, "`endo keys migrate` moves the records to it")?)
}

/// One batch after the other, each of which is kept: what was broken off goes on where it was.
async fn migrate(config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let (mut seen, mut sealed, mut kept, mut closed) = (0, 0, Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let batch: Migrated = reach::perform(config, Operation::MigrateRecords(after)).await?;
        seen += batch.seen;
        sealed += batch.sealed;
        kept.extend(batch.kept);
        closed.extend(batch.closed);
        writeln!(out, "{seen} of {}: {sealed} sealed anew", batch.all)?;
        out.flush()?;
        after = batch.next;
        if after.is_none() {
            break;
        }
    }
    for (device, why) in &kept {
        writeln!(out, "{device} stays as it is: {why}")?;
    }
    for device in &closed {
        writeln!(out, "{device} stays as it is: no key here opens it")?;
    }
    let rows: Vec<KeyRow> = reach::perform(config, Operation::ListKeys).await?;
    for row in rows.iter().filter(|row| !row.seals) {
        writeln!(out, "{}: {}", name(row), state(row))?;
    }
    if closed.is_empty() { Ok(()) } else { Err(CommandError::Closed(closed.len())) }
}
