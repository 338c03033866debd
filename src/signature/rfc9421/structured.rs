//! The structured fields (RFC 9651) that signatures need, read strictly and within bounds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signature::refusal::SyntaxError;

const MAX_BYTES: usize = 8 * 1024;
const MAX_MEMBERS: usize = 8;
const MAX_ITEMS: usize = 32;
const MAX_DIGITS: usize = 15;

/// An inner list of strings: a member of `Signature-Input`.
#[derive(Debug)]
pub(super) struct InnerList {
    pub(super) items: Vec<Item>,
    /// Nothing stands for a value of a kind that no parameter of ours has.
    pub(super) parameters: Vec<(String, Option<Value>)>,
}

/// One string of an inner list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) text: String,
    pub(super) has_parameters: bool,
}

/// The kinds of values that parameters of our signatures have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Integer(i64),
    Text(String),
}

/// The members of a dictionary, by their labels.
pub(super) type Labelled<T> = Vec<(String, T)>;

/// Reads a dictionary of inner lists of strings: `Signature-Input`.
pub(super) fn inner_lists(field: &[u8]) -> Result<Labelled<InnerList>, SyntaxError> {
    dictionary(field, |reader| {
        Ok(InnerList { items: reader.inner_list()?, parameters: reader.parameters()? })
    })
}

/// Reads a dictionary of byte sequences: `Signature` and `Content-Digest`.
pub(in crate::signature) fn byte_sequences(field: &[u8]) -> Result<Labelled<Vec<u8>>, SyntaxError> {
    dictionary(field, Reader::bytes)
}

fn dictionary<'a, T>(
    field: &'a [u8],
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, SyntaxError>,
) -> Result<Labelled<T>, SyntaxError> {
    let mut reader = Reader::new(field)?;
    let mut members = Vec::new();
    loop {
        let key = reader.key()?;
        reader.expect(b'=')?;
        add(&mut members, key, read(&mut reader)?, MAX_MEMBERS)?;
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
fn add<T>(members: &mut Labelled<T>, key: String, value: T, limit: usize) -> Result<(), SyntaxError> {
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

    fn inner_list(&mut self) -> Result<Vec<Item>, SyntaxError> {
        self.expect(b'(')?;
        let mut items = Vec::new();
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Ok(items);
            }
            if items.len() == MAX_ITEMS {
                return Err(SyntaxError::TooLong);
            }
            let (text, parameters) = (self.text()?, self.parameters()?);
            items.push(Item { text, has_parameters: !parameters.is_empty() });
            if !matches!(self.rest.first(), Some(b' ' | b')')) {
                return Err(SyntaxError::Malformed);
            }
        }
    }

    fn parameters(&mut self) -> Result<Labelled<Option<Value>>, SyntaxError> {
        let mut parameters = Vec::new();
        while self.take(b';') {
            self.skip(b" ");
            let key = self.key()?;
            let value = if self.take(b'=') { self.value()? } else { None };
            add(&mut parameters, key, value, MAX_MEMBERS)?;
        }
        Ok(parameters)
    }

    /// A bare item; nothing for those kinds that only other people's parameters have.
    fn value(&mut self) -> Result<Option<Value>, SyntaxError> {
        match self.rest.first() {
            Some(b'"') => return self.text().map(|text| Some(Value::Text(text))),
            Some(b'-' | b'0'..=b'9') => {
                let number = self.integer()?;
                return Ok(if self.fraction()? { None } else { Some(Value::Integer(number)) });
            }
            Some(b':') => drop(self.bytes()?),
            Some(b'?') => self.boolean()?,
            Some(b'@') => {
                self.expect(b'@')?;
                self.integer()?;
            }
            _ => self.token()?,
        }
        Ok(None)
    }

    fn integer(&mut self) -> Result<i64, SyntaxError> {
        let sign = if self.take(b'-') { -1 } else { 1 };
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > MAX_DIGITS {
            return Err(SyntaxError::Malformed);
        }
        Ok(sign * digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// What makes a decimal of an integer, if there is any.
    fn fraction(&mut self) -> Result<bool, SyntaxError> {
        if !self.take(b'.') {
            return Ok(false);
        }
        match self.take_while(|byte| byte.is_ascii_digit()).len() {
            1..=3 => Ok(true),
            _ => Err(SyntaxError::Malformed),
        }
    }

    fn boolean(&mut self) -> Result<(), SyntaxError> {
        self.expect(b'?')?;
        if self.take(b'0') { Ok(()) } else { self.expect(b'1') }
    }

    fn token(&mut self) -> Result<(), SyntaxError> {
        let token =
            self.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
        match token.first() {
            Some(first) if first.is_ascii_alphabetic() || *first == b'*' => Ok(()),
            _ => Err(SyntaxError::Malformed),
        }
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
