//! Changes of a document: a MongoDB update, checked and applied as a whole or not at all (`spec/meshblu.md` 1.5).

mod arrays;
mod numbers;
mod operation;
mod place;

use serde_json::{Map, Value};
use thiserror::Error;

use self::operation::Operation;
use self::place::Place;
use super::document_limits::{MAX_BYTES, MAX_DEPTH, is_too_deep, is_too_large};
use super::effort::{Effort, Spent};
use super::order::identical;
use super::path::Path;
use super::query::{Budget, QueryError};
use crate::ambient::Timestamp;
use crate::memory::weight::{self, MAX_WEIGHT};

/// Each of them is looked up, and may be deep.
const MAX_PATHS: usize = 1_000;

/// In characters: the text travels in a header, and names in it are a stranger's.
const MAX_MESSAGE: usize = 400;

const OPERATORS: [&str; 14] = [
    "$inc",
    "$mult",
    "$set",
    "$unset",
    "$min",
    "$max",
    "$currentDate",
    "$addToSet",
    "$pop",
    "$pullAll",
    "$pull",
    "$pushAll",
    "$push",
    "$bit",
];

/// A change of one document.
#[derive(Clone, Debug)]
pub struct Update(Vec<Step>);

#[derive(Clone, Debug)]
struct Step {
    path: Path,
    operation: Operation,
}

/// Why an update is refused before any document is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UpdateError {
    /// It is empty, or no object.
    #[error("Update query must contain at least one key.")]
    NoKeys,
    /// An operator has no operand.
    #[error("Update query may contain null value for a key that starts with '$'.")]
    NullValue,
    /// It would change the token.
    #[error("Update query may not modify the token key.")]
    TokenKey,
    /// It would change the uuid.
    #[error("Update query may not modify the uuid key.")]
    UuidKey,
    /// It would change `_id`, which documents here do not have.
    #[error("Update query may not modify the _id key.")]
    IdKey,
    /// It has a key that is no operator, or an operator that is not permitted.
    #[error("Update query may only contain authorized keys.")]
    UnauthorizedKeys,
    /// An operator or a path is malformed. Answered like an error of the data.
    #[error(transparent)]
    Malformed(#[from] DataError),
}

/// Why an update can not be applied; it says nothing about what the document holds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct DataError {
    /// 422 when the update itself is to blame, 500 when it does not fit the document or pulls by an operator that nobody
    /// knows, as in the protocol; 413 when what would come of a call is too large, 503 when it would take too long.
    pub status: u16,
    /// For the `x-meshblu-error` header; short, but not always ASCII.
    pub message: String,
}

impl DataError {
    fn malformed(message: impl Into<String>) -> Self {
        Self { status: 422, message: clip(message.into(), MAX_MESSAGE) }
    }

    /// What would come of it is too large.
    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self { status: 413, message: clip(message.into(), MAX_MESSAGE) }
    }

    fn unfit(message: impl Into<String>) -> Self {
        Self { status: 500, message: clip(message.into(), MAX_MESSAGE) }
    }
}

impl From<QueryError> for DataError {
    fn from(error: QueryError) -> Self {
        Self { status: error.status(), message: clip(error.to_string(), MAX_MESSAGE) }
    }
}

impl From<Spent> for DataError {
    fn from(_: Spent) -> Self {
        Self { status: 503, message: "The update took too long".to_owned() }
    }
}

impl Update {
    /// Reads a body of operators: `{"$set": {"a.b": 1}, "$unset": {"c": true}}`.
    ///
    /// # Errors
    /// The refusals of `spec/meshblu.md` 1.5 in their order, then whatever no document could take.
    pub fn parse(update: &Value) -> Result<Self, UpdateError> {
        let operators = match update {
            Value::Object(operators) if !operators.is_empty() => operators,
            Value::Array(items) if !items.is_empty() => return Err(UpdateError::UnauthorizedKeys),
            _ => return Err(UpdateError::NoKeys),
        };
        check(operators)?;
        are_few(operators.values().filter_map(Value::as_object).map(Map::len).sum())?;
        let (mut steps, mut budget) = (Vec::new(), Budget::default());
        for (operator, operands) in operators {
            let operands = operands.as_object().ok_or_else(|| {
                DataError::malformed(format!(
                    "Modifiers operate on fields but we found another type for {operator}"
                ))
            })?;
            for (path, operand) in operands {
                let path = writable(path)?;
                steps.push(Step { path, operation: Operation::parse(operator, operand, &mut budget)? });
            }
        }
        Self::of(steps)
    }

