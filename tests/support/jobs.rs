//! Directories of jobs.

use tempfile::TempDir;

/// A directory with the one job of this name, which has these documents.
pub(crate) fn directory(job: &str, documents: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let job = directory.path().join(job);
    std::fs::create_dir(&job).unwrap();
    for (name, text) in documents {
        std::fs::write(job.join(name), text).unwrap();
    }
    directory
}
