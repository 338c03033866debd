//! Packets: a digit and a text.

use thiserror::Error;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketType {
    /// `0`: the server names the session and its terms.
    Open,
    /// `1`: whoever sends it ends the session.
    Close,
    /// `2`: the client asks whether the server is there.
    Ping,
    /// `3`: it is.
    Pong,
    /// `4`: a text of the protocol above.
    Message,
    /// `5`: from now on this transport is the session's.
    Upgrade,
    /// `6`: nothing, so that a poll has an answer.
    Noop,
}

const TYPES: [(u8, PacketType); 7] = [
    (b'0', PacketType::Open),
    (b'1', PacketType::Close),
    (b'2', PacketType::Ping),
    (b'3', PacketType::Pong),
    (b'4', PacketType::Message),
    (b'5', PacketType::Upgrade),
    (b'6', PacketType::Noop),
];

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it is for.
    pub kind: PacketType,
    /// What it says; of binary packets nothing, because nobody here sends or wants any.
    pub text: String,
}

/// What was read is no packet, or no payload of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not Engine.IO, protocol 3")]
pub struct Malformed;

impl Packet {
    /// A packet that says `text`.
    pub fn new(kind: PacketType, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// A packet that says nothing.
    pub fn bare(kind: PacketType) -> Self {
        Self::new(kind, "")
    }

    /// The packet of one text frame.
    ///
    /// # Errors
    /// [`Malformed`] when it does not begin with the digit of a type.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        match text.as_bytes() {
            // Binary data as text.
            [b'b', digit, ..] => kind(*digit).map(Self::bare),
            [digit, ..] => Ok(Self::new(kind(*digit)?, &text[1..])),
            [] => Err(Malformed),
        }
    }

    /// The packet of one binary frame.
    ///
    /// # Errors
    /// [`Malformed`] when it does not begin with the number of a type.
    pub fn read_binary(bytes: &[u8]) -> Result<Self, Malformed> {
        let number = bytes.first().ok_or(Malformed)?;
        kind(number.checked_add(b'0').ok_or(Malformed)?).map(Self::bare)
    }

    /// The packet as one text frame.
    pub fn to_text(&self) -> String {
        let digit = TYPES.iter().find(|(_, kind)| *kind == self.kind).map_or(b'6', |(digit, _)| *digit);
        format!("{}{}", char::from(digit), self.text)
    }
}

fn kind(digit: u8) -> Result<PacketType, Malformed> {
    TYPES.iter().find(|(known, _)| *known == digit).map(|(_, kind)| *kind).ok_or(Malformed)
}
