//! Names that people type into a page.

use crate::legible::{self, BadName, LONGEST_NAME};

/// What is called so: a name that people see, and know from others, in the one form of names.
///
/// # Errors
/// A sentence for whoever typed it.
pub(super) fn named(typed: &str) -> Result<String, String> {
    legible::given(typed).map_err(|error| match error {
        BadName::Length => format!(
            "Give a name of at most {LONGEST_NAME} characters, so that you know it again. Nothing was done."
        ),
        BadName::Deceptive(error) => format!("Type the name in again: {error}. Nothing was done."),
    })
}
