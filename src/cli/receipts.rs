//! `endo receipts`: what was ended, what stayed and why.

use std::io::{self, Write};

use super::arguments::ReceiptsArguments;
use super::operation::Operation;
use super::{CommandError, json_lines, reach};
use crate::config::Config;
use crate::credentials::Receipt;
use crate::legible::marked;

/// Prints the receipts, the newest first.
///
/// # Errors
/// [`CommandError`].
pub(super) async fn run(
    command: &ReceiptsArguments,
    config: &Config,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let of = command.credentials.as_deref().map(Into::into);
    let receipts: Vec<Receipt> = reach::perform(config, Operation::ListReceipts(of)).await?;
    if command.json {
        return Ok(json_lines::print(&receipts, out)?);
    }
    receipts.iter().try_for_each(|receipt| tell(receipt, out)).map_err(Into::into)
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
