//! Room in the file and on its disk: what is new may fill them only so far, so that what was accepted can end, and
//! whoever is to be cut off can be.

use std::path::PathBuf;

use super::{Store, StoreError, StoreSettings, Transaction};

/// How much of the file new work may fill, in percent. The rest is for endings and revocations.
const FOR_NEW_WORK: u64 = 90;

/// What new work may use.
#[derive(Debug)]
pub(super) struct Room {
    /// Pages of the file; `None` where only the disk sets a limit.
    pages: Option<u64>,
    directory: PathBuf,
    /// Bytes of the disk that are left alone.
    keep_free: u64,
}

impl Room {
    pub(super) fn of(settings: &StoreSettings) -> Self {
        Self {
            pages: settings.max_pages.map(|pages| u64::from(pages) * FOR_NEW_WORK / 100),
            directory: settings.directory.clone(),
            keep_free: u64::from(settings.keep_free_mib) << 20,
        }
    }

    /// A disk that does not say what is free on it has room until a write fails.
    fn is_short_of_disk(&self) -> bool {
        let disk = rustix::fs::statvfs(&self.directory);
        disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < self.keep_free)
    }
}

impl Store {
    /// Whether something new is let in.
    ///
    /// # Errors
    /// What the database reports.
    pub async fn has_room(&self) -> Result<bool, StoreError> {
        self.write(|transaction| transaction.is_short_of_room()).await.map(|short| !short)
    }
}

impl Transaction<'_> {
    /// Lets something new in, if the file has room for it. A transaction that ends something may use the reserve.
    ///
    /// # Errors
    /// [`StoreError::Full`], before anything is written.
    pub(super) fn check_room(&self) -> Result<(), StoreError> {
        if self.is_short_of_room()? { Err(StoreError::Full) } else { Ok(()) }
    }

    /// Whether nothing may grow in this transaction.
    pub(super) fn is_short_of_room(&self) -> Result<bool, StoreError> {
        if self.may_use_reserve() {
            return Ok(false);
        }
        let room = self.room();
        let has_pages = match room.pages {
            Some(pages) => self.pages_in_use()? < pages,
            None => true,
        };
        Ok(!has_pages || room.is_short_of_disk())
    }

    /// Costs no read of the disk: both numbers stand on the first page.
    fn pages_in_use(&self) -> Result<u64, StoreError> {
        let number =
            |sql| -> Result<i64, StoreError> { Ok(self.prepare(sql)?.query_row([], |row| row.get(0))?) };
        Ok((number("PRAGMA page_count")? - number("PRAGMA freelist_count")?).unsigned_abs())
    }
}
