//! Whether the keys are here that records need.

use super::finding::{Change, Check};
use crate::cli::on_keys;
use crate::cli::operation::KeyRow;
use crate::gateway::Gateway;

const NAME: &str = "keys of records";
const WHY: &str = "without the key that sealed them credentials stay closed: no job gets them, and none is renewed or ended at the API";
const CHANGE: &str = "put each key back into the data directory, from a backup: its file is records-NAME.pem, or records.pem where it was the \
                      first there; one that came from records.private_key (MESHBLU_PRIVATE_KEY) does in a file records-old.pem. \
                      `endo keys ls` names the records. Where a key is lost, `endo credentials forget` takes away what it sealed, and \
                      the account signs in again";

/// Judges what every record says, or shows, of its key.
pub(super) async fn keys(gateway: &Gateway) -> Check {
    let rows = match on_keys::list(gateway).await {
        Ok(rows) => rows,
        Err(error) => return Check::skipped(NAME, error.to_string()),
    };
    let missing: Vec<_> = rows.iter().filter(|row| row.missing && !row.needed_by.is_empty()).collect();
    if missing.is_empty() {
        return Check::well(NAME, "each record has its key here");
    }
    let records: usize = missing.iter().map(|row| row.needed_by.len()).sum();
    let named = |row: &&KeyRow| row.kid.clone().unwrap_or_else(|| "one that they do not name".to_owned());
    let named: Vec<_> = missing.iter().map(named).collect();
    let wrong = format!("records that no key here opens: {records}, which need {}", named.join(", "));
    Check::wrong(NAME, wrong, WHY, Change::operator(CHANGE))
}
