//! How the values of documents compare: numbers by value, kinds in MongoDB's order.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// Deep equality. `1` equals `1.0`; the order of an object's keys does not matter. Takes as long as `right` is large at
/// most.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => numbers(left, right) == Ordering::Equal,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same =
                |(key, other): (&String, &Value)| left.get(key).is_some_and(|value| equal(value, other));
            left.len() == right.len() && right.iter().all(same)
        }
        (left, right) => left == right,
    }
}

/// Equality of what is written: the order of keys and the form of numbers count.
pub(super) fn identical(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| identical(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same = |(left, right): ((&String, &Value), (&String, &Value))| {
                left.0 == right.0 && identical(left.1, right.1)
            };
            left.len() == right.len() && left.iter().zip(right).all(same)
        }
        (left, right) => left == right,
    }
}

/// A text that two values share exactly if they are [`equal`].
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => match integer(number).or_else(|| whole(float(number))) {
            Some(integer) => integer.to_string(),
            None => number.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// The order of any two values.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let pairs = left.iter().zip(right).map(|(left, right)| compare(left, right));
            first_difference(pairs).then(left.len().cmp(&right.len()))
        }
        (Value::Object(left), Value::Object(right)) => objects(left, right),
        (left, right) => rank(left).cmp(&rank(right)),
    }
}

/// Whether two values are of one kind, so that one can be less than the other in a query.
pub(super) fn comparable(left: &Value, right: &Value) -> bool {
    rank(left) == rank(right)
}

/// What a kind of value is called in the texts of errors.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "long",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Bool(_) => 5,
    }
}

fn objects(left: &Map<String, Value>, right: &Map<String, Value>) -> Ordering {
    let pairs = left.iter().zip(right).map(|((left_key, left), (right_key, right))| {
        rank(left).cmp(&rank(right)).then_with(|| left_key.cmp(right_key)).then_with(|| compare(left, right))
    });
    first_difference(pairs).then(left.len().cmp(&right.len()))
}

fn numbers(left: &Number, right: &Number) -> Ordering {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => integer_to_float(left, float(right)),
        (None, Some(right)) => integer_to_float(right, float(left)).reverse(),
        (None, None) => float(left).partial_cmp(&float(right)).unwrap_or(Ordering::Equal),
    }
}

/// Exact, where turning the integer into a float would round it.
fn integer_to_float(integer: i128, float: f64) -> Ordering {
    integer
        .cmp(&(float.trunc() as i128))
        .then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

fn whole(float: f64) -> Option<i128> {
    let integer = float as i128;
    (integer as f64 == float && integer != i128::MAX).then_some(integer)
}

pub(super) fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}
