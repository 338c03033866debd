//! Which members of a document an answer shows (`spec/meshblu.md` 1.6).

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::path::{Path, PathTooDeep};
use super::query::Wanted;

/// A choice of members: only these, or all but these.
#[derive(Clone, Debug)]
pub struct Projection {
    shows_only: bool,
    members: Members,
}

type Members = BTreeMap<Box<str>, Choice>;

#[derive(Clone, Debug)]
enum Choice {
    Whole,
    Part(Members),
}

/// Why a projection can not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProjectionError {
    /// It is not an object.
    #[error("a projection must be an object")]
    NotAnObject,
    /// A value is neither a truth value nor a number.
    #[error("a projection says true or false of each path")]
    NotATruthValue,
    /// A path has too many segments.
    #[error(transparent)]
    Path(#[from] PathTooDeep),
}

impl Projection {
    /// Reads `{"a": true, "b.c": true}` or `{"a": false}`. One path that is excluded makes it one that excludes. What
    /// includes always includes `uuid`; `_id` never shows.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn parse(projection: &Value) -> Result<Self, ProjectionError> {
        let paths = projection.as_object().ok_or(ProjectionError::NotAnObject)?;
        let mut chosen = Vec::with_capacity(paths.len());
        let mut names_id = false;
        for (path, chooses) in paths {
            match (truth(chooses)?, path.as_str()) {
                (shows, "_id") => names_id |= shows,
                (shows, _) => chosen.push((Path::parse(path)?, shows)),
            }
        }
        let shows_only = if chosen.is_empty() { names_id } else { chosen.iter().all(|(_, shows)| *shows) };
        chosen.retain(|(_, shows)| *shows == shows_only);
        let mut members = Members::new();
        members.insert(if shows_only { "uuid" } else { "_id" }.into(), Choice::Whole);
        chosen.iter().for_each(|(path, _)| choose(&mut members, path.segments()));
        Ok(Self { shows_only, members })
    }

    /// Adds to `wanted` what the choice shows; false where it shows more than what it names.
    pub fn look(&self, wanted: &mut Wanted) -> bool {
        fn add<'a>(members: &'a Members, path: &mut Vec<&'a str>, wanted: &mut Wanted) {
            for (key, choice) in members {
                path.push(key);
                match choice {
                    Choice::Whole => wanted.add(path),
                    Choice::Part(part) => add(part, path, wanted),
                }
                path.pop();
            }
        }
        if self.shows_only {
            add(&self.members, &mut Vec::new(), wanted);
        }
        self.shows_only
    }

    /// What the choice shows of a document, in the document's own order.
    pub fn apply(&self, document: &Value) -> Value {
        if self.shows_only {
            only(document, &self.members).unwrap_or_else(|| Value::Object(Map::new()))
        } else {
            all_but(document, &self.members)
        }
    }
}

fn truth(value: &Value) -> Result<bool, ProjectionError> {
    match value {
        Value::Bool(shows) => Ok(*shows),
        Value::Number(number) => Ok(number.as_f64() != Some(0.0)),
        _ => Err(ProjectionError::NotATruthValue),
    }
}

fn choose(members: &mut Members, path: &[Box<str>]) {
    match path {
        [] => {}
        [last] => {
            members.insert(last.clone(), Choice::Whole);
        }
        [first, rest @ ..] => {
            let part = members.entry(first.clone()).or_insert_with(|| Choice::Part(Members::new()));
            if let Choice::Part(part) = part {
                choose(part, rest);
            }
        }
    }
}

fn only(value: &Value, members: &Members) -> Option<Value> {
    match value {
        Value::Object(object) => {
            let shown = object.iter().filter_map(|(key, value)| {
                let value = match members.get(key.as_str())? {
                    Choice::Whole => value.clone(),
                    Choice::Part(part) => only(value, part)?,
                };
                Some((key.clone(), value))
            });
            Some(Value::Object(shown.collect()))
        }
        Value::Array(items) => Some(items.iter().filter_map(|item| only(item, members)).collect()),
        _ => None,
    }
}

fn all_but(value: &Value, members: &Members) -> Value {
    match value {
        Value::Object(object) => {
            let shown = object.iter().filter_map(|(key, value)| {
                let value = match members.get(key.as_str()) {
                    None => value.clone(),
                    Some(Choice::Whole) => return None,
                    Some(Choice::Part(part)) => all_but(value, part),
                };
                Some((key.clone(), value))
            });
            Value::Object(shown.collect())
        }
        Value::Array(items) => items.iter().map(|item| all_but(item, members)).collect(),
        scalar => scalar.clone(),
    }
}
