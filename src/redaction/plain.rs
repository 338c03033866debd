//! The plain words of what a stranger said.

use std::fmt;

use super::Redaction;
use super::spelling::{self, Spelling};
use super::words::{divided, is_listed};

/// The longest text that is kept, in bytes.
const LONGEST: usize = 200;
/// So few letters beside what is left out may be a part of it.
const CRUMB: usize = 4;
/// What may stand between two words that are kept, and is a blank otherwise.
const SIGNS: &[&str] = &[
    "", "_", "-", "/", ".", ",", ":", ", ", ". ", ": ", "; ", "! ", "? ", " (", ") ", "), ", "). ", "): ",
    " - ",
];
/// The same at the end.
const ENDS: &[&str] = &[".", "!", "?", ")", ")."];
/// What stands for everything else.
const ELSE: &str = "…";

/// What a stranger said, fit for receipts and pages, and for no log, so that no print has any of it: the words of a list that ships
/// with the program, and simple signs between them. `…` stands for everything else. It has no digits, no quotes, no brackets but
/// round ones, no ampersand and no control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain(String);

impl Plain {
    /// The plain words of a text by somebody who was sent these secrets, in 200 bytes at most. No word is left that one of them
    /// is made of, nor are eight letters of one, forwards or backwards, however they are divided. Takes time in proportion to its
    /// length.
    pub fn of(text: &str, sent: &Redaction) -> Self {
        let text = sent.clean_to_the_end(text.to_owned());
        let Reading { mut words, before, end } = Reading::of(&text);
        spelling::leave_out(&mut words, &sent.secrets().map(Spelling::of).collect::<Vec<_>>());
        leave_out_crumbs(&mut words);
        let mut plain = String::new();
        let mut was_word = true;
        for (word, before) in words.iter().zip(before) {
            let sign = if plain.is_empty() { "" } else { " " };
            match word {
                Some(word) => plain.extend([if was_word { before } else { sign }, word]),
                None if was_word => plain.extend([sign, ELSE]),
                None => {}
            }
            was_word = word.is_some();
        }
        if was_word && !plain.is_empty() {
            plain.push_str(end);
        }
        Self(plain)
    }

    /// The text itself; it may be empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether any words are left.
    pub fn has_words(&self) -> bool {
        self.0.contains(|letter: char| letter.is_ascii_alphabetic())
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ELSE)
    }
}

/// A text, word by word.
#[derive(Default)]
struct Reading<'a> {
    /// The words of the list; none stands for something else.
    words: Vec<Option<&'a str>>,
    /// What stands before each.
    before: Vec<&'static str>,
    /// What stands behind the last.
    end: &'static str,
}

impl<'a> Reading<'a> {
    /// As much of a text as there is room for.
    fn of(text: &'a str) -> Self {
        let mut reading = Self::default();
        let mut room = LONGEST - " …".len() - ").".len();
        let mut rest = text;
        loop {
            let (signs, after) = split(rest, |letter| !letter.is_alphanumeric());
            let (run, after) = split(after, char::is_alphanumeric);
            if run.is_empty() {
                reading.end = sign(signs, ENDS).unwrap_or_default();
                return reading;
            }
            let mut before = if reading.words.is_empty() { "" } else { sign(signs, SIGNS).unwrap_or(" ") };
            for word in words(run) {
                let is_more = word.is_some() || reading.words.last().is_none_or(Option::is_some);
                if is_more {
                    room = room.saturating_sub((before.len() + word.map_or(0, str::len)).max(" …".len()));
                    reading.words.push(word.filter(|_| room > 0));
                    reading.before.push(std::mem::take(&mut before));
                }
                if room == 0 {
                    return reading;
                }
            }
            rest = after;
        }
    }
}

/// The longest beginning whose letters are all such, and the rest.
fn split(text: &str, is_such: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !is_such(letter)).unwrap_or(text.len()))
}

/// The words of a run of letters and digits, none where it is something else.
fn words(run: &str) -> Vec<Option<&str>> {
    match run.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        true => divided(run).into_iter().map(|word| Some(word).filter(|word| is_listed(word))).collect(),
        false => vec![None],
    }
}

/// The sign that this is, all blanks being one.
fn sign(signs: &str, known: &[&'static str]) -> Option<&'static str> {
    let mut one = String::new();
    for letter in signs.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }) {
        if letter != ' ' || !one.ends_with(' ') {
            one.push(letter);
        }
    }
    known.iter().find(|known| **known == one).copied()
}

/// Leaves out what is too short between what is left out.
fn leave_out_crumbs(words: &mut [Option<&str>]) {
    let all = words.len();
    for run in words.chunk_by_mut(|word, next| word.is_some() == next.is_some()) {
        let letters: usize = run.iter().flatten().map(|word| word.len()).sum();
        if run.len() < all && letters <= CRUMB {
            run.fill(None);
        }
    }
}
