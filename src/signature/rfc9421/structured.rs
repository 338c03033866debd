//! The structured fields (RFC 9651) that signatures need, read strictly and within bounds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signature::refusal::SyntaxError;

const MAX_BYTES: usize = 8 * 1024;
const MAX_MEMBERS: usize = 8;
const MAX_ITEMS: usize = 32;
const MAX_DIGITS: usize = 15;

/// A dictionary of one inner list of strings: what `Signature-Input` may be.
#[derive(Debug)]
pub(super) struct LabelledList {
    pub(super) label: String,
    pub(super) items: Vec<String>,
    pub(super) parameters: Vec<(String, Value)>,
}

/// The kinds of values that signature parameters have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Integer(i64),
    Text(String),
}

/// Reads a dictionary whose only member is an inner list of strings without parameters of their own.
pub(super) fn labelled_list(field: &[u8]) -> Result<LabelledList, SyntaxError> {
    let mut reader = Reader::new(field)?;
    let label = reader.key()?;
    reader.expect(b'=')?;
    let items = reader.inner_list()?;
    let parameters = reader.parameters()?;
    reader.end()?;
    Ok(LabelledList { label, items, parameters })
}

/// Reads a dictionary of byte sequences: `Signature` and `Content-Digest`.
pub(in crate::signature) fn byte_sequences(field: &[u8]) -> Result<Vec<(String, Vec<u8>)>, SyntaxError> {
    let mut reader = Reader::new(field)?;
    let mut members = Vec::new();
    loop {
        let key = reader.key()?;
        reader.expect(b'=')?;
        add(&mut members, key, reader.bytes()?, MAX_MEMBERS)?;
        if reader.rest.is_empty() {
            return Ok(members);
        }
        reader.skip(b" \t");
        reader.expect(b',')?;
        reader.skip(b" \t");
    }
}

/// Writes a string as RFC 9651 does; it holds printable ASCII only.
pub(super) fn quote(text: &mut String, string: &str) {
    text.push('"');
    for part in string.split_inclusive(['"', '\\']) {
        match part.strip_suffix(['"', '\\']) {
            Some(before) => text.extend([before, "\\", &part[before.len()..]]),
            None => text.push_str(part),
        }
    }
    text.push('"');
}

/// RFC 9651 lets the last of two members with one name win; here the second is refused.
fn add<T>(members: &mut Vec<(String, T)>, key: String, value: T, limit: usize) -> Result<(), SyntaxError> {
    if members.iter().any(|(other, _)| *other == key) {
        return Err(SyntaxError::Doubled);
    }
    if members.len() == limit {
        return Err(SyntaxError::TooLong);
    }
    members.push((key, value));
    Ok(())
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(field: &'a [u8]) -> Result<Self, SyntaxError> {
        if field.len() > MAX_BYTES { Err(SyntaxError::TooLong) } else { Ok(Self { rest: field }) }
    }

    fn next(&mut self) -> Result<u8, SyntaxError> {
        let (first, rest) = self.rest.split_first().ok_or(SyntaxError::Malformed)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.rest.first() == Some(&byte);
        if taken {
            self.rest = &self.rest[1..];
        }
        taken
    }

    fn expect(&mut self, byte: u8) -> Result<(), SyntaxError> {
        if self.take(byte) { Ok(()) } else { Err(SyntaxError::Malformed) }
    }

    fn end(&self) -> Result<(), SyntaxError> {
        if self.rest.is_empty() { Ok(()) } else { Err(SyntaxError::Malformed) }
    }

    fn skip(&mut self, blanks: &[u8]) {
        self.take_while(|byte| blanks.contains(&byte));
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !wanted(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn key(&mut self) -> Result<String, SyntaxError> {
        let key = self
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte));
        match key.first() {
            Some(first) if first.is_ascii_lowercase() || *first == b'*' => Ok(ascii(key).to_owned()),
            _ => Err(SyntaxError::Malformed),
        }
    }

    fn inner_list(&mut self) -> Result<Vec<String>, SyntaxError> {
        self.expect(b'(')?;
        let mut items = Vec::new();
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Ok(items.into_iter().map(|(item, ())| item).collect());
            }
            let item = self.text()?;
            add(&mut items, item, (), MAX_ITEMS)?;
            match self.rest.first() {
                Some(b' ' | b')') => {}
                Some(b';') => return Err(SyntaxError::UnknownParameter),
                _ => return Err(SyntaxError::Malformed),
            }
        }
    }

    fn parameters(&mut self) -> Result<Vec<(String, Value)>, SyntaxError> {
        let mut parameters = Vec::new();
        while self.take(b';') {
            self.skip(b" ");
            let key = self.key()?;
            self.expect(b'=')?;
            add(&mut parameters, key, self.value()?, MAX_MEMBERS)?;
        }
        Ok(parameters)
    }

    fn value(&mut self) -> Result<Value, SyntaxError> {
        if self.rest.first() == Some(&b'"') {
            self.text().map(Value::Text)
        } else {
            self.integer().map(Value::Integer)
        }
    }

    fn integer(&mut self) -> Result<i64, SyntaxError> {
        let sign = if self.take(b'-') { -1 } else { 1 };
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > MAX_DIGITS {
            return Err(SyntaxError::Malformed);
        }
        Ok(sign * digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn text(&mut self) -> Result<String, SyntaxError> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            text += ascii(self.take_while(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte)));
            match self.next()? {
                b'"' => return Ok(text),
                b'\\' => match self.next()? {
                    escaped @ (b'"' | b'\\') => text.push(escaped.into()),
                    _ => return Err(SyntaxError::Malformed),
                },
                _ => return Err(SyntaxError::Malformed),
            }
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>, SyntaxError> {
        self.expect(b':')?;
        let digits = self.take_while(|byte| byte != b':');
        self.expect(b':')?;
        STANDARD.decode(digits).map_err(|_| SyntaxError::Malformed)
    }
}

fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("nothing but ASCII was taken")
}
