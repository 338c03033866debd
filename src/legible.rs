//! Which characters of a text people see, so that none is hidden and none turns what stands beside it; and the one form of
//! names, so that what is typed in two ways and looks the same is the same. Letters of different scripts that look alike are
//! different.
//!
//! Left out are control characters, those that change the direction of a text (Unicode Standard Annex 9), and those that
//! take no room or show nothing. What shows nothing by itself stays where it changes what is seen: joiners in scripts that
//! use them and between pictures, and selectors behind what they select a form of.

use icu_normalizer::ComposingNormalizerBorrowed;

/// A character of a name that nobody sees, or that turns the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its character {place}, U+{code:04X}, shows nothing or turns the direction of text; leave it out")]
pub struct Deceptive {
    /// Which one it is, counted from one.
    pub place: usize,
    /// Its code point.
    pub code: u32,
}

/// The longest name that somebody may give, in characters.
pub const LONGEST_NAME: usize = 100;

/// Why something cannot be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// People do not see all of it.
    #[error(transparent)]
    Deceptive(#[from] Deceptive),
    /// It is blank, or too long.
    #[error("a name has 1 to {LONGEST_NAME} characters, and not blanks alone")]
    Length,
}

/// The longest of what strangers chose that people are shown beside other things, in characters.
pub const LONGEST_SHOWN: usize = 80;

const JOINER: char = '\u{200d}';
/// The flags of the parts of countries that people have: the black flag, and letters that nobody sees.
const FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// What people see of `text`, as one line.
pub fn seen(text: &str) -> impl Iterator<Item = char> {
    let shown = |Read { character, is_seen }| match is_seen {
        true => Some(character),
        false => character.is_whitespace().then_some(' '),
    };
    Reading::of(text).filter_map(shown)
}

/// The text with a `?` for everything that people do not see.
pub fn marked(text: &str) -> String {
    Reading::of(text).map(|read| if read.is_seen { read.character } else { '?' }).collect()
}

/// The text as one word of a shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// That people see all of `name`.
///
/// # Errors
/// [`Deceptive`] names the first character of which that is not so.
pub fn check(name: &str) -> Result<(), Deceptive> {
    let mut places = (1..).zip(Reading::of(name));
    match places.find(|(_, read)| !read.is_seen) {
        None => Ok(()),
        Some((place, read)) => Err(Deceptive { place, code: read.character.into() }),
    }
}

/// `typed` in the one form in which names are kept and compared: composed (Unicode Standard Annex 15, NFC), a single blank
/// between its words and none around them.
///
/// # Errors
/// [`Deceptive`], as [`check`] has it.
pub fn name(typed: &str) -> Result<String, Deceptive> {
    check(typed)?;
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(typed);
    Ok(composed.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What something is called by whoever types it in: a name that people see, and know again, in the one form of names.
///
/// # Errors
/// [`BadName`].
pub fn given(typed: &str) -> Result<String, BadName> {
    let name = name(typed.trim())?;
    let is_one = (1..=LONGEST_NAME).contains(&name.chars().count());
    is_one.then_some(name).ok_or(BadName::Length)
}

/// A character, and whether people see it, or what it does to those beside it.
#[derive(Clone, Copy)]
struct Read {
    character: char,
    is_seen: bool,
}

/// A text that is read from its beginning to its end.
struct Reading<'a> {
    rest: &'a str,
    /// What was seen last and shows something by itself; nothing behind a joiner.
    before: Option<char>,
    /// Whether its form was selected.
    is_selected: bool,
    /// How many bytes are left of a flag.
    of_flag: usize,
}

impl<'a> Reading<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text, before: None, is_selected: false, of_flag: 0 }
    }

    fn sees(&mut self, this: char, next: Option<char>) -> bool {
        match kind(this) {
            Kind::Shown => {
                (self.before, self.is_selected) = (Some(this), false);
                true
            }
            Kind::Joiner => {
                let joins = self.before.is_some_and(|before| joins(before, this, next));
                self.before = self.before.filter(|_| !joins);
                joins
            }
            Kind::Selector => {
                let selects = self.before.is_some_and(|before| selects(before, this, next));
                let is_first = !std::mem::replace(&mut self.is_selected, true);
                selects && is_first
            }
            Kind::Hidden => false,
        }
    }
}

impl Iterator for Reading<'_> {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        if let Some(flag) = FLAGS.iter().find(|flag| self.rest.starts_with(**flag)) {
            self.of_flag = flag.len();
        }
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        let is_seen = self.of_flag > 0 || self.sees(character, characters.next());
        self.of_flag = self.of_flag.saturating_sub(character.len_utf8());
        Some(Read { character, is_seen })
    }
}

/// What a character is to people.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Shown,
    /// It shows nothing, and changes how those beside it are joined.
    Joiner,
    /// It shows nothing, and selects a form of what stands before it.
    Selector,
    Hidden,
}

fn kind(character: char) -> Kind {
    match character {
        '\u{200c}' | JOINER => Kind::Joiner,
        '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Kind::Selector,
        _ if character.is_control() || turns(character) || shows_nothing(character) => Kind::Hidden,
        _ => Kind::Shown,
    }
}

fn turns(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shows_nothing(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{200b}' | '\u{2028}' | '\u{2029}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a joiner is part of a word or a picture there.
fn joins(before: char, joiner: char, after: Option<char>) -> bool {
    // Letters without a vowel have a form of their own, also at the end of a word.
    if joiner == JOINER && silences_a_vowel(before) {
        return true;
    }
    let is_part = |character: char| kind(character) == Kind::Shown && !character.is_whitespace();
    after.filter(|after| is_part(*after) && is_part(before)).is_some_and(|after| {
        // A word of another script may have such an ending.
        has_joiners(before) || has_joiners(after) || is_picture(before) && is_picture(after)
    })
}

/// Letters of Arabic, of India and its neighbours, and others that join or not.
fn has_joiners(character: char) -> bool {
    matches!(
        character,
        '\u{600}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{1900}'..='\u{1cff}' | '\u{a800}'..='\u{aaff}'
            | '\u{abc0}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{11fff}'
            | '\u{1e900}'..='\u{1e95f}'
    )
}

/// Viramas of the scripts in which they are followed by joiners.
fn silences_a_vowel(character: char) -> bool {
    matches!(
        character,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
    )
}

fn is_picture(character: char) -> bool {
    matches!(
        character,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{2bff}' | '\u{3030}'
            | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

/// Whether there are several forms of what stands before a selector.
fn selects(before: char, selector: char, after: Option<char>) -> bool {
    match before {
        '\u{1800}'..='\u{18af}' => matches!(selector, '\u{180b}'..='\u{180f}'),
        // The caps of keys.
        '0'..='9' | '#' | '*' => selector == '\u{fe0f}' && after == Some('\u{20e3}'),
        // Han has those of both kinds.
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
            selector >= '\u{fe00}'
        }
        _ => is_picture(before) && matches!(selector, '\u{fe00}'..='\u{fe0f}'),
    }
}
