//! Looking for secrets in what somebody says, and taking them out.

use std::fmt;
use std::mem::take;
use std::ops::Range;

use memchr::memmem;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::forms::{SHORTEST, forms};
use super::unquoted::{quoted, unquoted};

const REDACTED: &str = "[redacted]";

/// Secrets that somebody was told, who may repeat them. Wiped on drop, `[redacted]` in every print.
///
/// It is made once for all that is to be cleaned. To clean a text takes time in proportion to its length and to the number
/// of secrets.
#[derive(Clone, Default)]
pub struct Redaction(Vec<Zeroizing<String>>);

impl Redaction {
    /// Of these secrets. Whoever knows that one is none, or no more than a word, leaves it out; those that are shorter than
    /// eight bytes are found where they are words of their own.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self(secrets.into_iter().flat_map(forms).collect())
    }

    /// Has it be of the secrets of `other`, too.
    pub fn add(&mut self, other: Self) {
        let new = other.0.into_iter().filter(|form| !self.0.contains(form));
        let new: Vec<_> = new.collect();
        self.0.extend(new);
    }

    /// The text with `[redacted]` wherever one of the secrets is quoted.
    pub fn clean_text(&self, mut text: String) -> String {
        self.clean_in_place(&mut text);
        text
    }

    /// The same of every text in the value, names of members included.
    pub fn clean(&self, mut value: Value) -> Value {
        self.clean_value(&mut value);
        value
    }

    /// The same of members.
    pub fn clean_members(&self, members: Map<String, Value>) -> Map<String, Value> {
        let has_secrets = |name: &String| !self.places(name).is_empty();
        let mut members = match members.keys().any(has_secrets) {
            true => members.into_iter().map(|(name, value)| (self.clean_text(name), value)).collect(),
            false => members,
        };
        members.values_mut().for_each(|value| self.clean_value(value));
        members
    }

    fn clean_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.clean_in_place(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            Value::Object(members) => *members = self.clean_members(take(members)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn clean_in_place(&self, text: &mut String) {
        let places = self.places(text);
        if places.is_empty() {
            return;
        }
        let mut clean = String::with_capacity(text.len());
        let mut after = 0;
        for place in places {
            clean.push_str(&text[after..place.start]);
            clean.push_str(REDACTED);
            after = place.end;
        }
        clean.push_str(&text[after..]);
        text.zeroize();
        *text = clean;
    }

    /// Where secrets are, in order; no two places have anything in common.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = self.places_in(text.as_bytes());
        if let Some(unquoted) = unquoted(text) {
            let unquoted = self.places_in(&unquoted);
            if !unquoted.is_empty() {
                places.extend(quoted(text, &unquoted));
            }
        }
        let whole =
            |place: Range<usize>| text.floor_char_boundary(place.start)..text.ceil_char_boundary(place.end);
        joined(places.into_iter().map(whole).collect())
    }

    fn places_in(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.0.iter().flat_map(|form| places_of(form.as_bytes(), text)).collect()
    }
}

/// Where a form of a secret is in a text, and where the text ends with the beginning of it.
fn places_of(form: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let place = |start| start..start + form.len();
    let Some(beginning) = form.get(..SHORTEST) else {
        let places = memmem::find_iter(text, form).map(place);
        return places.filter(|place| is_word(place, text)).collect();
    };
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let mut places: Vec<_> = memmem::find_iter(text, form).map(place).collect();
    let end = text.len() - trailing_dots(text);
    let tail = end.saturating_sub(form.len() - 1);
    let beginnings = memmem::find_iter(&text[tail.min(end)..end], beginning).map(|start| tail + start);
    places.extend(beginnings.filter(|start| form.starts_with(&text[*start..end])).map(|start| start..end));
    places
}

/// How many bytes say that a text goes on.
fn trailing_dots(text: &[u8]) -> usize {
    match text.strip_suffix("…".as_bytes()) {
        Some(_) => "…".len(),
        None => text.iter().rev().take_while(|byte| **byte == b'.').count(),
    }
}

/// Whether neither a letter nor a digit stands beside it.
fn is_word(place: &Range<usize>, text: &[u8]) -> bool {
    let is_letter =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    let before = place.start.checked_sub(1).and_then(|before| text.get(before));
    !is_letter(before) && !is_letter(text.get(place.end))
}

/// The places in order, those that have something in common as one.
fn joined(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_unstable_by_key(|place| place.start);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match joined.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => joined.push(place),
        }
    }
    joined
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}
