//! Arithmetic of updates: `$inc` and `$bit`.

use serde_json::{Map, Number, Value};

use super::DataError;
use super::place::Place;
use crate::bus::embedded::order::{integer, kind};

/// One bitwise change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bits {
    And(i64),
    Or(i64),
    Xor(i64),
}

impl Bits {
    fn of(self, number: i64) -> i64 {
        match self {
            Self::And(mask) => number & mask,
            Self::Or(mask) => number | mask,
            Self::Xor(mask) => number ^ mask,
        }
    }
}

/// Adds to the number there; what is absent counts as 0.
pub(super) fn increase(place: &mut Place<'_>, by: &Number) -> Result<(), DataError> {
    let name = place.name();
    let here = place.make(|| Value::from(0))?;
    let Value::Number(number) = here else {
        let message = format!("Cannot apply $inc to the field '{name}' of non-numeric type {}", kind(here));
        return Err(DataError::unfit(message));
    };
    *number =
        sum(number, by).ok_or_else(|| DataError::unfit(format!("$inc of the field '{name}' overflows")))?;
    Ok(())
}

/// A sum of integers stays one.
fn sum(number: &Number, by: &Number) -> Option<Number> {
    match (integer(number), integer(by)) {
        (Some(number), Some(by)) => Number::from_i128(number + by),
        _ => Number::from_f64(number.as_f64()? + by.as_f64()?),
    }
}

/// Reads `{"and": 1, "or": 2}`.
pub(super) fn bits(operand: &Value) -> Result<Vec<Bits>, DataError> {
    let bits = operand.as_object().into_iter().flat_map(Map::iter).map(|(operation, mask)| {
        let mask = mask.as_i64()?;
        match operation.as_str() {
            "and" => Some(Bits::And(mask)),
            "or" => Some(Bits::Or(mask)),
            "xor" => Some(Bits::Xor(mask)),
            _ => None,
        }
    });
    match bits.collect::<Option<Vec<_>>>() {
        Some(bits) if !bits.is_empty() => Ok(bits),
        _ => Err(DataError::unfit("The $bit modifier takes an object of and, or, xor with integers")),
    }
}

/// Changes the bits of the integer there; what is absent counts as 0.
pub(super) fn change_bits(place: &mut Place<'_>, bits: &[Bits]) -> Result<(), DataError> {
    let name = place.name();
    let here = place.make(|| Value::from(0))?;
    let number = here.as_i64().ok_or_else(|| {
        DataError::unfit(format!(
            "Cannot apply $bit to the field '{name}' of non-integral type {}",
            kind(here)
        ))
    })?;
    *here = Value::from(bits.iter().fold(number, |number, bits| bits.of(number)));
    Ok(())
}
