//! Dotted paths into a document: `meshblu.whitelists.message.from`.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

/// How deep a path or a document may go. A little less than what the JSON parser reads back.
pub const MAX_DEPTH: usize = 120;

/// A path that has at most [`MAX_DEPTH`] segments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<Box<str>>);

/// The path has too many segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a path may have at most {MAX_DEPTH} segments")]
pub struct PathTooDeep;

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, PathTooDeep> {
        let segments: Vec<_> = text.split('.').take(MAX_DEPTH + 1).map(Box::from).collect();
        if segments.len() > MAX_DEPTH { Err(PathTooDeep) } else { Ok(Self(segments)) }
    }

    pub(super) fn segments(&self) -> &[Box<str>] {
        &self.0
    }

    pub(super) fn is(&self, text: &str) -> bool {
        text.split('.').eq(self.0.iter().map(AsRef::as_ref))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A segment as an index of an array: decimal digits without superfluous zeros.
pub(super) fn index(segment: &str) -> Option<usize> {
    let is_plain =
        segment.bytes().all(|byte| byte.is_ascii_digit()) && (segment == "0" || !segment.starts_with('0'));
    if is_plain { segment.parse().ok() } else { None }
}

/// The longest JSON text of a document that an update may leave behind, in bytes. Each change of a document writes all
/// of it anew, while everybody else waits.
pub const MAX_BYTES: usize = 16 << 20;

/// Whether the JSON text of a document is longer than [`MAX_BYTES`].
pub fn is_too_large(document: &Value) -> bool {
    struct Left(usize);
    impl std::io::Write for Left {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Left(MAX_BYTES), document).is_err()
}

/// Whether a document is nested deeper than [`MAX_DEPTH`]: what is stored must be readable again.
pub fn is_too_deep(document: &Value) -> bool {
    fn exceeds(value: &Value, levels: usize) -> bool {
        match value {
            Value::Array(items) => levels == 0 || items.iter().any(|item| exceeds(item, levels - 1)),
            Value::Object(members) => levels == 0 || members.values().any(|value| exceeds(value, levels - 1)),
            _ => false,
        }
    }
    exceeds(document, MAX_DEPTH)
}
