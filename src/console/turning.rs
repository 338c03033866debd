//! The ways between the pages of a list that is too long for one.

use maud::{Markup, html};

/// Where the list goes on, and where it begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turning<'a> {
    /// The first page, where this is not it.
    pub newest: Option<&'a str>,
    /// The next page, where there is one.
    pub older: Option<&'a str>,
}

/// The two links, as far as they lead anywhere.
pub(super) fn turning(turning: Turning<'_>) -> Markup {
    html! {
        @if turning.newest.is_some() || turning.older.is_some() {
            p.ways {
                @if let Some(address) = turning.newest { a href=(address) { "Back to the newest" } }
                @if let Some(address) = turning.older { a href=(address) rel="next" { "Older ones" } }
            }
        }
    }
}
