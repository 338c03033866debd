//! The words of the list, and how a text is divided into such.

use std::cmp::Ordering;

/// One a line, sorted; what begins with `#`, before all of them, says how it was gathered.
const LIST: &str = include_str!("words.txt");

/// No word of the list is longer, in letters.
pub(super) const LONGEST: usize = 16;
/// Words of the list as people write them.
const WRITTEN: [&str; 3] = ["GitHub", "OAuth", "OpenID"];

/// Whether this is a word of the list, written as words are: small, with a capital, or in capitals.
pub(super) fn is_listed(word: &str) -> bool {
    let is_small = |letters: &[u8]| letters.iter().all(u8::is_ascii_lowercase);
    let is_written = word.bytes().all(|letter| letter.is_ascii_uppercase())
        || word.as_bytes().split_first().is_some_and(|(_, rest)| is_small(rest))
        || WRITTEN.contains(&word);
    word.len() <= LONGEST && is_written && is_in_the_list(&word.to_ascii_lowercase())
}

fn is_in_the_list(word: &str) -> bool {
    let (mut from, mut to) = (0, LIST.len());
    while from < to {
        let middle = from.midpoint(to);
        let start = LIST[from..middle].rfind('\n').map_or(from, |end| from + end + 1);
        let end = LIST[middle..].find('\n').map_or(LIST.len(), |end| middle + end);
        match LIST[start..end].cmp(word) {
            Ordering::Less => from = end + 1,
            Ordering::Equal => return true,
            Ordering::Greater => to = start,
        }
    }
    false
}

/// The words that a run of ASCII letters is: itself, where it is one of the list, else those of `camelCase`.
pub(super) fn divided(letters: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = letters;
    while !rest.is_empty() {
        let length = if is_listed(rest) { rest.len() } else { first_of(rest.as_bytes()) };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after;
    }
    words
}

/// How long the first word is: it ends before a capital that stands behind a small letter, or before a small one.
fn first_of(letters: &[u8]) -> usize {
    let is_capital = |at: usize| letters.get(at).is_some_and(u8::is_ascii_uppercase);
    let is_small = |at: usize| letters.get(at).is_some_and(u8::is_ascii_lowercase);
    let begins = |at: &usize| is_capital(*at) && (is_small(at - 1) || is_small(at + 1));
    (1..letters.len()).find(begins).unwrap_or(letters.len())
}
