//! `endo receipts`: what was ended, what stayed and why.

use std::io::{self, Write};

use super::arguments::ReceiptsArguments;
use super::operation::Operation;
use super::{CommandError, json_lines, reach, table};
use crate::config::Config;
use crate::credentials::{ApiVerdict, Fate, Matter, Part, Receipt};

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
        receipt.by
    );
    writeln!(out, "{}", table::plain(&line))?;
    for part in &receipt.parts {
        writeln!(out, "  {}", table::plain(&sentence(part)))?;
    }
    match &receipt.api {
        Some(api) => writeln!(out, "  the API: {}", api_sentence(api.verdict)),
        None => Ok(()),
    }
}

fn sentence(part: &Part) -> String {
    let what = match part.what {
        Matter::Right => "the right of",
        Matter::Subscription => "the subscription to",
        Matter::Sockets => "the connections of",
        Matter::Whitelists => "what is allowed by the lists of",
        Matter::Device => "the device",
        Matter::Record => "the record of",
        Matter::BusCopy => "the copy on the bus of",
        Matter::Management => "the management by",
    };
    let fate = match part.fate {
        Fate::Ended => "ended",
        Fate::Stayed => "stayed",
        Fate::Pending => "is still to be ended",
    };
    let why = part.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{what} {} {fate}{why}", part.device)
}

fn api_sentence(verdict: ApiVerdict) -> &'static str {
    match verdict {
        ApiVerdict::Pending => "is still to be told",
        ApiVerdict::Revoked => "the tokens are over there too",
        ApiVerdict::Unknown => "does not know the tokens, or not any more",
        ApiVerdict::Impossible => "cannot be told",
        ApiVerdict::Unanswered => "did not answer within a day; end the tokens there yourself",
    }
}
