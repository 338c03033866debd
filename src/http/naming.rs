//! Names that people type into a page.

use crate::console::LONGEST_NAME;
use crate::legible;

/// What is called so: a name that people see, and know from others, in the one form of names.
///
/// # Errors
/// A sentence for whoever typed it.
pub(super) fn named(typed: &str) -> Result<String, String> {
    let name = legible::name(typed.trim())
        .map_err(|error| format!("Type the name in again: {error}. Nothing was done."))?;
    match name.chars().count() {
        1..=LONGEST_NAME => Ok(name),
        _ => Err(format!(
            "Give a name of at most {LONGEST_NAME} characters, so that you know it again. Nothing was done."
        )),
    }
}
