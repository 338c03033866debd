//! Looking for secrets in what somebody says, and taking them out.

use std::cell::OnceCell;
use std::fmt;
use std::mem::take;
use std::ops::Range;
use std::sync::OnceLock;

use memchr::memmem::find_iter;
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
        let closed = Needles::of(closed.iter().map(|form| form.as_slice()));
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
        Search {
            redaction: self,
            needles: OnceCell::new(),
            closed: Needles::of([].into_iter()),
            cut: Cut::Told,
            times: 1,
        }
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

/// Forms of secrets, made ready to be looked for all at once.
struct Needles<'a> {
    /// Those that are too short to be told from words.
    short: Vec<&'a [u8]>,
    /// The others, in order.
    long: Vec<&'a [u8]>,
    /// The marks of their beginnings: most that is none has no mark here.
    marks: u64,
}

/// As much of a form as tells it from words.
type Beginning = [u8; SHORTEST];

impl<'a> Needles<'a> {
    fn of(forms: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut needles = Self { short: Vec::new(), long: Vec::new(), marks: 0 };
        for form in forms {
            match form.first_chunk() {
                Some(beginning) => {
                    needles.long.push(form);
                    needles.marks |= mark(beginning);
                }
                None => needles.short.push(form),
            }
        }
        needles.long.sort_unstable();
        needles
    }

    fn is_empty(&self) -> bool {
        self.short.is_empty() && self.long.is_empty()
    }

    /// Whether a number as it is written is one of them.
    fn has_number(&self, digits: impl FnOnce() -> String) -> bool {
        let is_number = |form: &&&[u8]| form.iter().all(u8::is_ascii_digit);
        let mut numbers = self.long.iter().filter(is_number).peekable();
        numbers.peek().is_some() && {
            let digits = digits();
            numbers.any(|form| *form == digits.as_bytes())
        }
    }

    /// Where they are in a text, and where the text ends with the beginning of one.
    fn places(&self, text: &Text<'_>) -> Vec<Range<usize>> {
        let of_word = |form: &&'a [u8]| {
            let length = form.len();
            find_iter(text.bytes, *form).map(move |start| start..start + length)
        };
        let words = self.short.iter().flat_map(of_word).filter(|place| is_word(place, text.bytes));
        let others = text.bytes.windows(SHORTEST).enumerate().flat_map(|(start, bytes)| {
            let beginning = bytes.first_chunk().expect("a window is as long as a beginning");
            self.beginning_so(beginning).iter().filter_map(move |form| text.place(start, form))
        });
        words.chain(others).collect()
    }

    /// Those that begin so.
    fn beginning_so(&self, beginning: &Beginning) -> &[&'a [u8]] {
        if self.marks & mark(beginning) == 0 {
            return &[];
        }
        let from = self.long.partition_point(|form| form[..SHORTEST] < beginning[..]);
        let many = self.long[from..].iter().take_while(|form| form.starts_with(beginning)).count();
        &self.long[from..from + many]
    }
}

/// One bit, which those that begin so have in common.
fn mark(beginning: &Beginning) -> u64 {
    // The upper bits of such a product are of all of it (Knuth, The Art of Computer Programming, 6.4).
    1 << (u64::from_le_bytes(*beginning).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
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

    /// Where the form is that begins at `start` as something there does: the whole of it, or no more than its beginning, with
    /// which the text ends.
    fn place(&self, start: usize, form: &[u8]) -> Option<Range<usize>> {
        if self.bytes[start..].starts_with(form) {
            return Some(start..start + form.len());
        }
        let shortest = match self.cut {
            Cut::Anywhere => SHORTEST,
            Cut::Half => SHORTEST.max(form.len().div_ceil(2)),
            Cut::Told => return None,
        };
        let beginning = self.bytes.get(start..self.whole).filter(|beginning| beginning.len() >= SHORTEST)?;
        (form.starts_with(beginning) && self.end - start >= shortest).then_some(start..self.end)
    }
}

/// All that is looked for in what somebody says.
struct Search<'a> {
    redaction: &'a Redaction,
    needles: OnceCell<Needles<'a>>,
    /// The same with nothing that divides them, where what is divided is looked through.
    closed: Needles<'a>,
    cut: Cut,
    /// How often what is looked through may have been escaped.
    times: usize,
}

impl<'a> Search<'a> {
    fn needles(&self) -> &Needles<'a> {
        self.needles.get_or_init(|| Needles::of(self.redaction.forms().iter().map(|form| form.as_bytes())))
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
        has_its_length && self.needles().has_number(|| number.to_string())
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
        let mut places = self.needles().places(&Text::of(bytes, self.cut));
        if !self.closed.is_empty() {
            let closed = |read: &[u8]| self.closed.places(&Text::of(read, self.cut));
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
