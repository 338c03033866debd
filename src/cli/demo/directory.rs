//! A data directory for the time of a demonstration.

use std::path::{Path, PathBuf};

use crate::ambient::Random;

/// A directory of its own in the system's place for such; removed when this is dropped, unless it is kept.
pub(super) struct OwnDirectory {
    path: PathBuf,
    keep: bool,
}

impl OwnDirectory {
    /// A name that nobody else has; the gateway makes the directory.
    pub(super) fn new(random: &Random, keep: bool) -> Self {
        Self { path: std::env::temp_dir().join(format!("endo-demo-{}", random.uuid())), keep }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        if !self.keep {
            // What the system's cleaning of temporary files finds, it removes.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
