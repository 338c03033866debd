//! The place in a document that a path names: found, made, or taken away.

use serde_json::{Map, Value};

use super::{DataError, clip};
use crate::bus::embedded::effort::{Effort, Spent};
use crate::bus::embedded::order::kind;
use crate::bus::embedded::path::{Path, index};

/// How many absent elements of arrays one update may fill with `null`.
pub(super) const MAX_PADDING: usize = 10_000;

/// A path in a document that is being changed.
pub(super) struct Place<'a> {
    pub(super) document: &'a mut Value,
    pub(super) path: &'a Path,
    pub(super) padding: &'a mut usize,
    /// What looking for what is to be changed may still take.
    pub(super) effort: &'a Effort,
}

impl Place<'_> {
    /// The value there, if there is one.
    pub(super) fn find(&mut self) -> Option<&mut Value> {
        descend(self.document, self.path.segments())
    }

    /// The value there; what is missing on the way is made, and `initial` put at its end.
    pub(super) fn make(&mut self, initial: impl FnOnce() -> Value) -> Result<&mut Value, DataError> {
        let (last, way) = self.path.segments().split_last().expect("a path has at least one segment");
        let mut here = &mut *self.document;
        for segment in way {
            here = member(here, segment, self.padding, || Value::Object(Map::new()))?;
        }
        member(here, last, self.padding, initial)
    }

    /// Takes the value away; an array keeps its length.
    pub(super) fn remove(&mut self) -> Result<(), Spent> {
        let (last, way) = self.path.segments().split_last().expect("a path has at least one segment");
        match descend(self.document, way) {
            Some(Value::Object(members)) if members.contains_key(&**last) => {
                // Those after it move up.
                self.effort.spend(members.len() as u64)?;
                members.shift_remove(&**last);
            }
            Some(Value::Array(items)) => {
                if let Some(item) = index(last).and_then(|index| items.get_mut(index)) {
                    *item = Value::Null;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The name of the last member, for the texts of errors.
    pub(super) fn name(&self) -> String {
        self.path.segments().last().map_or_else(String::new, |segment| clip(segment.to_string(), 100))
    }
}

fn descend<'a>(document: &'a mut Value, path: &[Box<str>]) -> Option<&'a mut Value> {
    path.iter().try_fold(document, |value, segment| match value {
        Value::Object(members) => members.get_mut(&**segment),
        Value::Array(items) => items.get_mut(index(segment)?),
        _ => None,
    })
}

fn member<'a>(
    value: &'a mut Value,
    segment: &str,
    padding: &mut usize,
    initial: impl FnOnce() -> Value,
) -> Result<&'a mut Value, DataError> {
    match value {
        Value::Object(members) => Ok(members.entry(segment).or_insert_with(initial)),
        Value::Array(items) => {
            let index = index(segment).ok_or_else(|| no_field(segment, "array"))?;
            if index >= items.len() {
                let absent = index - items.len();
                *padding = padding.checked_sub(absent).ok_or_else(|| {
                    DataError::unfit(format!("can't backfill more than {MAX_PADDING} elements of an array"))
                })?;
                items.resize(index, Value::Null);
                items.push(initial());
            }
            Ok(&mut items[index])
        }
        scalar => Err(no_field(segment, kind(scalar))),
    }
}

fn no_field(segment: &str, kind: &str) -> DataError {
    DataError::unfit(format!("Cannot create field '{segment}' in an element of type {kind}"))
}
