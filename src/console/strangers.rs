//! Texts that strangers chose, such as the names of devices, as pages show them.

use maud::{Markup, Render, html};

pub use crate::legible::LONGEST_NAME;
use crate::legible::{LONGEST_SHOWN, seen};

/// A name that somebody chose, set apart: whatever its script, the words around it stay where they are.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a>(pub &'a str);

impl Render for Name<'_> {
    fn render(&self) -> Markup {
        html! { bdi { (self.0) } }
    }
}

/// What people call an account, which may have no name.
pub(super) fn account(name: Option<&str>) -> Name<'_> {
    Name(name.unwrap_or("an account without a name"))
}

/// One line of what people see of `text`, not long; none where that is nothing.
pub fn strangers_text(text: &str) -> Option<String> {
    cut(text, LONGEST_SHOWN)
}

/// The same of a text that tells something.
pub fn strangers_sentence(text: &str) -> String {
    cut(text, 4 * LONGEST_SHOWN).unwrap_or_default()
}

fn cut(text: &str, longest: usize) -> Option<String> {
    let mut characters = seen(text).skip_while(|character| character.is_whitespace());
    let shown: String = characters.by_ref().take(longest).collect();
    let is_more = characters.any(|character| !character.is_whitespace());
    let mut shown = shown.trim_end().to_owned();
    if is_more {
        shown.push('…');
    }
    (!shown.is_empty()).then_some(shown)
}
