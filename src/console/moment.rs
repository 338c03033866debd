//! Times, as pages show them.

use maud::{Markup, html};

/// A time as it is kept, `2026-03-01T09:30:00Z`, easier to read: `2026-03-01 09:30 UTC`.
pub(super) fn moment(at: &str) -> Markup {
    let shown = match (at.get(..10), at.get(11..16), at.ends_with('Z')) {
        (Some(day), Some(time), true) => format!("{day} {time} UTC"),
        _ => at.to_owned(),
    };
    html! { time datetime=(at) { (shown) } }
}
