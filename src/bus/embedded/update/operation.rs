//! What an update does at one path.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::DataError;
use super::arrays::{self, Culling, End};
use super::numbers::{self, Bits};
use super::place::Place;
use crate::ambient::Timestamp;
use crate::bus::embedded::order::{compare, kind};
use crate::bus::embedded::query::Budget;

/// One operator with its operand.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Set(Value),
    Unset,
    Increase(Number),
    /// Replaces what is on the wrong side of the operand: greater for `$min`, less for `$max`.
    Bound(Value, Ordering),
    CurrentDate,
    Bits(Vec<Bits>),
    AddToSet(Vec<Value>),
    Push(Vec<Value>, Option<i64>),
    Pop(End),
    Pull(Culling),
}

impl Operation {
    /// Reads an operator; what it looks for is of the `budget` of the whole update.
    pub(super) fn parse(operator: &str, operand: &Value, budget: &mut Budget) -> Result<Self, DataError> {
        match operator {
            "$set" => Ok(Self::Set(operand.clone())),
            "$unset" => Ok(Self::Unset),
            "$inc" => match operand {
                Value::Number(by) => Ok(Self::Increase(by.clone())),
                other => Err(DataError::unfit(format!(
                    "Cannot increment with non-numeric argument of type {}",
                    kind(other)
                ))),
            },
            "$min" => Ok(Self::Bound(operand.clone(), Ordering::Greater)),
            "$max" => Ok(Self::Bound(operand.clone(), Ordering::Less)),
            "$currentDate" => current_date(operand),
            "$bit" => numbers::bits(operand).map(Self::Bits),
            "$addToSet" => {
                let modifiers = arrays::modifiers(operator, operand, &["$each"])?;
                modifiers.map_or_else(|| Ok(vec![operand.clone()]), arrays::each).map(Self::AddToSet)
            }
            "$push" => match arrays::modifiers(operator, operand, &["$each", "$slice"])? {
                None => Ok(Self::Push(vec![operand.clone()], None)),
                Some(modifiers) => Ok(Self::Push(arrays::each(modifiers)?, arrays::slice(modifiers)?)),
            },
            "$pushAll" => Ok(Self::Push(arrays::list(operator, operand)?, None)),
            "$pop" => arrays::end(operand).map(Self::Pop),
            "$pull" => arrays::pull(operand, budget).map(Self::Pull),
            "$pullAll" => arrays::pull_all(operand).map(Self::Pull),
            unknown => Err(DataError::malformed(format!("Unknown modifier: {unknown}"))),
        }
    }

    pub(super) fn apply(&self, place: &mut Place<'_>, now: Timestamp) -> Result<(), DataError> {
        match self {
            Self::Set(value) => set(place, value.clone()),
            Self::Unset => Ok(place.remove()?),
            Self::Increase(by) => numbers::increase(place, by),
            Self::Bound(value, wrong) => {
                let here = place.make(|| value.clone())?;
                if compare(here, value) == *wrong {
                    *here = value.clone();
                }
                Ok(())
            }
            Self::CurrentDate => set(place, Value::from(now.iso_millis())),
            Self::Bits(bits) => numbers::change_bits(place, bits),
            Self::AddToSet(values) => arrays::add_to_set(place, values),
            Self::Push(values, slice) => arrays::push(place, values, *slice),
            Self::Pop(end) => arrays::pop(place, *end),
            Self::Pull(culling) => arrays::cull(place, culling),
        }
    }
}

fn set(place: &mut Place<'_>, value: Value) -> Result<(), DataError> {
    *place.make(|| Value::Null)? = value;
    Ok(())
}

fn current_date(operand: &Value) -> Result<Operation, DataError> {
    let is_type = |members: &Map<String, Value>| {
        let name = members.get("$type").and_then(Value::as_str);
        members.len() == 1 && matches!(name, Some("date" | "timestamp"))
    };
    match operand {
        Value::Bool(_) => Ok(Operation::CurrentDate),
        Value::Object(members) if is_type(members) => Ok(Operation::CurrentDate),
        _ => Err(DataError::malformed("$currentDate takes true or {$type: 'date'} or {$type: 'timestamp'}")),
    }
}
