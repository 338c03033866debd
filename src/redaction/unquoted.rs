//! A text as it was before it was percent-encoded (RFC 3986, 2.1, and as forms are) or escaped as in JSON (RFC 8259, 7).

use std::iter::from_fn;
use std::ops::Range;

use zeroize::Zeroizing;

/// What some bytes of a text stand for.
struct Piece {
    from: Range<usize>,
    bytes: [u8; 4],
    length: usize,
}

/// The bytes that `text` stands for; `None` where nothing in it stands for anything else.
pub(super) fn unquoted(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'\\' | b'+')) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for piece in pieces(text) {
        bytes.extend_from_slice(&piece.bytes[..piece.length]);
    }
    Some(bytes)
}

/// Where in `text` that is which stands at these places of what it stands for, which are in order.
pub(super) fn quoted(text: &str, spans: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut starts = Vec::with_capacity(text.len());
    for piece in pieces(text) {
        starts.extend(std::iter::repeat_n(piece.from.start, piece.length));
    }
    starts.push(text.len());
    spans.iter().map(|span| starts[span.start]..starts[span.end]).collect()
}

fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    from_fn(move || {
        let rest = &text.as_bytes()[at..];
        let first = *rest.first()?;
        let meant = match first {
            b'+' => Some((' ', 1)),
            b'\\' => escaped(rest),
            _ => None,
        };
        let (length, bytes, taken) = match meant {
            Some((character, taken)) => {
                let mut bytes = [0; 4];
                (character.encode_utf8(&mut bytes).len(), bytes, taken)
            }
            None => match percent_encoded(rest) {
                Some(byte) => (1, [byte, 0, 0, 0], 3),
                None => (1, [first, 0, 0, 0], 1),
            },
        };
        let from = at..at + taken;
        at = from.end;
        Some(Piece { from, bytes, length })
    })
}

fn percent_encoded(rest: &[u8]) -> Option<u8> {
    match rest {
        [b'%', high, low, ..] => u8::try_from(number(&[*high, *low])?).ok(),
        _ => None,
    }
}

/// The character that an escape at the beginning stands for, and how long the escape is.
fn escaped(rest: &[u8]) -> Option<(char, usize)> {
    let short = |character| Some((character, 2));
    match rest.get(1)? {
        b'b' => short('\u{8}'),
        b'f' => short('\u{c}'),
        b'n' => short('\n'),
        b'r' => short('\r'),
        b't' => short('\t'),
        b'u' => {
            let first = unit(rest)?;
            match char::from_u32(first.into()) {
                Some(character) => Some((character, 6)),
                None => {
                    let both = [first, unit(&rest[6..])?];
                    let character = char::decode_utf16(both).next()?.ok()?;
                    Some((character, 12))
                }
            }
        }
        plain @ (b'"' | b'\\' | b'/') => short(char::from(*plain)),
        _ => None,
    }
}

fn unit(rest: &[u8]) -> Option<u16> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    number(digits)
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | u16::try_from(digit).ok()?)
    })
}
