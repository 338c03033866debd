//! How an older database becomes a current one.

use rusqlite::Connection;

use super::StoreError;
use super::formats::STEPS;

/// Marks a file as a database of endo ("Endo" in ASCII).
const APPLICATION_ID: i32 = 0x456e_646f;

/// The format this version writes.
fn current() -> u32 {
    u32::try_from(STEPS.len()).expect("a handful of steps")
}

/// Whether the file is a database of endo, or is to become one: it holds nothing yet.
///
/// # Errors
/// [`StoreError::Newer`] when a newer version wrote it; else what SQLite reports.
pub(super) fn recognize(connection: &Connection) -> Result<bool, StoreError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    if application == i64::from(APPLICATION_ID) {
        return format(connection).map(|_| true);
    }
    let things = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(application == 0 && things == 0 && number("PRAGMA user_version")? == 0)
}

/// Brings the database to the current format, one transaction a step.
///
/// # Errors
/// [`StoreError::Newer`] when a newer version wrote it; else what SQLite reports.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = format(connection)?;
    for (step, format) in STEPS.iter().zip(1u32..).skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", format)?;
        transaction.commit()?;
    }
    Ok(())
}

fn format(connection: &Connection) -> Result<u32, StoreError> {
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > current() { Err(StoreError::Newer { found, known: current() }) } else { Ok(found) }
}
