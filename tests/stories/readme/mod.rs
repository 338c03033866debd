//! What is written for readers is so: the README's commands run, its example works, the table lists the settings, and every
//! link leads somewhere.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod commands;
mod example;
mod links;
mod settings;

use std::path::Path;

/// The README as it stands.
fn readme() -> String {
    page("README.md")
}

/// A page as it stands, by its path from the root of the repository.
fn page(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
