//! Dotted paths into a document: `meshblu.whitelists.message.from`.

use std::fmt;

use thiserror::Error;

use super::document_limits::MAX_DEPTH;

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
