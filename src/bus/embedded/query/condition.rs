//! What a query demands of the values at one path.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use super::Query;
use super::reach::Reached;
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
    Regex(Regex),
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
    pub(super) fn holds(&self, reached: &Reached<'_>) -> bool {
        match self {
            Self::Equal(operand) => equals(reached, operand),
            Self::In(operands) => operands.iter().any(|operand| equals(reached, operand)),
            Self::Compare(comparison, operand) => {
                (reached.missing && operand.is_null() && comparison.holds(Ordering::Equal))
                    || any(reached, |value| {
                        comparable(value, operand) && comparison.holds(compare(value, operand))
                    })
            }
            Self::Exists => !reached.values.is_empty(),
            Self::HasAll(conditions) => {
                !conditions.is_empty() && conditions.iter().all(|condition| condition.holds(reached))
            }
            Self::Element(element) => reached
                .values
                .iter()
                .filter_map(|value| value.as_array())
                .flatten()
                .any(|item| element.matches(item)),
            Self::Regex(regex) => {
                any(reached, |value| value.as_str().is_some_and(|text| regex.is_match(text)))
            }
            Self::Not(conditions) => !conditions.iter().all(|condition| condition.holds(reached)),
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
    fn matches(&self, item: &Value) -> bool {
        match self {
            Self::Document(query) => (item.is_object() || item.is_array()) && query.matches(item),
            Self::Value(conditions) => {
                let reached = Reached { values: vec![item], missing: false };
                conditions.iter().all(|condition| condition.holds(&reached))
            }
        }
    }
}

fn equals(reached: &Reached<'_>, operand: &Value) -> bool {
    (reached.missing && operand.is_null()) || any(reached, |value| equal(value, operand))
}

/// A condition on a value holds too if it holds for an element of it.
fn any(reached: &Reached<'_>, test: impl Fn(&Value) -> bool) -> bool {
    reached
        .values
        .iter()
        .any(|value| test(value) || value.as_array().is_some_and(|items| items.iter().any(&test)))
}
