//! Texts that strangers chose, such as the names of devices, as pages show them.

use maud::{Markup, Render, html};

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

/// The longest that is shown, in characters.
const LONGEST: usize = 80;

/// One line of `text`: not long, and without what could turn the words around it; none where nothing is left.
pub fn strangers_text(text: &str) -> Option<String> {
    cut(text, LONGEST)
}

/// The same of a text that tells something.
pub fn strangers_sentence(text: &str) -> String {
    cut(text, 4 * LONGEST).unwrap_or_default()
}

fn cut(text: &str, longest: usize) -> Option<String> {
    let mut characters = text.trim().chars().filter(|character| !turns_words(*character));
    let mut shown: String = characters.by_ref().take(longest).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    (!shown.trim().is_empty()).then_some(shown)
}

/// Control characters, and those that change the direction of a text (Unicode Standard Annex 9).
fn turns_words(character: char) -> bool {
    let directs = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || directs || matches!(character, '\u{2028}' | '\u{2029}')
}
