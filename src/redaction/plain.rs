//! The plain words of what a stranger said.

use std::fmt;
use std::net::Ipv4Addr;

use super::Redaction;

/// The longest text that is kept, in bytes.
const LONGEST: usize = 200;
/// The longest word, number, and compound of several between blanks.
const LONGEST_WORD: usize = 20;
const LONGEST_NUMBER: usize = 4;
const LONGEST_COMPOUND: usize = 40;
/// Fewer letters are a crumb, and so many crumbs in a row are parts of something.
const SHORTEST_WORD: usize = 3;
const CRUMBS: usize = 5;
/// Fewer letters between what is no word may look like words by chance.
const SHORTEST_RUN: usize = 6;
/// What stands for everything else.
const ELSE: &str = "…";

/// What a stranger said, fit for logs, receipts and pages: words of letters, small numbers and simple signs. `…` stands for
/// everything else, so that the encodings in use leave nothing of a secret; who knows one can still spell it out in words. It has
/// no quotes, no angle brackets, no ampersand and no control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain(String);

impl Plain {
    /// The plain words of `text`, in 200 bytes at most. Takes time in proportion to its length.
    pub fn of(text: &str) -> Self {
        let mut words: Vec<_> = text.split(is_blank).filter(|text| !text.is_empty()).map(Word::of).collect();
        leave_out_rows(&mut words);
        leave_out_what_may_be_chance(&mut words);
        words.dedup_by(|next, word| next.is_else() && word.is_else());
        let mut plain = String::new();
        for Word { text, .. } in words {
            let is_full = plain.len() + text.len() > LONGEST - " ".len() - " …".len();
            let text = if is_full { ELSE } else { text };
            if !plain.is_empty() {
                plain.push(' ');
            }
            plain.push_str(text);
            if is_full {
                break;
            }
        }
        Self(plain)
    }

    /// The same of an answer to what carried these secrets, in which nothing comes back of them.
    pub fn of_answer(text: &str, sent: &Redaction) -> Self {
        Self::of(&sent.clean_to_the_end(text.to_owned()))
    }

    /// The same of the name of a host, label by label; an address of four numbers is shown as it is.
    pub fn of_host(host: &str) -> Self {
        let label = |label| if Word::of(label).letters > 0 { label } else { ELSE };
        match host.parse::<Ipv4Addr>() {
            Ok(address) => Self(address.to_string()),
            Err(_) => Self(host.split('.').map(label).collect::<Vec<_>>().join(".")),
        }
    }

    /// The text itself; it may be empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What stands between two blanks.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    kind: Kind,
    letters: usize,
    is_number: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Chance alone makes it seldom: four letters or more, small ones and a vowel among them.
    Sure,
    /// Small letters and signs.
    Small,
    /// Numbers, capitals and signs, which may be a part of something.
    Part,
    Else,
}

impl<'a> Word<'a> {
    const ELSE: Self = Self { text: ELSE, kind: Kind::Else, letters: 0, is_number: false };

    fn of(text: &'a str) -> Self {
        let parts = || text.as_bytes().split(|byte| is_sign(*byte)).filter(|part| !part.is_empty());
        let numbers = parts().filter(|part| is_number(part)).count();
        let words = || parts().filter(|part| !is_number(part));
        let crumbs = words().filter(|word| word.len() < SHORTEST_WORD).count();
        if text.len() > LONGEST_COMPOUND || numbers > 1 || crumbs > 2 || !words().all(has_the_shape_of_a_word)
        {
            return Self::ELSE;
        }
        let letters = words().map(<[u8]>::len).sum();
        let kind = match words().flatten().all(u8::is_ascii_lowercase) {
            _ if words().any(is_sure) => Kind::Sure,
            true if numbers == 0 && letters > 0 => Kind::Small,
            _ => Kind::Part,
        };
        Self { text, kind, letters, is_number: numbers > 0 && letters < SHORTEST_WORD }
    }

    fn is_else(&self) -> bool {
        self.kind == Kind::Else
    }
}

/// Quotes and angle brackets stand around words.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "\"'`<>‘’“”".contains(character)
}

fn is_sign(byte: u8) -> bool {
    b".,;:!?()[]{}=/_-".contains(&byte)
}

fn is_number(part: &[u8]) -> bool {
    part.len() <= LONGEST_NUMBER && part.iter().all(u8::is_ascii_digit)
}

/// `word`, `Word`, `WORD`, or several in one: `someWord`.
fn has_the_shape_of_a_word(part: &[u8]) -> bool {
    let mut words = part.chunk_by(|_, letter| letter.is_ascii_lowercase());
    let is_one = words.clone().count() == 1;
    let is_in_capitals = part.len() <= LONGEST_WORD && part.iter().all(u8::is_ascii_uppercase);
    let has_the_length_of_one =
        |word: &[u8]| word.len() <= LONGEST_WORD && (is_one || word.len() >= SHORTEST_WORD);
    part.iter().all(u8::is_ascii_alphabetic) && (is_in_capitals || words.all(has_the_length_of_one))
}

fn is_sure(word: &[u8]) -> bool {
    word.len() > SHORTEST_WORD
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().any(|letter| b"aeiouy".contains(&letter.to_ascii_lowercase()))
}

/// Leaves out rows of numbers, and long ones of what is shorter than a word: they are parts of something.
fn leave_out_rows(words: &mut [Word<'_>]) {
    let leave_out = |run: &mut [Word<'_>], fewest| {
        if run.len() >= fewest {
            run.fill(Word::ELSE);
        }
    };
    let numbers = words.chunk_by_mut(|word, next| word.is_number && next.is_number);
    numbers.for_each(|run| leave_out(run, 2));
    let is_crumb = |word: &Word<'_>| !word.is_else() && word.letters < SHORTEST_WORD;
    let crumbs = words.chunk_by_mut(|word, next| is_crumb(word) && is_crumb(next));
    crumbs.for_each(|run| leave_out(run, CRUMBS));
}

/// Leaves out what may be a part of what is no word beside it, and the rest between two of those where it may be words by
/// chance.
fn leave_out_what_may_be_chance(words: &mut [Word<'_>]) {
    let all = words.len();
    let mut at = 0;
    for run in words.chunk_by_mut(|word, next| word.is_else() == next.is_else()) {
        let (is_first, is_last) = (at == 0, at + run.len() == all);
        at += run.len();
        let is_part = |word: &&mut Word<'_>| word.kind == Kind::Part;
        if !is_first {
            run.iter_mut().take_while(is_part).for_each(|word| *word = Word::ELSE);
        }
        if !is_last {
            run.iter_mut().rev().take_while(is_part).for_each(|word| *word = Word::ELSE);
        }
        let letters: usize = run.iter().map(|word| word.letters).sum();
        let is_said = letters >= SHORTEST_RUN && run.iter().any(|word| word.kind == Kind::Sure);
        let is_all = is_first && is_last;
        if !is_said && !is_all {
            run.fill(Word::ELSE);
        }
    }
}
