//! Room in the file: what is new may fill it only so far, so that what was accepted can always end.

use super::{Store, StoreError, Transaction};

/// How much of the file new work may fill, in percent. The rest is for endings and revocations.
const FOR_NEW_WORK: u64 = 90;

/// How many pages of the file new work may use; `None` where only the disk sets a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(Option<u64>);

impl Room {
    /// The room in a file of at most so many pages.
    pub(super) fn of(max_pages: Option<u32>) -> Self {
        Self(max_pages.map(|pages| u64::from(pages) * FOR_NEW_WORK / 100))
    }
}

impl Store {
    /// Whether something new is let in; where only the disk sets a limit, it is until the disk is full.
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
        match self.room().0 {
            Some(pages) if !self.may_use_reserve() => Ok(self.pages_in_use()? >= pages),
            _ => Ok(false),
        }
    }

    /// Costs no read of the disk: both numbers stand on the first page.
    fn pages_in_use(&self) -> Result<u64, StoreError> {
        let number =
            |sql| -> Result<i64, StoreError> { Ok(self.prepare(sql)?.query_row([], |row| row.get(0))?) };
        Ok((number("PRAGMA page_count")? - number("PRAGMA freelist_count")?).unsigned_abs())
    }
}
