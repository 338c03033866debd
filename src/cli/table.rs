//! Rows as aligned text.

use std::io::{self, Write};

use crate::legible::{LONGEST_SHOWN, marked, seen};

/// What a stranger chose, as long as pages show it: a longer one would take the columns behind it out of sight.
pub(super) fn strangers_cell(text: String) -> String {
    let text = marked(&text);
    match text.char_indices().nth(LONGEST_SHOWN) {
        // What the cut leaves of a flag or of letters that were joined was not hidden before: it gets no mark.
        Some((end, _)) => format!("{}…", seen(&text[..end]).collect::<String>()),
        None => text,
    }
}

/// Prints rows under a heading, their columns aligned; what people do not see, which a device's name may hold, is not.
pub(super) fn print<const N: usize>(
    heading: [&str; N],
    rows: &[[String; N]],
    out: &mut dyn Write,
) -> io::Result<()> {
    let heading = heading.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..N).map(width).collect();
    for row in all() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", marked(cell)));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
