//! Room in the file and on its disk: what is new may fill them only so far, so that what was accepted can end, and
//! whoever is to be cut off can be.

use std::cell::Cell;
use std::path::PathBuf;

use super::{Store, StoreError, StoreSettings, Transaction};

/// How much of the file new work may fill, in percent. The rest is for endings and revocations.
const FOR_NEW_WORK: u64 = 90;
/// How many rows of each of the ways in are there at most before none of them is added to the rest: a few MiB in all.
const LET_IN: u32 = 1_000;

/// What somebody needs a row of to be signed in. Whoever cannot sign in ends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayIn {
    /// On the bus's own page.
    SignIn,
    /// What the gateway exchanges for a token.
    Code,
    /// A session of the gateway, and the token that it hangs on.
    Session,
}

impl WayIn {
    /// Counts its rows, up to a bound.
    const fn count(self) -> &'static str {
        match self {
            Self::SignIn => "SELECT count(*) FROM (SELECT 1 FROM sign_ins LIMIT ?1)",
            Self::Code => "SELECT count(*) FROM (SELECT 1 FROM codes LIMIT ?1)",
            Self::Session => "SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT ?1)",
        }
    }
}

/// What new work may use.
#[derive(Debug)]
pub(super) struct Room {
    /// Pages of the file; `None` where only the disk sets a limit.
    pages: Option<u64>,
    directory: PathBuf,
    /// Bytes of the disk that are left alone.
    keep_free: u64,
    /// Whether less than that is free. Looked at once for all writes of a commit: that is a call of the system.
    is_short: Cell<Option<bool>>,
}

impl Room {
    pub(super) fn of(settings: &StoreSettings) -> Self {
        Self {
            pages: settings.max_pages.map(|pages| u64::from(pages) * FOR_NEW_WORK / 100),
            directory: settings.directory.clone(),
            keep_free: u64::from(settings.keep_free_mib) << 20,
            is_short: Cell::default(),
        }
    }

    /// Forgets how much of the disk was free for the commit before.
    pub(super) fn look_anew(&self) {
        self.is_short.take();
    }

    /// A disk that does not say what is free on it has room until a write fails.
    fn is_short_of_disk(&self) -> bool {
        if let Some(is_short) = self.is_short.get() {
            return is_short;
        }
        let disk = rustix::fs::statvfs(&self.directory);
        let is_short = disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < self.keep_free);
        self.is_short.set(Some(is_short));
        is_short
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

    /// Lets somebody in by this way also where the file has no room for anything new, unless very many are in it already.
    ///
    /// # Errors
    /// What the database reports.
    pub fn let_in(&self, by: WayIn) -> Result<(), StoreError> {
        if self.is_short_of_room()? {
            let rows: u32 = self.value(by.count(), [LET_IN])?;
            if rows < LET_IN {
                self.use_reserve();
            }
        }
        Ok(())
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
        let (pages, free): (i64, i64) =
            (self.value("PRAGMA page_count", [])?, self.value("PRAGMA freelist_count", [])?);
        Ok((pages - free).unsigned_abs())
    }
}
