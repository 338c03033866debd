//! Updates of arrays: `$addToSet`, `$push`, `$pushAll`, `$pop`, `$pull`, `$pullAll`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::DataError;
use super::place::Place;
use crate::bus::embedded::effort::{Effort, Spent};
use crate::bus::embedded::order::{canonical, kind};
use crate::bus::embedded::query::{Budget, Query};

/// Which elements go.
#[derive(Clone, Debug)]
pub(super) enum Culling {
    /// Those equal to a value of this canonical text.
    Values(HashSet<String>),
    /// Objects of which this holds.
    Documents(Query),
    /// Elements of which this holds, under the key of a document that holds only them.
    Elements(Query),
}

/// One end of an array.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    First,
    Last,
}

const ELEMENT: &str = "element";

/// The modifiers of an operand that has some: `{"$each": […], "$slice": -99}`.
pub(super) fn modifiers<'a>(
    operator: &str,
    operand: &'a Value,
    known: &[&str],
) -> Result<Option<&'a Map<String, Value>>, DataError> {
    let Some(modifiers) = operand.as_object().filter(|members| members.contains_key("$each")) else {
        return Ok(None);
    };
    match modifiers.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(DataError::malformed(format!("Unrecognized clause in {operator}: {name}"))),
        None => Ok(Some(modifiers)),
    }
}

pub(super) fn each(modifiers: &Map<String, Value>) -> Result<Vec<Value>, DataError> {
    modifiers.get("$each").map_or_else(|| Ok(Vec::new()), |values| list("$each", values))
}

pub(super) fn slice(modifiers: &Map<String, Value>) -> Result<Option<i64>, DataError> {
    match modifiers.get("$slice") {
        None => Ok(None),
        Some(slice) => slice
            .as_i64()
            .map(Some)
            .ok_or_else(|| DataError::malformed("The value for $slice must be an integer")),
    }
}

pub(super) fn list(operator: &str, operand: &Value) -> Result<Vec<Value>, DataError> {
    let message =
        || format!("The argument to {operator} must be an array but it was of type {}", kind(operand));
    operand.as_array().cloned().ok_or_else(|| DataError::malformed(message()))
}

pub(super) fn end(operand: &Value) -> Result<End, DataError> {
    match operand.as_i64() {
        Some(1) => Ok(End::Last),
        Some(-1) => Ok(End::First),
        _ => Err(DataError::malformed("$pop expects 1 or -1")),
    }
}

/// An object is a query on the elements' members, or of operators on the elements; all else is a value.
pub(super) fn pull(operand: &Value, budget: &mut Budget) -> Result<Culling, DataError> {
    let mut parse = |query| Query::parse_within(budget, &query).map_err(DataError::from);
    let members = match operand {
        Value::Object(members) => members,
        value => return Ok(Culling::Values(HashSet::from([canonical(value)]))),
    };
    let is_operator = |key: &String| key.starts_with('$') && !matches!(key.as_str(), "$and" | "$or" | "$nor");
    if members.keys().next().is_some_and(is_operator) {
        parse(json!({ELEMENT: operand})).map(Culling::Elements)
    } else {
        parse(operand.clone()).map(Culling::Documents)
    }
}

/// Equal values are found by their canonical texts: comparing each with each would take a stranger's time squared.
pub(super) fn pull_all(operand: &Value) -> Result<Culling, DataError> {
    Ok(Culling::Values(list("$pullAll", operand)?.iter().map(canonical).collect()))
}

pub(super) fn add_to_set(place: &mut Place<'_>, values: &[Value]) -> Result<(), DataError> {
    let effort = place.effort;
    let items = array(place)?;
    effort.spend((items.len() + values.len()) as u64)?;
    let mut present: HashSet<String> = items.iter().map(canonical).collect();
    items.extend(values.iter().filter(|value| present.insert(canonical(value))).cloned());
    Ok(())
}

pub(super) fn push(place: &mut Place<'_>, values: &[Value], slice: Option<i64>) -> Result<(), DataError> {
    let items = array(place)?;
    items.extend_from_slice(values);
    let Some(slice) = slice else { return Ok(()) };
    let kept = usize::try_from(slice.unsigned_abs()).unwrap_or(usize::MAX).min(items.len());
    if slice < 0 {
        items.drain(..items.len() - kept);
    } else {
        items.truncate(kept);
    }
    Ok(())
}

pub(super) fn pop(place: &mut Place<'_>, end: End) -> Result<(), DataError> {
    let Some(items) = present(place)? else { return Ok(()) };
    match end {
        End::Last => {
            items.pop();
        }
        End::First if items.is_empty() => {}
        End::First => {
            items.remove(0);
        }
    }
    Ok(())
}

pub(super) fn cull(place: &mut Place<'_>, culling: &Culling) -> Result<(), DataError> {
    let effort = place.effort;
    let Some(items) = present(place)? else { return Ok(()) };
    let taken = items.iter().map(|item| culling.takes(item, effort));
    let mut taken = taken.collect::<Result<Vec<_>, _>>()?.into_iter();
    items.retain(|_| taken.next() != Some(true));
    Ok(())
}

impl Culling {
    fn takes(&self, item: &Value, effort: &Effort) -> Result<bool, Spent> {
        match self {
            Self::Values(texts) => {
                effort.spend(1)?;
                Ok(texts.contains(&canonical(item)))
            }
            Self::Documents(query) => Ok(item.is_object() && query.matches(item, effort)?),
            Self::Elements(query) => query.matches(&json!({ELEMENT: item}), effort),
        }
    }
}

/// The array there, made if nothing is there.
fn array<'a>(place: &'a mut Place<'_>) -> Result<&'a mut Vec<Value>, DataError> {
    let no_array = NoArray::of(place);
    let here = place.make(|| json!([]))?;
    let kind = kind(here);
    here.as_array_mut().ok_or_else(|| no_array.error(kind))
}

/// The array there, if there is anything.
fn present<'a>(place: &'a mut Place<'_>) -> Result<Option<&'a mut Vec<Value>>, DataError> {
    let no_array = NoArray::of(place);
    let Some(here) = place.find() else { return Ok(None) };
    let kind = kind(here);
    here.as_array_mut().map(Some).ok_or_else(|| no_array.error(kind))
}

/// What the text of the error names besides the kind that was found.
struct NoArray {
    field: String,
    uuid: String,
}

impl NoArray {
    fn of(place: &Place<'_>) -> Self {
        let uuid = place.document.get("uuid").and_then(Value::as_str).unwrap_or_default();
        Self { field: place.name(), uuid: uuid.to_owned() }
    }

    /// Clients recognise the words in the middle.
    fn error(&self, kind: &str) -> DataError {
        let Self { field, uuid } = self;
        let message = format!(
            "The field '{field}' must be an array but is of type {kind} in document {{uuid: \"{uuid}\"}}"
        );
        DataError::unfit(message)
    }
}
