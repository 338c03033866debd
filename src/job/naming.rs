//! From a directory's name to its job type: `list-events-by-user` is `ListEventsByUser` (`spec/endo.md` 2.11).

use super::accents::without_accent;
use crate::message::JobType;

/// The job type of the directory `name`, by the rules of lodash's `upperFirst(camelCase(name))`.
pub(super) fn job_type(name: &str) -> JobType {
    let letters: Vec<char> = name.chars().filter(|c| !is_unseen(*c)).flat_map(without_accent).collect();
    JobType::from(words(&letters).iter().map(|word| capitalised(word)).collect::<String>())
}

/// Apostrophes and combining accents do not part words, nor do they stay.
fn is_unseen(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{300}'..='\u{36f}' | '\u{fe20}'..='\u{fe2f}')
}

fn capitalised(word: &[char]) -> String {
    let lower: String = word.iter().flat_map(|c| c.to_lowercase()).collect();
    let mut rest = lower.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Upper,
    Lower,
    Digit,
    Other,
    Break,
}

fn kind(c: char) -> Kind {
    match c {
        'A'..='Z' => Kind::Upper,
        'a'..='z' => Kind::Lower,
        '0'..='9' => Kind::Digit,
        '\0'..='\u{bf}' | '×' | '÷' | '\u{2000}'..='\u{206f}' => Kind::Break,
        c if c.is_whitespace() => Kind::Break,
        _ => Kind::Other,
    }
}

fn words(letters: &[char]) -> Vec<&[char]> {
    let mut words = Vec::new();
    let mut rest = letters;
    while let Some(first) = rest.first() {
        if kind(*first) == Kind::Break {
            rest = &rest[1..];
            continue;
        }
        let (word, after) = rest.split_at(word_length(rest));
        words.push(word);
        rest = after;
    }
    words
}

/// The length of the word at the beginning; at least one, for `letters` begins with no break.
fn word_length(letters: &[char]) -> usize {
    let kinds: Vec<Kind> = letters.iter().map(|c| kind(*c)).collect();
    title_word(&kinds)
        .or_else(|| upper_word(&kinds))
        .or_else(|| lower_word(&kinds))
        .or_else(|| ordinal(letters))
        .unwrap_or_else(|| run(&kinds, |kind| kind == kinds[0]).max(1))
}

fn run(kinds: &[Kind], belongs: impl Fn(Kind) -> bool) -> usize {
    kinds.iter().take_while(|kind| belongs(**kind)).count()
}

fn starts_upper(kinds: &[Kind]) -> usize {
    usize::from(kinds.first() == Some(&Kind::Upper))
}

/// `Get` or `get`, where a break, an upper-case letter or the end follows.
fn title_word(kinds: &[Kind]) -> Option<usize> {
    let upper = starts_upper(kinds);
    let lower = run(&kinds[upper..], |kind| kind == Kind::Lower);
    let end = upper + lower;
    (lower > 0 && matches!(kinds.get(end), None | Some(Kind::Break | Kind::Upper))).then_some(end)
}

/// `HTTP`, where a break, a word such as `Get` or the end follows.
fn upper_word(kinds: &[Kind]) -> Option<usize> {
    let longest = run(kinds, |kind| matches!(kind, Kind::Upper | Kind::Other));
    (1..=longest).rev().find(|end| match kinds.get(*end) {
        None | Some(Kind::Break) => true,
        Some(Kind::Upper) => matches!(kinds.get(end + 1), Some(Kind::Lower | Kind::Other)),
        Some(_) => false,
    })
}

/// `v` of `v2`, or letters of scripts without upper case.
fn lower_word(kinds: &[Kind]) -> Option<usize> {
    let upper = starts_upper(kinds);
    let lower = run(&kinds[upper..], |kind| matches!(kind, Kind::Lower | Kind::Other));
    (lower > 0).then_some(upper + lower)
}

/// `1st`, `22nd`, `11th`: one word.
fn ordinal(letters: &[char]) -> Option<usize> {
    let digits = letters.iter().take_while(|c| c.is_ascii_digit()).count();
    let suffix: String = letters.get(digits..digits + 2)?.iter().collect();
    let case_goes_on = |c: &char| match suffix.chars().all(|c| c.is_ascii_lowercase()) {
        true => c.is_ascii_lowercase() || c.is_ascii_digit(),
        false => c.is_ascii_uppercase() || c.is_ascii_digit(),
    };
    let fits = match letters[..digits].last()? {
        '1' => matches!(&*suffix, "st" | "ST"),
        '2' => matches!(&*suffix, "nd" | "ND"),
        '3' => matches!(&*suffix, "rd" | "RD"),
        _ => matches!(&*suffix, "th" | "TH"),
    };
    (fits && !letters.get(digits + 2).is_some_and(case_goes_on)).then_some(digits + 2)
}
