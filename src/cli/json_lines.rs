//! Rows for programs: one JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

/// Prints each row on a line of its own.
pub(super) fn print(rows: &[impl Serialize], out: &mut dyn Write) -> io::Result<()> {
    rows.iter().try_for_each(|row| writeln!(out, "{}", serde_json::to_string(row)?))
}
