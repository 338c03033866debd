//! How a secret stands, as pages show it.

use maud::{Markup, html};

use super::moment::moment;
use crate::credentials::{State, Words};

/// In a few words.
pub(super) fn words(state: &State) -> Markup {
    let Words { start, at, end } = state.words();
    let words = html! { (start) @if let Some(at) = at { (moment(at)) } (end) };
    html! { @if state.is_over() { strong.over { (words) } } @else { (words) } }
}
