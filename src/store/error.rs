//! What can go wrong with the store.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;
use thiserror::Error;

/// A failure of the store. Cloned to everyone who waits for the same commit.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// Another process has the data directory.
    #[error("the data directory {0} is in use by another endo process")]
    InUse(PathBuf),
    /// The data directory was written by a newer version.
    #[error(
        "the data directory holds format {found}, this version knows only up to {known}: use the newer endo"
    )]
    Newer {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The file is no database of ours, or it is damaged.
    #[error("the database {path} is damaged or is not a database of endo: restore it from a backup")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        cause: Arc<rusqlite::Error>,
    },
    /// A file could not be made or read.
    #[error("cannot use {path}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Arc<std::io::Error>,
    },
    /// There is no room for more; nothing of this write was kept.
    #[error("the database, or the disk that it is on, is full")]
    Full,
    /// Too much waits, and nobody has more of it waiting than the caller, or as much as one may; nothing of this was done.
    #[error("too much waits")]
    Crowded,
    /// The store is shut down.
    #[error("the store is closed")]
    Closed,
    /// The database undid this write together with another that failed. Nothing of it was kept; it can be tried again.
    #[error("the database undid this write together with one that failed")]
    Undone,
    /// The step broke off inside; nothing of it was kept.
    #[error("a step of the store broke off")]
    Panicked,
    /// A query took too long and was given up.
    #[error("the query took too long")]
    TooSlow,
    /// Anything else SQLite reported.
    #[error("the database failed")]
    Database(#[source] Arc<rusqlite::Error>),
}

impl StoreError {
    /// Why a task answers nothing: it panicked, or the runtime shuts down.
    pub fn of_task(broken: &tokio::task::JoinError) -> Self {
        if broken.is_panic() { Self::Panicked } else { Self::Closed }
    }

    /// A document that is kept is no JSON.
    pub fn unreadable(cause: &serde_json::Error) -> Self {
        // What it says may quote the document.
        let cause = format!("no such JSON up to line {}, column {}", cause.line(), cause.column());
        let kind = rusqlite::types::Type::Text;
        Self::Database(Arc::new(rusqlite::Error::FromSqlConversionFailure(1, kind, cause.into())))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::OperationInterrupted) => Self::TooSlow,
            _ => Self::Database(Arc::new(error)),
        }
    }
}
