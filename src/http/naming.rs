//! Names that people type into a page.

use crate::console::LONGEST_NAME;
use crate::legible::check;

/// That something can be called so: a name that people see, and know from others.
///
/// # Errors
/// A sentence for whoever typed it.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(format!(
            "Give a name of at most {LONGEST_NAME} characters, so that you know it again. Nothing was done."
        ));
    }
    check(name).map_err(|error| format!("Type the name in again: {error}. Nothing was done."))
}
