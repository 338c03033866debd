//! What a dotted path leads to in a document, through arrays of objects too.

use std::collections::HashSet;

use serde_json::Value;

use crate::bus::embedded::path::{Path, index};

/// The values at a path.
#[derive(Debug, Default)]
pub(super) struct Reached<'a> {
    pub(super) values: Vec<&'a Value>,
    /// Some way ended before the path did.
    pub(super) missing: bool,
}

/// Follows every way that the path can take: into members, into each object of an array, to an array's index.
pub(super) fn reach<'a>(document: &'a Value, path: &Path) -> Reached<'a> {
    let mut reached = Reached { values: vec![document], missing: false };
    for segment in path.segments() {
        let from = std::mem::take(&mut reached.values);
        from.into_iter().for_each(|value| reached.follow(value, segment));
        if index(segment).is_some() {
            reached.drop_repeated();
        }
    }
    reached
}

impl<'a> Reached<'a> {
    fn follow(&mut self, value: &'a Value, segment: &str) {
        match value {
            Value::Array(items) => {
                let item = index(segment).and_then(|index| items.get(index));
                self.values.extend(item);
                items.iter().filter(|item| item.is_object()).for_each(|item| self.follow(item, segment));
            }
            Value::Object(members) => match members.get(segment) {
                Some(member) => self.values.push(member),
                None => self.missing = true,
            },
            _ => self.missing = true,
        }
    }

    /// An index and a member called alike reach the same value in ways whose number doubles with each level.
    fn drop_repeated(&mut self) {
        let mut seen = HashSet::new();
        self.values.retain(|value| seen.insert(std::ptr::from_ref::<Value>(value)));
    }
}
