//! Words for schemas made of schemas.

use serde_json::Value;

use super::fault::Fault;
use super::scalars::is_of_kind;
use super::text::quoted;
use super::walk::{Rule, Walk};

/// `allOf`; `extends` of draft 3 is the same without words of its own.
pub(super) fn all_of(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let mut all = Vec::new();
    for (index, schema) in listed(rule.argument).iter().enumerate() {
        let faults = walk.faults(rule.under(schema));
        if !faults.is_empty() && rule.keyword == "allOf" {
            let count = faults.len();
            let words = format!("does not match allOf schema {} with {count} error[s]:", name(index, schema));
            all.extend(rule.says(&words));
        }
        all.extend(faults);
    }
    all
}

/// `anyOf`.
pub(super) fn any_of(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    offered(rule, matching(walk, rule) > 0, "is not any of")
}

/// `oneOf`.
pub(super) fn one_of(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    offered(rule, matching(walk, rule) == 1, "is not exactly one from")
}

/// `not`, and `disallow` of draft 3, which names types.
pub(super) fn not(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let prohibited = listed(rule.argument).iter().filter(|kind| is_of_kind(walk, rule, kind));
    let name = |kind: &Value| match (kind.get("id").and_then(Value::as_str), kind) {
        (Some(id), _) => format!("<{id}>"),
        (None, Value::String(name)) => name.clone(),
        (None, _) => "[object Object]".into(),
    };
    prohibited.flat_map(|kind| rule.says(&format!("is of prohibited type {}", name(kind)))).collect()
}

/// `if`, with `then` and `else`.
pub(super) fn condition(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let holds = walk.faults(rule.under(rule.argument)).is_empty();
    let branch = rule.schema.get(if holds { "then" } else { "else" });
    branch.map(|schema| walk.faults(rule.under(schema))).unwrap_or_default()
}

fn offered(rule: Rule<'_>, is_kept: bool, words: &str) -> Vec<Fault> {
    if is_kept {
        return Vec::new();
    }
    let title = |schema: &Value| schema.get("title").and_then(Value::as_str).map(str::to_owned);
    rule.offers(listed(rule.argument).iter().map(title).collect(), words, names(rule.argument))
}

fn matching(walk: &Walk<'_>, rule: Rule<'_>) -> usize {
    listed(rule.argument).iter().filter(|schema| walk.faults(rule.under(schema)).is_empty()).count()
}

fn listed(argument: &Value) -> &[Value] {
    argument.as_array().map_or(std::slice::from_ref(argument), Vec::as_slice)
}

fn names(schemas: &Value) -> String {
    let names = listed(schemas).iter().enumerate().map(|(index, schema)| name(index, schema));
    names.collect::<Vec<_>>().join(",")
}

fn name(index: usize, schema: &Value) -> String {
    let text = |keyword| schema.get(keyword).and_then(Value::as_str);
    match (text("id"), text("title"), text("$ref")) {
        (Some(id), _, _) => format!("<{id}>"),
        (None, Some(title), _) => quoted(title),
        (None, None, Some(reference)) => format!("<{reference}>"),
        (None, None, None) => format!("[subschema {index}]"),
    }
}
