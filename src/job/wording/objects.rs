//! Words for objects.

use serde_json::Value;

use super::fault::Fault;
use super::text::{path, plain, quoted};
use super::walk::{Rule, Walk};

/// `properties`, in their order; draft 3 says here what is required.
pub(super) fn properties(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let (Some(members), Some(schemas)) = (rule.instance.as_object(), rule.argument.as_object()) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for (name, schema) in schemas {
        let place = rule.member(name);
        match members.get(name) {
            Some(member) => faults.extend(walk.faults(rule.at(&place, member, schema))),
            None if schema.get("required") == Some(&Value::Bool(true)) => {
                let (keyword, words) = ("required".to_owned(), "is required".to_owned());
                faults.push(Fault {
                    place,
                    keyword,
                    argument: String::new(),
                    choices: Vec::new(),
                    by: None,
                    words,
                });
            }
            None => {}
        }
    }
    faults
}

/// `patternProperties`, and with them `additionalProperties`.
pub(super) fn pattern_properties(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let (Some(members), Some(schemas)) = (rule.instance.as_object(), rule.argument.as_object()) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    for (name, member) in members {
        let place = rule.member(name);
        let mut matched = false;
        for (_, schema) in schemas.iter().filter(|(pattern, _)| walk.schema.checks.matches(pattern, name)) {
            matched = true;
            faults.extend(walk.faults(rule.at(&place, member, schema)));
        }
        if !matched {
            faults.extend(additional(walk, rule, name, member));
        }
    }
    faults
}

/// `additionalProperties`, unless `patternProperties` have taken care of them.
pub(super) fn additional_properties(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let Some(members) = rule.instance.as_object() else { return Vec::new() };
    if rule.schema.contains_key("patternProperties") {
        return Vec::new();
    }
    members.iter().flat_map(|(name, member)| additional(walk, rule, name, member)).collect()
}

fn additional(walk: &Walk<'_>, rule: Rule<'_>, name: &String, member: &Value) -> Vec<Fault> {
    if rule.schema.get("properties").is_some_and(|properties| properties.get(name).is_some()) {
        return Vec::new();
    }
    match rule.schema.get("additionalProperties") {
        Some(Value::Bool(false)) => {
            rule.says(&format!("additionalProperty {} exists in instance when not allowed", quoted(name)))
        }
        Some(schema) => walk.faults(rule.at(&rule.member(name), member, schema)),
        None => Vec::new(),
    }
}

/// `required`, as a list of names.
pub(super) fn required(rule: Rule<'_>) -> Vec<Fault> {
    let Some(members) = rule.instance.as_object() else { return Vec::new() };
    let names = rule.argument.as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = names.filter(|name| !members.contains_key(*name));
    missing
        .flat_map(|name| rule.says_of(format!("requires property {}", quoted(name)), name.to_owned()))
        .collect()
}

/// `minProperties` and `maxProperties`.
pub(super) fn count(rule: Rule<'_>) -> Vec<Fault> {
    let (Some(members), Some(limit)) = (rule.instance.as_object(), rule.argument.as_f64()) else {
        return Vec::new();
    };
    let count = members.len() as f64;
    let (broken, which) =
        if rule.keyword == "minProperties" { (count < limit, "minimum") } else { (count > limit, "maximum") };
    rule.says_if(broken, &format!("does not meet {which} property length of {}", plain(rule.argument)))
}

/// `dependencies` and the two keywords that followed them.
pub(super) fn dependencies(walk: &Walk<'_>, rule: Rule<'_>) -> Vec<Fault> {
    let (Some(members), Some(dependencies)) = (rule.instance.as_object(), rule.argument.as_object()) else {
        return Vec::new();
    };
    let present = dependencies.iter().filter(|(name, _)| members.contains_key(*name));
    present.flat_map(|(name, dependency)| dependent(walk, rule, name, dependency)).collect()
}

fn dependent(walk: &Walk<'_>, rule: Rule<'_>, name: &str, dependency: &Value) -> Vec<Fault> {
    let place = rule.member(name);
    let by = path(&place);
    let names = match dependency {
        Value::String(_) => std::slice::from_ref(dependency),
        Value::Array(names) => names,
        schema => {
            let mut faults = walk.faults(rule.at(&place, rule.instance, schema));
            if !faults.is_empty() {
                faults.splice(0..0, rule.says(&format!("does not meet dependency required by {by}")));
            }
            return faults;
        }
    };
    let missing = names.iter().filter_map(Value::as_str).filter(|name| rule.instance.get(name).is_none());
    let fault = |name: &str| {
        let words = format!("property {name} not found, required by {by}");
        rule.says_of(words, name.to_owned())
            .into_iter()
            .map(|fault| Fault { by: Some(place.clone()), ..fault })
    };
    missing.flat_map(fault).collect()
}
