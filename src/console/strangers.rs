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

/// One line of `text`: not long, and without what nobody sees or what could turn the words around it; none where nothing
/// is left.
pub fn strangers_text(text: &str) -> Option<String> {
    cut(text, LONGEST)
}

/// The same of a text that tells something.
pub fn strangers_sentence(text: &str) -> String {
    cut(text, 4 * LONGEST).unwrap_or_default()
}

fn cut(text: &str, longest: usize) -> Option<String> {
    let mut characters = text.trim().chars().filter(|character| !deceives(*character));
    let mut shown: String = characters.by_ref().take(longest).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    (!shown.trim().is_empty()).then_some(shown)
}

/// Control characters, those that change the direction of a text (Unicode Standard Annex 9), and those that take no room
/// or show nothing.
fn deceives(character: char) -> bool {
    let directs = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shows_nothing = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    );
    character.is_control() || directs || shows_nothing || matches!(character, '\u{2028}' | '\u{2029}')
}
