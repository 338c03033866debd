//! Searches: a MongoDB query as a predicate over documents (`spec/meshblu.md` 1.6).

mod condition;
mod excerpt;
mod parse;
mod pattern;
mod reach;

use serde_json::Value;
use thiserror::Error;

use self::condition::Condition;
pub use self::excerpt::{Excerpt, Wanted};
pub use self::parse::Budget;
use self::reach::reach;
use super::effort::{Effort, Spent};
use super::path::{Path, PathTooDeep};

/// What a document must be like to be found.
#[derive(Clone, Debug)]
pub struct Query(Vec<Clause>);

#[derive(Clone, Debug)]
enum Clause {
    Field(Path, Vec<Condition>),
    All(Vec<Query>),
    Any(Vec<Query>),
    None(Vec<Query>),
}

/// Why a query can not be used; the texts are fit for strangers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// It is not an object.
    #[error("a query must be an object")]
    NotAnObject,
    /// It has an operator that is not supported, or one in a place where it means nothing.
    #[error("unknown operator: {0}")]
    UnknownOperator(String),
    /// The operand is not of the kind that the operator takes.
    #[error("{operator} needs {needs}")]
    BadOperand {
        /// The operator.
        operator: &'static str,
        /// What it takes.
        needs: &'static str,
    },
    /// The expression is malformed, too large, or uses what can not be matched in linear time.
    #[error("$regex can not be used: malformed, too large, or with look-around or back-references")]
    BadRegex,
    /// It is too deep or too large.
    #[error("the query is too complex")]
    TooComplex,
    /// A path has too many segments.
    #[error(transparent)]
    Path(#[from] PathTooDeep),
}

impl QueryError {
    /// The status of a call that asks so, in a search as in a `$pull`. An unknown operator is 500 (`spec/meshblu.md` 1.6): to
    /// MongoDB that is a bad value (its error 2), which Meshblu's updates do not count among the caller's errors, and of
    /// its searches every error is 500. What is wrong with a known operator's operand is 422 all the same, so that callers
    /// can tell their own mistake from the bus's.
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnknownOperator(_) => 500,
            _ => 422,
        }
    }
}

impl Query {
    /// Reads a query; `{}` finds everything.
    ///
    /// # Errors
    /// When it is malformed or larger than what is searched for at once.
    pub fn parse(query: &Value) -> Result<Self, QueryError> {
        Self::parse_within(&mut Budget::default(), query)
    }

    /// The same, of what there is of `budget`, which others share.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_within(budget: &mut Budget, query: &Value) -> Result<Self, QueryError> {
        budget.query(query)
    }

    /// Whether the document is found.
    ///
    /// # Errors
    /// When telling that takes more than there is of `effort`.
    pub fn matches(&self, document: &Value, effort: &Effort) -> Result<bool, Spent> {
        effort.spend(1)?;
        all(&self.0, |clause| clause.matches(document, effort))
    }

    /// How many operands a document is compared with at most.
    pub fn weight(&self) -> usize {
        self.0.iter().map(Clause::weight).sum()
    }

    /// The values of which one must be found at `path`, if the query demands that: for looking documents up in an
    /// index. It may also be an element of an array there. Never `null`, which absent members equal too.
    pub fn one_of(&self, path: &str) -> Option<&[Value]> {
        let demanded = |values: &&[Value]| !values.contains(&Value::Null);
        self.0.iter().find_map(|clause| match clause {
            Clause::Field(field, conditions) if field.is(path) => {
                conditions.iter().filter_map(Condition::one_of).find(demanded)
            }
            Clause::All(queries) => queries.iter().find_map(|query| query.one_of(path)),
            _ => None,
        })
    }

    /// The value that must be found at `path`, where there is but one.
    pub fn exact(&self, path: &str) -> Option<&Value> {
        match self.one_of(path) {
            Some([value]) => Some(value),
            _ => None,
        }
    }

    /// Adds to `wanted` what the query looks at.
    pub fn look(&self, wanted: &mut Wanted) {
        for clause in &self.0 {
            match clause {
                Clause::Field(path, _) => {
                    wanted.add(&path.segments().iter().map(|segment| &**segment).collect::<Vec<_>>())
                }
                Clause::All(queries) | Clause::Any(queries) | Clause::None(queries) => {
                    queries.iter().for_each(|query| query.look(wanted));
                }
            }
        }
    }
}

impl Clause {
    fn weight(&self) -> usize {
        match self {
            Self::Field(_, conditions) => conditions.iter().map(Condition::weight).sum(),
            Self::All(queries) | Self::Any(queries) | Self::None(queries) => {
                queries.iter().map(Query::weight).sum()
            }
        }
    }

    fn matches(&self, document: &Value, effort: &Effort) -> Result<bool, Spent> {
        match self {
            Self::Field(path, conditions) => {
                let found = reach(document, path, effort)?;
                all(conditions, |condition| condition.holds(&found, effort))
            }
            Self::All(queries) => all(queries, |query| query.matches(document, effort)),
            Self::Any(queries) => any(queries, |query| query.matches(document, effort)),
            Self::None(queries) => Ok(!any(queries, |query| query.matches(document, effort))?),
        }
    }
}

/// Whether the test holds for one of these; those after it are not looked at.
fn any<T>(
    items: impl IntoIterator<Item = T>,
    mut test: impl FnMut(T) -> Result<bool, Spent>,
) -> Result<bool, Spent> {
    for item in items {
        if test(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the test holds for all of these; those after one that fails are not looked at.
fn all<T>(
    items: impl IntoIterator<Item = T>,
    mut test: impl FnMut(T) -> Result<bool, Spent>,
) -> Result<bool, Spent> {
    Ok(!any(items, |item| Ok(!test(item)?))?)
}
