//! Reading queries, with a bound on how much one may ask.

use serde_json::{Map, Value};

use super::condition::{Comparison, Condition, Element};
use super::pattern::{MAX_TEXT, Pattern};
use super::{Clause, Query, QueryError};
use crate::bus::embedded::path::Path;

const MAX_DEPTH: usize = 20;
/// A regular expression is expensive to build, and more so where it is large.
const REGEX_COST: usize = 50;
const TEXT_A_PART: usize = 10;
const BYTES_A_PART: usize = 1 << 10;

/// What a query, or several of one update together, may still contain.
#[derive(Debug)]
pub struct Budget {
    parts: usize,
    depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { parts: 2_000, depth: MAX_DEPTH }
    }
}

impl Budget {
    pub(super) fn query(&mut self, query: &Value) -> Result<Query, QueryError> {
        let members = query.as_object().ok_or(QueryError::NotAnObject)?;
        self.deeper(|budget| members.iter().map(|(key, operand)| budget.clause(key, operand)).collect())
            .map(Query)
    }

    fn clause(&mut self, key: &str, operand: &Value) -> Result<Clause, QueryError> {
        self.spend(1)?;
        match key {
            "$and" => Ok(Clause::All(self.queries("$and", operand)?)),
            "$or" => Ok(Clause::Any(self.queries("$or", operand)?)),
            "$nor" => Ok(Clause::None(self.queries("$nor", operand)?)),
            _ if key.starts_with('$') => Err(unknown(key)),
            _ => Ok(Clause::Field(Path::parse(key)?, self.conditions(operand)?)),
        }
    }

    fn queries(&mut self, operator: &'static str, operand: &Value) -> Result<Vec<Query>, QueryError> {
        match operand.as_array() {
            Some(queries) if !queries.is_empty() => queries.iter().map(|query| self.query(query)).collect(),
            _ => Err(QueryError::BadOperand { operator, needs: "a list of queries that is not empty" }),
        }
    }

    /// The operators of an object, or equality with any other value.
    fn conditions(&mut self, operand: &Value) -> Result<Vec<Condition>, QueryError> {
        match operators(operand) {
            None => Ok(vec![Condition::Equal(self.literal(operand)?)]),
            Some(operators) => self.deeper(|budget| {
                operators
                    .iter()
                    .filter(|(operator, _)| *operator != "$options" || !operators.contains_key("$regex"))
                    .map(|(operator, operand)| budget.condition(operator, operand, operators))
                    .collect()
            }),
        }
    }

    fn condition(
        &mut self,
        operator: &str,
        operand: &Value,
        beside: &Map<String, Value>,
    ) -> Result<Condition, QueryError> {
        self.spend(1)?;
        Ok(match operator {
            "$eq" => Condition::Equal(self.literal(operand)?),
            "$ne" => not(Condition::Equal(self.literal(operand)?)),
            "$in" => Condition::In(self.literals("$in", operand)?),
            "$nin" => not(Condition::In(self.literals("$nin", operand)?)),
            "$gt" => Condition::Compare(Comparison::Greater, self.literal(operand)?),
            "$gte" => Condition::Compare(Comparison::GreaterOrEqual, self.literal(operand)?),
            "$lt" => Condition::Compare(Comparison::Less, self.literal(operand)?),
            "$lte" => Condition::Compare(Comparison::LessOrEqual, self.literal(operand)?),
            "$exists" if is_true(operand) => Condition::Exists,
            "$exists" => not(Condition::Exists),
            "$all" => self.has_all(operand)?,
            "$elemMatch" => Condition::Element(self.element(operand)?),
            "$regex" => Condition::Regex(Box::new(self.regex(operand, beside.get("$options"))?)),
            "$not" => Condition::Not(self.negated(operand)?),
            _ => return Err(unknown(operator)),
        })
    }

    fn has_all(&mut self, operand: &Value) -> Result<Condition, QueryError> {
        let items = list("$all", operand)?;
        let conditions = items.iter().map(|item| match item.get("$elemMatch") {
            Some(element) => Ok(Condition::Element(self.element(element)?)),
            None => Ok(Condition::Equal(self.literal(item)?)),
        });
        conditions.collect::<Result<_, _>>().map(Condition::HasAll)
    }

    fn element(&mut self, operand: &Value) -> Result<Element, QueryError> {
        match operators(operand) {
            Some(operators) if !operators.keys().all(|key| is_logical(key)) => {
                Ok(Element::Value(self.conditions(operand)?))
            }
            _ if operand.is_object() => Ok(Element::Document(self.query(operand)?)),
            _ => Err(QueryError::BadOperand { operator: "$elemMatch", needs: "an object" }),
        }
    }

    fn negated(&mut self, operand: &Value) -> Result<Vec<Condition>, QueryError> {
        match operators(operand) {
            Some(_) => self.conditions(operand),
            None => Err(QueryError::BadOperand { operator: "$not", needs: "an object of operators" }),
        }
    }

    fn regex(&mut self, pattern: &Value, options: Option<&Value>) -> Result<Pattern, QueryError> {
        let pattern =
            pattern.as_str().ok_or(QueryError::BadOperand { operator: "$regex", needs: "a text" })?;
        let options = match options {
            None => "",
            Some(options) => options.as_str().ok_or(BAD_OPTIONS)?,
        };
        self.spend(REGEX_COST + pattern.len().min(MAX_TEXT) / TEXT_A_PART)?;
        let pattern = Pattern::parse(pattern, options)?;
        self.spend(pattern.bytes() / BYTES_A_PART)?;
        Ok(pattern)
    }

    fn literals(&mut self, operator: &'static str, operand: &Value) -> Result<Vec<Value>, QueryError> {
        list(operator, operand)?.iter().map(|item| self.literal(item)).collect()
    }

    fn literal(&mut self, value: &Value) -> Result<Value, QueryError> {
        self.spend(1)?;
        Ok(value.clone())
    }

    fn spend(&mut self, cost: usize) -> Result<(), QueryError> {
        self.parts = self.parts.checked_sub(cost).ok_or(QueryError::TooComplex)?;
        Ok(())
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        self.depth = self.depth.checked_sub(1).ok_or(QueryError::TooComplex)?;
        let read = read(self);
        self.depth += 1;
        read
    }
}

pub(super) const BAD_OPTIONS: QueryError =
    QueryError::BadOperand { operator: "$options", needs: "a text of the letters i, m, s and x" };

/// The members of an object whose first key is an operator. `{"$ref": …}` is a value like any other.
fn operators(operand: &Value) -> Option<&Map<String, Value>> {
    let members = operand.as_object()?;
    let first = members.keys().next()?;
    (first.starts_with('$') && !matches!(first.as_str(), "$ref" | "$id" | "$db")).then_some(members)
}

fn is_logical(key: &str) -> bool {
    matches!(key, "$and" | "$or" | "$nor")
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

fn list<'a>(operator: &'static str, operand: &'a Value) -> Result<&'a [Value], QueryError> {
    operand.as_array().map(Vec::as_slice).ok_or(QueryError::BadOperand { operator, needs: "a list" })
}

fn not(condition: Condition) -> Condition {
    Condition::Not(vec![condition])
}

fn unknown(operator: &str) -> QueryError {
    QueryError::UnknownOperator(operator.chars().take(40).collect())
}
