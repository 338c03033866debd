//! Words for arrays.

use std::collections::HashSet;

use serde_json::Value;

use super::fault::Fault;
use super::text::plain;
use super::walk::{Rule, Walk};

/// `items` and `prefixItems`: a list of schemas is one for each of the first items.
pub(super) fn items(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let Some(items) = rule.instance.as_array() else { return Vec::new() };
    let mut faults = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match schema_of(rule, index) {
            Some(Value::Bool(false)) => faults.extend(rule.says("additionalItems not permitted")),
            Some(schema) => {
                let place = rule.member(&index.to_string());
                faults.extend(walk.faults(rule.at(&place, item, schema)));
            }
            None => {}
        }
    }
    faults
}

fn schema_of<'a>(rule: Rule<'a>, index: usize) -> Option<&'a Value> {
    let first = rule.schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
    match rule.argument {
        Value::Array(schemas) if rule.schema.contains_key("prefixItems") => schemas.get(index),
        Value::Array(schemas) => schemas.get(index).or_else(|| rule.schema.get("additionalItems")),
        one => (index >= first).then_some(one),
    }
}

/// `minItems` and `maxItems`.
pub(super) fn length(rule: Rule<'_>) -> Vec<Fault> {
    let (Some(items), Some(limit)) = (rule.instance.as_array(), rule.argument.as_f64()) else {
        return Vec::new();
    };
    measured(items.len(), limit, rule)
}

/// Compares a length with its limit.
pub(super) fn measured(length: usize, limit: f64, rule: Rule<'_>) -> Vec<Fault> {
    let length = length as f64;
    let is_minimum = matches!(rule.keyword, "minItems" | "minLength");
    let (broken, which) = if is_minimum { (length < limit, "minimum") } else { (length > limit, "maximum") };
    rule.asks_if(broken, &format!("does not meet {which} length of"), plain(rule.argument))
}

/// `uniqueItems`; duplicates that differ in how they are written are left to the fallback.
pub(super) fn unique(rule: Rule<'_>) -> Vec<Fault> {
    let Some(items) = rule.instance.as_array() else { return Vec::new() };
    let mut seen = HashSet::new();
    let duplicate = items.iter().any(|item| !seen.insert(item.to_string()));
    rule.says_if(duplicate && rule.argument == &Value::Bool(true), "contains duplicate item")
}
