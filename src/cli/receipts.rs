//! `endo receipts`: what was ended, what stayed and why.

use std::io::{self, Write};

use clap::Args;

use super::operation::{Operation, WhichReceipts};
use super::pages::Pages;
use super::{CommandError, json_lines};
use crate::config::Config;
use crate::credentials::Receipt;
use crate::legible::marked;
use crate::message::DeviceUuid;

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
    let mut pages = all(command.credentials.as_deref());
    while let Some(receipts) = pages.next(config).await? {
        match command.json {
            true => json_lines::print(&receipts, out)?,
            false => receipts.iter().try_for_each(|receipt| tell(receipt, out))?,
        }
    }
    Ok(())
}

/// The receipts of these credentials, or of any, the newest first.
pub(super) fn all(credentials: Option<&str>) -> Pages<Receipt, impl Fn(Option<i64>) -> Operation> {
    let of = credentials.map(DeviceUuid::from);
    Pages::of(move |before| Operation::ListReceipts(WhichReceipts { of: of.clone(), before }))
}

/// Prints one receipt for people.
pub(super) fn tell(receipt: &Receipt, out: &mut dyn Write) -> io::Result<()> {
    tell_ends(receipt, out)?;
    tell_answer(receipt, out)
}

/// What was ended here.
pub(super) fn tell_ends(receipt: &Receipt, out: &mut dyn Write) -> io::Result<()> {
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
    out.flush()
}

/// What the API said to that.
pub(super) fn tell_answer(receipt: &Receipt, out: &mut dyn Write) -> io::Result<()> {
    match &receipt.api {
        Some(api) => writeln!(out, "  {}", api.sentence("the API")),
        None => Ok(()),
    }
}
