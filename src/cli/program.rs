//! How to call this program again, ready to paste into a shell.

use std::ffi::OsString;
use std::path::Path;

use crate::legible::shell_word;

/// This program, as it was called.
pub(super) struct Program(String);

impl Program {
    /// A program called by this word; a path stays one, anything else is found by its name.
    pub(super) fn called(word: Option<&OsString>) -> Self {
        let path = word.and_then(|word| word.to_str()).filter(|word| word.contains('/'));
        Self(path.map_or_else(|| "endo".to_owned(), shell_word))
    }

    /// The words that call it; with a directory, for that data directory.
    pub(super) fn command(&self, data_dir: Option<&Path>) -> String {
        match data_dir {
            None => self.0.clone(),
            Some(directory) => format!("{} --data-dir {}", self.0, shell_word(&absolute(directory))),
        }
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
