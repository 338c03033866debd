//! `endo dead-letters`: what was accepted and given up.

use std::io::Write;

use clap::Subcommand;

use super::arguments::ListArguments;
use super::operation::{Letter, LetterRow, Operation};
use super::pages::Pages;
use super::{CommandError, json_lines, reach, table};
use crate::config::Config;
use crate::legible::marked;

/// What `endo dead-letters` can do.
#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// List what could not be delivered, the newest first
    Ls(ListArguments),
    /// Print one dead letter with what is known about its end
    Show {
        /// Its delivery id
        id: String,
    },
    /// Try to deliver some again, in this order: the reply alone where a job has answered
    Replay {
        /// Their delivery ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

/// Does what this command says.
///
/// # Errors
/// [`CommandError`].
pub(super) async fn run(
    command: &DeadLettersCommand,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    match command {
        DeadLettersCommand::Ls(command) => list(command, config, out).await,
        DeadLettersCommand::Show { id } => show(id, config, out).await,
        DeadLettersCommand::Replay { ids } => {
            for id in ids {
                replay(id, config, out).await?;
            }
            Ok(())
        }
    }
}

async fn list(command: &ListArguments, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let (mut rows, mut pages) = (Vec::new(), Pages::of(Operation::ListDeadLetters));
    while let Some(letters) = pages.next(config).await? {
        match command.json {
            true => json_lines::print(&letters, out)?,
            false => rows.extend(letters.into_iter().map(cells)),
        }
    }
    if command.json {
        return Ok(());
    }
    Ok(table::print(["DELIVERY", "WORK", "DEVICE", "IN THE LOG", "TRIED", "GIVEN UP", "WHY"], &rows, out)?)
}

fn cells(row: LetterRow) -> [String; 7] {
    let (id, device) = (row.id.to_string(), row.device.to_string());
    [id, row.work, device, row.fingerprint, row.attempts.to_string(), row.died, row.reason]
}

async fn show(id: &str, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let letter: Letter = reach::perform(config, Operation::ShowDeadLetter(id.into())).await?;
    let text = serde_json::to_string_pretty(&letter).expect("texts, numbers and JSON values are JSON");
    Ok(writeln!(out, "{text}")?)
}

async fn replay(id: &str, config: &Config, out: &mut dyn Write) -> Result<(), CommandError> {
    let row: LetterRow = reach::perform(config, Operation::ReplayDeadLetter(id.into())).await?;
    let what = if row.answered {
        "the reply, without its job, will be sent again"
    } else {
        "it will be tried again"
    };
    // Whoever posted the message chose its id.
    Ok(writeln!(out, "{}: {what}", marked(row.id.as_str()))?)
}
