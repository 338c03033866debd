//! Payloads: the packets of one poll or one post.

use std::fmt::Write;

use super::{Malformed, Packet};

/// How packets follow each other in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `<length>:<packet>`, for clients that ask for `b64=1`.
    Text,
    /// A zero, the digits of the length as numbers, 255 and the packet.
    Binary,
}

/// The packets as a payload. All of it is ASCII: clients count lengths in one of three units, which are the same
/// there. So characters beyond it are written as JSON writes them, and only packets that carry JSON may have them.
pub fn write(packets: &[Packet], framing: Framing) -> Vec<u8> {
    let mut payload = Vec::new();
    for packet in packets {
        let text = ascii(&packet.to_text());
        let length = text.len().to_string();
        match framing {
            Framing::Text => {
                payload.extend_from_slice(length.as_bytes());
                payload.push(b':');
            }
            Framing::Binary => {
                payload.push(0);
                payload.extend(length.bytes().map(|digit| digit - b'0'));
                payload.push(255);
            }
        }
        payload.extend_from_slice(text.as_bytes());
    }
    payload
}

/// JSON text whose characters beyond ASCII are escaped (RFC 8259, section 7).
fn ascii(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut ascii, character| {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
        ascii
    })
}

/// The packets of a payload.
///
/// # Errors
/// [`Malformed`], also for a payload without packets.
pub fn read(payload: &[u8], framing: Framing) -> Result<Vec<Packet>, Malformed> {
    let packets = match framing {
        Framing::Text => read_text(std::str::from_utf8(payload).map_err(|_| Malformed)?),
        Framing::Binary => read_binary(payload),
    }?;
    if packets.is_empty() { Err(Malformed) } else { Ok(packets) }
}

fn read_text(mut rest: &str) -> Result<Vec<Packet>, Malformed> {
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_once(':').ok_or(Malformed)?;
        let end = end_of_units(behind, number(length.bytes().map(|digit| digit.wrapping_sub(b'0')))?)?;
        packets.push(Packet::read(&behind[..end])?);
        rest = &behind[end..];
    }
    Ok(packets)
}

/// Where so many UTF-16 code units end, which is what lengths count.
fn end_of_units(text: &str, units: usize) -> Result<usize, Malformed> {
    let mut left = units;
    let mut characters = text.char_indices();
    while left > 0 {
        let (_, character) = characters.next().ok_or(Malformed)?;
        left = left.checked_sub(character.len_utf16()).ok_or(Malformed)?;
    }
    Ok(characters.offset())
}

fn read_binary(mut rest: &[u8]) -> Result<Vec<Packet>, Malformed> {
    let mut packets = Vec::new();
    while let [form, behind @ ..] = rest {
        let digits = behind.iter().position(|byte| *byte == 255).ok_or(Malformed)?;
        let length = number(behind[..digits].iter().copied())?;
        let behind = &behind[digits + 1..];
        let (packet, after) = behind.split_at_checked(length).ok_or(Malformed)?;
        packets.push(match form {
            0 => Packet::read(std::str::from_utf8(packet).map_err(|_| Malformed)?)?,
            1 => Packet::read_binary(packet)?,
            _ => return Err(Malformed),
        });
        rest = after;
    }
    Ok(packets)
}

/// A length of at most nine digits.
fn number(digits: impl ExactSizeIterator<Item = u8> + Clone) -> Result<usize, Malformed> {
    if !(1..=9).contains(&digits.len()) || digits.clone().any(|digit| digit > 9) {
        return Err(Malformed);
    }
    Ok(digits.fold(0, |number, digit| number * 10 + usize::from(digit)))
}
