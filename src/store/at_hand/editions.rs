//! Which edition of the rights to use secrets is in force: each commit that touches what decides about them begins another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::store::StoreError;

/// The tables that [`StoredRight`](crate::store::StoredRight) is read from.
const DECIDING: [&str; 5] = ["tombstones", "records", "forgotten", "renewals", "refresh_tokens"];

/// Counts the editions. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Editions {
    current: Arc<AtomicU64>,
    touched: Arc<AtomicBool>,
}

impl Editions {
    /// Has SQLite itself note what this connection writes to the tables that decide, whichever statement does it.
    pub(in crate::store) fn watch(&self, writer: &Connection) -> Result<(), StoreError> {
        let touched = Arc::clone(&self.touched);
        writer.create_scalar_function("note_touched", 0, FunctionFlags::SQLITE_UTF8, move |_| {
            touched.store(true, Ordering::Relaxed);
            Ok(true)
        })?;
        for table in DECIDING {
            for change in ["INSERT", "UPDATE", "DELETE"] {
                writer.execute_batch(&format!(
                    "CREATE TEMP TRIGGER {table}_{change} AFTER {change} ON main.{table} BEGIN SELECT note_touched(); END"
                ))?;
            }
        }
        Ok(())
    }

    /// Begins another edition if what was written touched any of it. To be called between a commit and its answers: who
    /// is told of a change reads nothing older afterwards.
    pub(in crate::store) fn committed(&self) {
        if self.touched.swap(false, Ordering::Relaxed) {
            self.current.fetch_add(1, Ordering::Release);
        }
    }

    /// The edition that is in force. What is read after this is of it, or newer.
    pub(in crate::store) fn current(&self) -> u64 {
        self.current.load(Ordering::Acquire)
    }
}
