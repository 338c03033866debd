//! What a query demands of the values at one path.

use std::cmp::Ordering;

use serde_json::Value;

use super::pattern::Pattern;
use super::reach::{Reached, text_steps};
use super::{Query, all, any};
use crate::bus::embedded::effort::{Effort, Spent};
use crate::bus::embedded::order::{comparable, compare, equal};

/// What a regular expression costs more than a comparison.
const REGEX: usize = 8;

/// One operator with its operand.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Equal(Value),
    In(Vec<Value>),
    Compare(Comparison, Value),
    Exists,
    HasAll(Vec<Condition>),
    Element(Element),
    Regex(Box<Pattern>),
    Not(Vec<Condition>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What one element of an array must be like.
#[derive(Clone, Debug)]
pub(super) enum Element {
    Document(Query),
    Value(Vec<Condition>),
}

impl Condition {
    pub(super) fn holds(&self, reached: &Reached<'_>, effort: &Effort) -> Result<bool, Spent> {
        effort.spend(1)?;
        match self {
            Self::Equal(operand) => equals(reached, operand, effort),
            Self::In(operands) => any(operands, |operand| equals(reached, operand, effort)),
            Self::Compare(comparison, operand) => {
                if reached.missing && operand.is_null() && comparison.holds(Ordering::Equal) {
                    return Ok(true);
                }
                reached.holds_one(|value| {
                    effort.spend(steps(value, operand))?;
                    Ok(comparable(value, operand) && comparison.holds(compare(value, operand)))
                })
            }
            Self::Exists => Ok(!reached.values.is_empty()),
            Self::HasAll(conditions) => {
                Ok(!conditions.is_empty() && all(conditions, |condition| condition.holds(reached, effort))?)
            }
            Self::Element(element) => {
                let items = reached.values.iter().filter_map(|value| value.as_array()).flatten();
                any(items, |item| element.matches(item, effort))
            }
            Self::Regex(pattern) => reached.holds_one(|value| {
                effort.spend(REGEX as u64)?;
                value.as_str().map_or(Ok(false), |text| pattern.is_match(text, effort))
            }),
            Self::Not(conditions) => Ok(!all(conditions, |condition| condition.holds(reached, effort))?),
        }
    }

    /// How many operands a value is compared with at most.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Equal(_) | Self::Compare(..) | Self::Exists => 1,
            Self::In(operands) => operands.len(),
            Self::Regex(_) => REGEX,
            Self::HasAll(conditions) | Self::Not(conditions) | Self::Element(Element::Value(conditions)) => {
                conditions.iter().map(Self::weight).sum()
            }
            Self::Element(Element::Document(query)) => query.weight(),
        }
    }

    /// The values of which this condition demands one, if it does.
    pub(super) fn one_of(&self) -> Option<&[Value]> {
        match self {
            Self::Equal(value) => Some(std::slice::from_ref(value)),
            Self::In(values) => Some(values),
            _ => None,
        }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

impl Element {
    fn matches(&self, item: &Value, effort: &Effort) -> Result<bool, Spent> {
        effort.spend(1)?;
        match self {
            Self::Document(query) => {
                Ok((item.is_object() || item.is_array()) && query.matches(item, effort)?)
            }
            Self::Value(conditions) => {
                let reached = Reached { values: vec![item], missing: false };
                all(conditions, |condition| condition.holds(&reached, effort))
            }
        }
    }
}

impl Reached<'_> {
    /// A condition on a value holds too if it holds for an element of it.
    fn holds_one(&self, test: impl Fn(&Value) -> Result<bool, Spent>) -> Result<bool, Spent> {
        any(&self.values, |value| Ok(test(value)? || any(value.as_array().into_iter().flatten(), &test)?))
    }
}

fn equals(reached: &Reached<'_>, operand: &Value, effort: &Effort) -> Result<bool, Spent> {
    effort.spend(1)?;
    if reached.missing && operand.is_null() {
        return Ok(true);
    }
    reached.holds_one(|value| {
        effort.spend(steps(value, operand))?;
        Ok(equal(value, operand))
    })
}

/// How many steps comparing a value with an operand takes at most.
fn steps(value: &Value, operand: &Value) -> u64 {
    match (value, operand) {
        (Value::String(value), Value::String(operand)) => text_steps(value.len().min(operand.len())),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => size(operand),
        _ => 1,
    }
}

fn size(operand: &Value) -> u64 {
    match operand {
        Value::String(text) => text_steps(text.len()),
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(members) => {
            1 + members.iter().map(|(key, value)| text_steps(key.len()) + size(value)).sum::<u64>()
        }
        _ => 1,
    }
}
