//! Messages as people read them: one line a member, none too long.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::Value;

/// The longest line of a value, in characters.
const WIDTH: usize = 108;

/// Prints the members of a message, the first beside `label`.
pub(super) fn message(label: &str, message: &Value, out: &mut dyn Write) -> io::Result<()> {
    let mut label = label;
    for (name, value) in message.as_object().into_iter().flatten() {
        writeln!(out, "   {label:<10}{name:<11}{}", short(value))?;
        label = "";
    }
    Ok(())
}

/// Prints a remark below a message.
pub(super) fn remark(text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "   {:10}{text}", "")
}

/// `8.4 ms`
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// The value as JSON; of a list, the first item stands for all.
pub(super) fn short(value: &Value) -> String {
    match value {
        Value::Array(items) if items.len() > 1 => {
            let first = clipped(&items[0].to_string(), WIDTH - 12);
            format!("[{first}, … {} items]", items.len())
        }
        value => clipped(&value.to_string(), WIDTH),
    }
}

fn clipped(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
