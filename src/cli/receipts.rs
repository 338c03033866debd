//! `endo receipts`: what was ended, what stayed and why.

use std::io::{self, Write};

use clap::Args;

use super::operation::{Operation, WhichReceipts};
use super::{CommandError, json_lines, reach};
use crate::config::Config;
use crate::credentials::{Receipt, Receipts};
use crate::legible::marked;

/// What `endo receipts` takes.
#[derive(Debug, Args)]
pub(super) struct ReceiptsArguments {
    /// Only those of this credentials device
    #[arg(long, value_name = "UUID")]
    credentials: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Prints the receipts, the newest first.
///
/// # Errors
/// [`CommandError`].
pub(super) async fn run(
    command: &ReceiptsArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let mut reading = Reading::of(command.credentials.as_deref());
    while let Some(receipts) = reading.next(config).await? {
        match command.json {
            true => json_lines::print(&receipts, out)?,
            false => receipts.iter().try_for_each(|receipt| tell(receipt, out))?,
        }
    }
    Ok(())
}

/// Somebody who reads receipts, the newest first, as many at a time as the gateway gives.
pub(super) struct Reading {
    /// What is asked for next; nothing once that was all.
    which: Option<WhichReceipts>,
}

impl Reading {
    /// All receipts of these credentials, or of any.
    pub(super) fn of(credentials: Option<&str>) -> Self {
        Self { which: Some(WhichReceipts { of: credentials.map(Into::into), before: None }) }
    }

    /// Some more of them.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) async fn next(&mut self, config: &Config) -> Result<Option<Vec<Receipt>>, CommandError> {
        let Some(which) = self.which.take() else { return Ok(None) };
        let of = which.of.clone();
        let page: Receipts = reach::perform(config, Operation::ListReceipts(which)).await?;
        self.which = page.next.map(|last| WhichReceipts { of, before: Some(last) });
        Ok(Some(page.shown))
    }
}

/// Prints one receipt for people.
pub(super) fn tell(receipt: &Receipt, out: &mut dyn Write) -> io::Result<()> {
    let account = receipt.account.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    let line = format!(
        "receipt {}  {}  {}  {}{account}, by {}",
        receipt.id,
        receipt.at,
        receipt.act.as_str(),
        receipt.credentials,
        receipt.by.as_str()
    );
    writeln!(out, "{}", marked(&line))?;
    for part in &receipt.parts {
        writeln!(out, "  {}", marked(&part.to_string()))?;
    }
    match &receipt.api {
        Some(api) => writeln!(out, "  {}", api.sentence("the API")),
        None => Ok(()),
    }
}
