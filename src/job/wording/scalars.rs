//! Words for types, enumerations, numbers and strings.

use serde_json::Value;

use super::fault::Fault;
use super::text::{joined, plain, quoted, same};
use super::walk::{Rule, Walk};

/// The rules on values without parts.
pub(super) fn keyword(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    match rule.keyword {
        "type" => kind(walk, rule),
        "enum" => enumeration(rule),
        "const" => constant(rule),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => limit(rule),
        "multipleOf" => multiple(rule, "is not a multiple of (divisible by)"),
        "divisibleBy" => multiple(rule, "is not divisible by (multiple of)"),
        "minLength" | "maxLength" => length(rule),
        "pattern" => pattern(walk, rule),
        "format" => format(walk, rule),
        _ => Vec::new(),
    }
}

fn kind(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let one = std::slice::from_ref(rule.argument);
    let kinds = rule.argument.as_array().map_or(one, Vec::as_slice);
    let fits = kinds.iter().any(|kind| is_of_kind(walk, rule, kind));
    if fits {
        return Vec::new();
    }
    let names = kinds.iter().map(|kind| kind.as_str().map(str::to_owned)).collect();
    rule.offers(names, "is not of a type(s)", joined(rule.argument))
}

/// Whether the value is of a type: a name, or, in draft 3, a schema.
pub(super) fn is_of_kind(walk: &Walk<'_>, rule: Rule<'_>, kind: &Value) -> bool {
    match kind.as_str() {
        Some("string") => rule.instance.is_string(),
        Some("number") => rule.instance.is_number(),
        Some("integer") => rule.instance.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some("boolean") => rule.instance.is_boolean(),
        Some("null") => rule.instance.is_null(),
        Some("array") => rule.instance.is_array(),
        Some("object") => rule.instance.is_object(),
        Some("any") => true,
        Some(_) => false,
        None => kind.is_object() && walk.faults(rule.under(kind)).is_empty(),
    }
}

fn enumeration(rule: Rule<'_>) -> Vec<Fault> {
    let known = rule.argument.as_array().into_iter().flatten().any(|value| same(value, rule.instance));
    rule.asks_if(!known, "is not one of enum values:", joined(rule.argument))
}

fn constant(rule: Rule<'_>) -> Vec<Fault> {
    let words = format!("does not exactly match expected constant: {}", rule.argument);
    rule.says_if(!same(rule.argument, rule.instance), &words)
}

fn limit(rule: Rule<'_>) -> Vec<Fault> {
    let (Some(number), Some(limit)) = (rule.instance.as_f64(), rule.argument.as_f64()) else {
        return Vec::new();
    };
    let is_excluded = |keyword| number == limit && rule.schema.get(keyword) == Some(&Value::Bool(true));
    let (broken, words) = match rule.keyword {
        "minimum" => (number < limit || is_excluded("exclusiveMinimum"), "a minimum value of"),
        "maximum" => (number > limit || is_excluded("exclusiveMaximum"), "a maximum value of"),
        "exclusiveMinimum" => (number <= limit, "a value greater than"),
        _ => (number >= limit, "a value less than"),
    };
    rule.asks_if(broken, &format!("must have {words}"), plain(rule.argument))
}

fn multiple(rule: Rule<'_>, words: &str) -> Vec<Fault> {
    let (Some(number), Some(divisor)) = (rule.instance.as_f64(), rule.argument.as_f64()) else {
        return Vec::new();
    };
    let quotient = number / divisor;
    let broken = (quotient - quotient.round()).abs() > 1e-9 * quotient.abs().max(1.0);
    rule.says_if(broken, &format!("{words} {}", plain(rule.argument)))
}

fn length(rule: Rule<'_>) -> Vec<Fault> {
    let (Some(text), Some(limit)) = (rule.instance.as_str(), rule.argument.as_f64()) else {
        return Vec::new();
    };
    super::arrays::measured(text.chars().count(), limit, rule)
}

fn pattern(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let (Some(text), Some(pattern)) = (rule.instance.as_str(), rule.argument.as_str()) else {
        return Vec::new();
    };
    let matches = walk.schema.checks.matches(pattern, text);
    if matches {
        return Vec::new();
    }
    rule.says_of(format!("does not match pattern {}", quoted(pattern)), pattern.to_owned())
}

fn format(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let Some(format) = rule.argument.as_str() else { return Vec::new() };
    if walk.schema.checks.conforms(format, rule.instance) {
        return Vec::new();
    }
    rule.says_of(format!("does not conform to the {} format", quoted(format)), format.to_owned())
}
