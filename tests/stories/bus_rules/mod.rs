//! The rules of the embedded bus, each by itself: no storage, no HTTP.

mod crowds;
mod documents;
mod effort;
mod forwarders;
mod network;
mod queries;
mod routes;
mod updates;
mod whitelists;

use endo::bus::embedded::effort::Effort;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// More than anything here takes.
fn plenty() -> Effort {
    Effort::of(1_000_000)
}

/// Any JSON, among it the words that the rules know.
fn json_values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..4i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        let object = prop::collection::vec((words(), inner.clone()), 0..4)
            .prop_map(|members| Value::Object(Map::from_iter(members)));
        prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Value::Array), object]
    })
}

fn words() -> impl Strategy<Value = String> {
    const KNOWN: &str = "a b c a.b a.0 a.$ .. .a a. $set $unset $inc $push $each $slice $pull $addToSet $bit and \
        $currentDate $pop $pullAll $pushAll $min $max $mult $or $and $nor $not $in $nin $ne $eq $gt $exists $all \
        $elemMatch $regex $options $ref uuid token _id __proto__ constructor 0 webhook type url headers";
    prop_oneof![
        9 => prop::sample::select(KNOWN.split_whitespace().map(str::to_owned).collect::<Vec<_>>()),
        1 => any::<String>(),
    ]
}
