//! What the bytes of a text stand for: as they were before they were percent-encoded (RFC 3986, 2.1, and as forms are) or
//! escaped as in JSON (RFC 8259, 7), programs or HTML; or without what divides them. And where in the text it stands.

use std::ops::Range;

use memchr::{memchr_iter, memchr3};
use zeroize::Zeroizing;

/// A way to read bytes: what the first of them stand for, at least one.
pub(super) type Reading = fn(&[u8]) -> Piece;

/// `\u0041`, `&#x41;`
const LONGEST_ESCAPE: usize = 6;

/// What some bytes stand for.
pub(super) struct Piece {
    taken: usize,
    meant: [u8; 4],
    length: usize,
}

impl Piece {
    fn of_byte(taken: usize, byte: u8) -> Self {
        Self { taken, meant: [byte, 0, 0, 0], length: 1 }
    }

    fn of_character(taken: usize, character: char) -> Self {
        let mut meant = [0; 4];
        let length = character.encode_utf8(&mut meant).len();
        Self { taken, meant, length }
    }
}

/// What `bytes` stand for.
pub(super) fn read(bytes: &[u8], reading: Reading) -> Zeroizing<Vec<u8>> {
    let mut meant = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut at = 0;
    while at < bytes.len() {
        let piece = reading(&bytes[at..]);
        meant.extend_from_slice(&piece.meant[..piece.length]);
        at += piece.taken;
    }
    meant
}

/// Where in `bytes` that is which stands at these places of what they stand for, none of which is empty.
pub(super) fn places_read(bytes: &[u8], reading: Reading, places: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut pieces = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let piece = reading(&bytes[at..]);
        let from = at..at + piece.taken;
        at = from.end;
        pieces.extend(std::iter::repeat_n(from, piece.length));
    }
    places.iter().map(|place| pieces[place.start].start..pieces[place.end - 1].end).collect()
}

/// Whether something in `bytes` may stand for something else where [`unescaped`] reads it.
pub(super) fn is_escaped(bytes: &[u8]) -> bool {
    memchr3(b'%', b'\\', b'+', bytes).is_some()
        || memchr_iter(b'&', bytes).any(|at| bytes.get(at + 1) == Some(&b'#'))
}

/// Up to where `bytes` hold no escape that may have been cut at their end.
pub(super) fn whole_escapes(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(LONGEST_ESCAPE - 1);
    let begins = |byte: &u8| matches!(byte, b'%' | b'\\' | b'&');
    bytes[last..].iter().position(begins).map_or(bytes.len(), |at| last + at)
}

/// As it was before it was encoded or escaped once.
pub(super) fn unescaped(rest: &[u8]) -> Piece {
    let meant = match rest[0] {
        b'+' => Some(Piece::of_byte(1, b' ')),
        b'\\' => escaped(rest),
        b'%' => digits(&rest[1..], 2).map(|byte| Piece::of_byte(3, byte)),
        b'&' => referred(rest),
        _ => None,
    };
    meant.unwrap_or(Piece::of_byte(1, rest[0]))
}

/// Without blanks and what else divides lines and digits, in small letters.
pub(super) fn closed_up(rest: &[u8]) -> Piece {
    let byte = rest[0].to_ascii_lowercase();
    let divides = byte.is_ascii_whitespace() || matches!(byte, b':' | b'-');
    Piece { length: usize::from(!divides), ..Piece::of_byte(1, byte) }
}

/// The character or byte that an escape at the beginning stands for.
fn escaped(rest: &[u8]) -> Option<Piece> {
    let short = |character| Some(Piece::of_byte(2, character));
    match rest.get(1)? {
        b'b' => short(8),
        b'f' => short(12),
        b'n' => short(b'\n'),
        b'r' => short(b'\r'),
        b't' => short(b'\t'),
        b'x' => digits(&rest[2..], 2).map(|byte| Piece::of_byte(4, byte)),
        b'u' => {
            let first = unit(rest)?;
            match char::from_u32(first.into()) {
                Some(character) => Some(Piece::of_character(6, character)),
                None => {
                    let both = [first, unit(&rest[6..])?];
                    let character = char::decode_utf16(both).next()?.ok()?;
                    Some(Piece::of_character(12, character))
                }
            }
        }
        plain @ (b'"' | b'\\' | b'/') => short(*plain),
        _ => None,
    }
}

fn unit(rest: &[u8]) -> Option<u16> {
    digits(rest.strip_prefix(b"\\u")?, 4)
}

/// The character that a numeric reference of HTML at the beginning stands for.
fn referred(rest: &[u8]) -> Option<Piece> {
    let number = rest.strip_prefix(b"&#")?;
    let (radix, number) = match number {
        [b'x' | b'X', number @ ..] => (16, number),
        number => (10, number),
    };
    let length = number.iter().take(7).position(|byte| *byte == b';')?;
    let code = u32::from_str_radix(std::str::from_utf8(&number[..length]).ok()?, radix).ok()?;
    let taken = rest.len() - number.len() + length + 1;
    Some(Piece::of_character(taken, char::from_u32(code)?))
}

/// The number that so many hexadecimal digits at the beginning are.
fn digits<T: TryFrom<u32>>(rest: &[u8], how_many: usize) -> Option<T> {
    let digits = rest.get(..how_many)?.iter();
    let mut number = digits.map(|digit| char::from(*digit).to_digit(16));
    number.try_fold(0, |number, digit| Some(number << 4 | digit?)).and_then(|number| number.try_into().ok())
}
