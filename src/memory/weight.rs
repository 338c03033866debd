//! What JSON becomes in memory: short values take many times the room of their text.

use std::io;

use serde_json::Value;

use super::SMALL;

/// What one body or one document may take in memory, in bytes: several times the text of an ordinary one.
pub const MAX_WEIGHT: usize = 64 << 20;

/// A place in an array.
const ELEMENT: usize = size_of::<Value>();
/// What a member has beside its value: its name, and where to find it.
const NAME: usize = size_of::<String>() + 24;
/// The first members of an object and the first elements of an array are given room together.
const FIRST_MEMBERS: usize = 3 * (ELEMENT + NAME);
const FIRST_ELEMENTS: usize = 4 * ELEMENT;
/// A text, its characters not counted.
const TEXT: usize = 16;
/// Deeper than this the parser does not go.
const MAX_LEVELS: usize = 128;

/// What this JSON text takes once it is parsed, in bytes. Of one that is none, what precedes the error takes no more.
pub fn of_text(text: &[u8]) -> usize {
    let mut scale = Scale::default();
    scale.put(text);
    scale.bytes
}

/// What a message of this JSON text takes while a job works on it, in bytes: its text, what that becomes, and that once more
/// for the job. Nothing where this is at most 64 KiB.
pub fn of_message(text: &[u8]) -> usize {
    counted(text.len() + 2 * of_text(text))
}

/// What a text of so many bytes takes while it is sent, in bytes. Nothing where this is at most 64 KiB.
pub fn of_call(text: usize) -> usize {
    counted(text)
}

fn counted(bytes: usize) -> usize {
    if bytes <= SMALL { 0 } else { bytes }
}

/// What this value takes, in bytes.
pub fn of(value: &Value) -> usize {
    let mut scale = Scale::default();
    serde_json::to_writer(&mut scale, value).expect("a scale takes everything");
    scale.bytes
}

/// Reads a text once, piece by piece.
#[derive(Default)]
struct Scale {
    bytes: usize,
    levels: usize,
    in_text: bool,
    is_escaped: bool,
    /// What the object or array takes that was opened just before, unless it is empty.
    opened: usize,
}

impl Scale {
    fn put(&mut self, text: &[u8]) {
        self.bytes += text.len();
        text.iter().for_each(|byte| if self.in_text { self.inside(*byte) } else { self.outside(*byte) });
    }

    fn inside(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => self.in_text = false,
            _ => {}
        }
    }

    fn outside(&mut self, byte: u8) {
        if byte.is_ascii_whitespace() || self.levels > MAX_LEVELS {
            return;
        }
        let opened = std::mem::take(&mut self.opened);
        self.bytes += match byte {
            b'{' | b'[' => {
                self.levels += 1;
                self.opened = if byte == b'{' { FIRST_MEMBERS } else { FIRST_ELEMENTS };
                opened
            }
            b'}' | b']' => {
                self.levels = self.levels.saturating_sub(1);
                0
            }
            b'"' => {
                self.in_text = true;
                opened + TEXT
            }
            b',' => opened + ELEMENT,
            b':' => opened + NAME,
            _ => opened,
        };
    }
}

impl io::Write for Scale {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
