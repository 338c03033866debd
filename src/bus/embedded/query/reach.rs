//! What a dotted path leads to in a document, through arrays of objects too.

use std::collections::HashSet;

use serde_json::Value;

use crate::bus::embedded::effort::{Effort, Spent};
use crate::bus::embedded::path::{Path, index};

/// How many bytes of text are looked at in the time of one comparison.
const TEXT_A_STEP: u64 = 64;

/// The values at a path.
#[derive(Debug, Default)]
pub(super) struct Reached<'a> {
    pub(super) values: Vec<&'a Value>,
    /// Some way ended before the path did.
    pub(super) missing: bool,
}

/// Follows every way that the path can take: into members, into each object of an array, to an array's index.
pub(super) fn reach<'a>(document: &'a Value, path: &Path, effort: &Effort) -> Result<Reached<'a>, Spent> {
    let mut reached = Reached { values: vec![document], missing: false };
    for segment in path.segments() {
        let from = std::mem::take(&mut reached.values);
        from.into_iter().try_for_each(|value| reached.follow(value, segment, effort))?;
        if index(segment).is_some() {
            effort.spend(reached.values.len() as u64)?;
            reached.drop_repeated();
        }
    }
    Ok(reached)
}

/// How many steps looking at so many bytes of text takes.
pub(super) fn text_steps(bytes: usize) -> u64 {
    1 + bytes as u64 / TEXT_A_STEP
}

impl<'a> Reached<'a> {
    fn follow(&mut self, value: &'a Value, segment: &str, effort: &Effort) -> Result<(), Spent> {
        effort.spend(text_steps(segment.len()))?;
        match value {
            Value::Array(items) => {
                effort.spend(items.len() as u64)?;
                let item = index(segment).and_then(|index| items.get(index));
                self.values.extend(item);
                let mut objects = items.iter().filter(|item| item.is_object());
                objects.try_for_each(|item| self.follow(item, segment, effort))?;
            }
            Value::Object(members) => match members.get(segment) {
                Some(member) => self.values.push(member),
                None => self.missing = true,
            },
            _ => self.missing = true,
        }
        Ok(())
    }

    /// An index and a member called alike reach the same value in ways whose number doubles with each level.
    fn drop_repeated(&mut self) {
        let mut seen = HashSet::new();
        self.values.retain(|value| seen.insert(std::ptr::from_ref::<Value>(value)));
    }
}
