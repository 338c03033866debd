//! Looking for secrets in what somebody says, and taking them out.

use std::cell::OnceCell;
use std::fmt;
use std::mem::take;
use std::ops::Range;
use std::sync::OnceLock;

use memchr::memmem::Finder;
use serde_json::{Map, Number, Value};
use zeroize::{Zeroize, Zeroizing};

use super::forms::{SHORTEST, closed, forms, shortest_form};
use super::readings::{Reading, closed_up, is_escaped, places_read, read, unescaped, whole_escapes};

const REDACTED: &str = "[redacted]";
/// The smallest number that is no shorter than [`SHORTEST`].
const SHORTEST_NUMBER: u64 = 10_u64.pow(SHORTEST as u32 - 1);

/// Secrets that somebody was told, who may repeat them. Wiped on drop, `[redacted]` in every print.
///
/// It is made once for all that is to be cleaned. To clean something takes time in proportion to its length and to the number
/// of secrets; no forms of them are made before there is a text that one fits into.
#[derive(Clone, Default)]
pub struct Redaction {
    secrets: Vec<Zeroizing<String>>,
    forms: OnceLock<Vec<Zeroizing<String>>>,
}

impl Redaction {
    /// Of these secrets. Whoever knows that one is none, or no more than a word, leaves it out; those that are shorter than
    /// eight bytes are found where they are words of their own.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        Self { secrets: secrets.map(|secret| Zeroizing::new(secret.to_owned())).collect(), ..Self::default() }
    }

    /// Has it be of the secrets of `other`, too.
    pub fn add(&mut self, other: Self) {
        let new = other.secrets.into_iter().filter(|secret| !self.secrets.contains(secret));
        let new: Vec<_> = new.collect();
        if !new.is_empty() {
            self.secrets.extend(new);
            self.forms.take();
        }
    }

    /// What somebody says of something, with `[redacted]` wherever one of the secrets is quoted, or most of one at its end; also
    /// where blanks, line breaks, colons or hyphens divide it, and where it was escaped twice.
    pub fn clean_text(&self, text: String) -> String {
        self.clean_words(text, Cut::Half)
    }

    /// The same, with `[redacted]` also for as much of one at its end as tells it from words.
    pub(super) fn clean_to_the_end(&self, text: String) -> String {
        self.clean_words(text, Cut::Anywhere)
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|secret| secret.as_str())
    }

    fn clean_words(&self, mut text: String, cut: Cut) -> String {
        let closed = closed(self.forms().iter().map(|form| form.as_str()));
        let closed = needles(closed.iter().map(|form| form.as_slice()));
        Search { closed, cut, times: 2, ..self.search() }.clean_text(&mut text);
        text
    }

    /// The value with `[redacted]` wherever one of the secrets is quoted in a text, names of members included, and in the place of
    /// a number that is one.
    pub fn clean(&self, mut value: Value) -> Value {
        self.search().clean_value(&mut value);
        value
    }

    /// The same of members.
    pub fn clean_members(&self, members: Map<String, Value>) -> Map<String, Value> {
        self.search().clean_members(members)
    }

    fn search(&self) -> Search<'_> {
        Search { redaction: self, needles: OnceCell::new(), closed: Vec::new(), cut: Cut::Told, times: 1 }
    }

    fn forms(&self) -> &[Zeroizing<String>] {
        self.forms.get_or_init(|| self.secrets.iter().flat_map(|secret| forms(secret)).collect())
    }

    /// Whether `text` has room for one of them, in whichever form.
    fn fits_into(&self, text: &str) -> bool {
        let fits = |secret: &Zeroizing<String>| text.len() >= shortest_form(secret);
        self.secrets.iter().any(fits) || (text.len() >= SHORTEST && trailing_dots(text.as_bytes()) > 0)
    }
}

/// These forms made ready, the shortest first.
fn needles<'a>(forms: impl Iterator<Item = &'a [u8]>) -> Vec<Needle<'a>> {
    let mut needles: Vec<_> = forms.map(Needle::of).collect();
    needles.sort_by_key(|needle| needle.form.len());
    needles
}

/// What at the end of a text is taken for a secret that was cut there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// What tells it from words, where the text says that it was cut.
    Told,
    /// That, and half of it without a sign.
    Half,
    /// What tells it from words.
    Anywhere,
}

/// A form of a secret; it is made ready to be looked for where it is first.
struct Needle<'a> {
    form: &'a [u8],
    whole: OnceCell<Finder<'a>>,
    beginning: OnceCell<Finder<'a>>,
}

impl<'a> Needle<'a> {
    fn of(form: &'a [u8]) -> Self {
        Self { form, whole: OnceCell::new(), beginning: OnceCell::new() }
    }

