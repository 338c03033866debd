//! README.md says what is so: its commands run, its example works, its table lists the settings.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod commands;
mod example;
mod settings;

use std::path::Path;

/// The README as it stands.
fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}