    /// The change that sets these properties; `uuid` and `token` among them are left out. Dotted keys are paths.
    ///
    /// # Errors
    /// When a path reaches into `uuid`, `token` or `_id`, or is malformed.
    pub fn set(mut properties: Map<String, Value>) -> Result<Self, UpdateError> {
        properties.shift_remove("uuid");
        properties.shift_remove("token");
        properties.keys().try_for_each(|path| unprotected(path))?;
        are_few(properties.len())?;
        let steps = properties
            .into_iter()
            .map(|(path, value)| Ok(Step { path: writable(&path)?, operation: Operation::Set(value) }));
        Self::of(steps.collect::<Result<_, DataError>>()?)
    }

    /// Applies the change; tells whether the document is another one now. On an error it is what it was.
    ///
    /// # Errors
    /// When an operator does not fit what the document holds, or takes more than there is of `effort`.
    pub fn apply(&self, document: &mut Value, now: Timestamp, effort: &Effort) -> Result<bool, DataError> {
        let mut changed = document.clone();
        let mut padding = place::MAX_PADDING;
        for step in &self.0 {
            let mut place = Place { document: &mut changed, path: &step.path, padding: &mut padding, effort };
            step.operation.apply(&mut place, now)?;
        }
        if identical(document, &changed) {
            return Ok(false);
        }
        if is_too_deep(&changed) {
            return Err(DataError::malformed(format!(
                "Document exceeds the maximum nesting depth of {MAX_DEPTH}"
            )));
        }
        if is_too_large(&changed) {
            return Err(DataError::too_large(format!("Document would be larger than {MAX_BYTES} bytes")));
        }
        if weight::of(&changed) > MAX_WEIGHT {
            let message = format!("Document would take more than {MAX_WEIGHT} bytes of memory");
            return Err(DataError::too_large(message));
        }
        *document = changed;
        Ok(true)
    }

    fn of(steps: Vec<Step>) -> Result<Self, UpdateError> {
        let mut paths: Vec<_> = steps.iter().map(|step| &step.path).collect();
        paths.sort();
        for pair in paths.windows(2) {
            if pair[1].segments().starts_with(pair[0].segments()) {
                let message =
                    format!("Updating the path '{}' would create a conflict at '{}'", pair[1], pair[0]);
                return Err(DataError::malformed(message).into());
            }
        }
        Ok(Self(steps))
    }
}

fn are_few(paths: usize) -> Result<(), DataError> {
    if paths <= MAX_PATHS {
        return Ok(());
    }
    Err(DataError::malformed(format!("An update may change at most {MAX_PATHS} paths")))
}

fn check(operators: &Map<String, Value>) -> Result<(), UpdateError> {
    if operators.values().any(Value::is_null) {
        return Err(UpdateError::NullValue);
    }
    let paths = || operators.values().filter_map(Value::as_object).flat_map(Map::keys);
    for refusal in [UpdateError::TokenKey, UpdateError::UuidKey, UpdateError::IdKey] {
        if paths().any(|path| unprotected(path).as_ref() == Err(&refusal)) {
            return Err(refusal);
        }
    }
    if operators.keys().any(|operator| !OPERATORS.contains(&operator.as_str())) {
        return Err(UpdateError::UnauthorizedKeys);
    }
    Ok(())
}

/// What only the bus may change: the member itself and whatever lies in it.
fn unprotected(path: &str) -> Result<(), UpdateError> {
    match path.split('.').next() {
        Some("token") => Err(UpdateError::TokenKey),
        Some("uuid") => Err(UpdateError::UuidKey),
        Some("_id") => Err(UpdateError::IdKey),
        _ => Ok(()),
    }
}

fn writable(text: &str) -> Result<Path, DataError> {
    let path = Path::parse(text).map_err(|error| DataError::malformed(error.to_string()))?;
    for segment in path.segments() {
        if segment.is_empty() {
            let message =
                format!("The update path '{path}' contains an empty field name, which is not allowed.");
            return Err(DataError::malformed(message));
        }
        if segment.starts_with('$') {
            let message =
                format!("The dollar ($) prefixed field '{segment}' in '{path}' is not valid for storage.");
            return Err(DataError::malformed(message));
        }
    }
    Ok(path)
}

fn clip(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
    text
}