    fn whole(&self) -> &Finder<'a> {
        self.whole.get_or_init(|| Finder::new(self.form))
    }

    /// As much of it as tells it from words; none where it is no longer than a word itself.
    fn beginning(&self) -> Option<&Finder<'a>> {
        let beginning = self.form.get(..SHORTEST)?;
        Some(self.beginning.get_or_init(|| Finder::new(beginning)))
    }

    fn is_number(&self) -> bool {
        self.form.len() >= SHORTEST && self.form.iter().all(u8::is_ascii_digit)
    }

    /// Where it is in a text, and where the text ends with the beginning of it.
    fn places(&self, text: &Text<'_>, places: &mut Vec<Range<usize>>) {
        let place = |start| start..start + self.form.len();
        let found = (self.form.len() <= text.bytes.len()).then(|| self.whole().find_iter(text.bytes));
        let found = found.into_iter().flatten().map(place);
        match self.form.len() < SHORTEST {
            true => places.extend(found.filter(|place| is_word(place, text.bytes))),
            false => {
                places.extend(found);
                places.extend(self.cut(text));
            }
        }
    }

    /// Where the text ends with no more than the beginning of it.
    fn cut(&self, text: &Text<'_>) -> Option<Range<usize>> {
        let shortest = match text.cut {
            Cut::Anywhere => SHORTEST,
            Cut::Half => SHORTEST.max(self.form.len().div_ceil(2)),
            Cut::Told => return None,
        };
        let tail = text.whole.saturating_sub(self.form.len() - 1);
        let starts = self.beginning()?.find_iter(&text.bytes[tail..text.whole]).map(|start| tail + start);
        let places = starts.map(|start| start..text.end);
        places
            .filter(|place| place.len() >= shortest)
            .find(|place| self.form.starts_with(&text.bytes[place.start..text.whole]))
    }
}

/// A text that is looked through.
struct Text<'a> {
    bytes: &'a [u8],
    /// Where it ends, but for what says that it was cut.
    end: usize,
    /// The same without an escape that may have been cut there.
    whole: usize,
    cut: Cut,
}

impl<'a> Text<'a> {
    fn of(bytes: &'a [u8], cut: Cut) -> Self {
        let dots = trailing_dots(bytes);
        let end = bytes.len() - dots;
        let cut = if dots > 0 { Cut::Anywhere } else { cut };
        let whole = if cut == Cut::Told { end } else { whole_escapes(&bytes[..end]) };
        Self { bytes, end, whole, cut }
    }

    fn places(&self, needles: &[Needle<'_>]) -> Vec<Range<usize>> {
        let fits = |needle: &&Needle<'_>| self.cut != Cut::Told || needle.form.len() <= self.bytes.len();
        let mut places = Vec::new();
        needles.iter().take_while(fits).for_each(|needle| needle.places(self, &mut places));
        places
    }
}

/// All that is looked for in what somebody says.
struct Search<'a> {
    redaction: &'a Redaction,
    needles: OnceCell<Vec<Needle<'a>>>,
    /// The same with nothing that divides them, where what is divided is looked through.
    closed: Vec<Needle<'a>>,
    cut: Cut,
    /// How often what is looked through may have been escaped.
    times: usize,
}

impl<'a> Search<'a> {
    fn needles(&self) -> &[Needle<'a>] {
        self.needles.get_or_init(|| needles(self.redaction.forms().iter().map(|form| form.as_bytes())))
    }

    fn clean_members(&self, members: Map<String, Value>) -> Map<String, Value> {
        let has_secrets = |name: &String| !self.places(name).is_empty();
        let clean_name = |mut name: String| {
            self.clean_text(&mut name);
            name
        };
        let mut members = match members.keys().any(has_secrets) {
            true => members.into_iter().map(|(name, value)| (clean_name(name), value)).collect(),
            false => members,
        };
        members.values_mut().for_each(|value| self.clean_value(value));
        members
    }

    fn clean_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.clean_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            Value::Object(members) => *members = self.clean_members(take(members)),
            Value::Number(number) if self.is_secret(number) => *value = REDACTED.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn is_secret(&self, number: &Number) -> bool {
        let has_its_length = number.as_i64().is_none_or(|number| number.unsigned_abs() >= SHORTEST_NUMBER);
        has_its_length && {
            let mut numbers = self.needles().iter().filter(|needle| needle.is_number()).peekable();
            numbers.peek().is_some() && {
                let text = number.to_string();
                numbers.any(|needle| needle.form == text.as_bytes())
            }
        }
    }

    fn clean_text(&self, text: &mut String) {
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
        if self.cut == Cut::Told && !self.redaction.fits_into(text) {
            return Vec::new();
        }
        let whole =
            |place: Range<usize>| text.floor_char_boundary(place.start)..text.ceil_char_boundary(place.end);
        joined(self.places_in(text.as_bytes(), self.times).into_iter().map(whole).collect())
    }

    /// Where they are in what may have been escaped so many times.
    fn places_in(&self, bytes: &[u8], times: usize) -> Vec<Range<usize>> {
        let mut places = Text::of(bytes, self.cut).places(self.needles());
        if !self.closed.is_empty() {
            let closed = |read: &[u8]| Text::of(read, self.cut).places(&self.closed);
            places.extend(places_in_what(bytes, closed_up, closed));
        }
        if times > 0 && is_escaped(bytes) {
            places.extend(places_in_what(bytes, unescaped, |read| self.places_in(read, times - 1)));
        }
        places
    }
}

/// Where in `bytes` that is which `find` finds in what they stand for.
fn places_in_what(
    bytes: &[u8],
    reading: Reading,
    find: impl FnOnce(&[u8]) -> Vec<Range<usize>>,
) -> Vec<Range<usize>> {
    let found = find(&read(bytes, reading));
    if found.is_empty() { found } else { places_read(bytes, reading, &found) }
}

/// How many bytes say that a text goes on: an ellipsis, or more dots than end a sentence.
fn trailing_dots(text: &[u8]) -> usize {
    match text.strip_suffix("…".as_bytes()) {
        Some(_) => "…".len(),
        None => Some(text.iter().rev().take_while(|byte| **byte == b'.').count())
            .filter(|dots| *dots > 1)
            .unwrap_or(0),
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
