//! Schemas of old drafts, rewritten to the words of draft 2020-12; people's jobs are full of them.

use serde_json::{Map, Value, json};

use super::references::join;
use crate::config::closest;

type Object = Map<String, Value>;

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "null", "array", "object"];

/// A schema in the words of draft 2020-12, and what had to be changed.
pub(super) struct Modern {
    /// The schema; it accepts what the old one accepted.
    pub(super) schema: Value,
    /// One sentence a change: where, and what.
    pub(super) changes: Vec<String>,
}

/// Rewrites `schema`. Member names under `properties` and the like are names, whatever they say.
pub(super) fn modernise(schema: &Value) -> Modern {
    let mut rewrite = Rewrite { changes: Vec::new() };
    let mut schema = schema.clone();
    rewrite.schema(&mut schema, "#");
    Modern { schema, changes: rewrite.changes }
}

struct Rewrite {
    changes: Vec<String>,
}

impl Rewrite {
    fn schema(&mut self, schema: &mut Value, at: &str) {
        let Some(schema) = schema.as_object_mut() else { return };
        self.identity(schema, at);
        self.types(schema, at);
        self.limits(schema, at);
        self.combinations(schema, at);
        self.required(schema, at);
        self.tuples(schema, at);
        self.dependencies(schema, at);
        self.inner(schema, at);
    }

    fn changed(&mut self, at: &str, what: &str) {
        self.changes.push(format!("{at}: {what}"));
    }

    /// Every document stands alone, so names for documents only mislead references.
    fn identity(&mut self, schema: &mut Object, at: &str) {
        schema.shift_remove("$schema");
        for keyword in ["id", "$id"] {
            let Some(name) = schema.get(keyword).and_then(Value::as_str).map(str::to_owned) else { continue };
            schema.shift_remove(keyword);
            match name.strip_prefix('#').filter(|anchor| !anchor.is_empty()) {
                Some(anchor) => drop(schema.insert("$anchor".into(), anchor.into())),
                None => self.changed(at, &format!("`{keyword}` is ignored")),
            }
        }
        if let Some(reference) = schema.shift_remove("$recursiveRef") {
            schema.insert("$ref".into(), reference);
            self.changed(at, "`$recursiveRef` is `$ref`");
        }
    }

    fn types(&mut self, schema: &mut Object, at: &str) {
        let listed = match schema.get("type") {
            Some(Value::Array(types)) => types.clone(),
            Some(one) => vec![one.clone()],
            None => return,
        };
        if listed.iter().all(is_known_type) {
            return;
        }
        schema.shift_remove("type");
        if listed.iter().any(|kind| kind == "any") {
            return self.changed(at, "type `any` is left out");
        }
        let (known, others): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_known_type);
        let (mut choices, none): (Vec<_>, Vec<_>) = others.into_iter().partition(Value::is_object);
        if !choices.is_empty() {
            self.changed(at, "schemas in `type` are `anyOf`");
        }
        if !known.is_empty() {
            choices.push(json!({"type": known}));
        }
        also(schema, if choices.is_empty() { json!({"not": {}}) } else { json!({"anyOf": choices}) });
        none.iter().for_each(|name| self.changed(at, &no_type(name)));
    }

    fn limits(&mut self, schema: &mut Object, at: &str) {
        for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
            let Some(Value::Bool(excluded)) = schema.get(exclusive).cloned() else { continue };
            schema.shift_remove(exclusive);
            if let Some(value) = excluded.then(|| schema.shift_remove(limit)).flatten() {
                schema.insert(exclusive.into(), value);
            }
            self.changed(at, &format!("boolean `{exclusive}` is a limit"));
        }
        if let Some(factor) = schema.shift_remove("divisibleBy") {
            also(schema, json!({"multipleOf": factor}));
            self.changed(at, "`divisibleBy` is `multipleOf`");
        }
    }

    fn combinations(&mut self, schema: &mut Object, at: &str) {
        if let Some(extended) = schema.get_mut("extends")
            && !extended.is_array()
        {
            *extended = json!([extended.take()]);
        }
        if let Some(extended) = schema.shift_remove("extends") {
            also(schema, json!({"allOf": extended}));
            self.changed(at, "`extends` is `allOf`");
        }
        if let Some(types) = schema.shift_remove("disallow") {
            also(schema, json!({"not": {"type": types}}));
            self.changed(at, "`disallow` is `not`");
        }
    }

    /// Draft 3 says `required: true` in the property; later drafts list the names in the object.
    fn required(&mut self, schema: &mut Object, at: &str) {
        if schema.get("required").is_some_and(|required| !required.is_array()) {
            schema.shift_remove("required");
            self.changed(at, "`required` that is no list is left out");
        }
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
        let mut names = Vec::new();
        for (name, property) in properties {
            if property.get("required").is_some_and(Value::is_boolean) {
                let required =
                    property.as_object_mut().and_then(|property| property.shift_remove("required"));
                names.extend((required == Some(Value::Bool(true))).then(|| json!(name)));
                self.changed(at, &format!("boolean `required` of `{name}` is a list in the object"));
            }
        }
        if !names.is_empty() {
            also(schema, json!({"required": names}));
        }
    }

    fn tuples(&mut self, schema: &mut Object, at: &str) {
        let rest = schema.shift_remove("additionalItems");
        if schema.get("items").is_some_and(Value::is_array) {
            let items = schema.shift_remove("items").unwrap_or_default();
            schema.insert("prefixItems".into(), items);
            schema.extend(rest.map(|rest| ("items".to_owned(), rest)));
            self.changed(at, "a list of `items` is `prefixItems`");
        }
    }

    fn dependencies(&mut self, schema: &mut Object, at: &str) {
        let Some(Value::Object(dependencies)) = schema.shift_remove("dependencies") else { return };
        let (mut required, mut schemas) = (Object::new(), Object::new());
        for (name, dependency) in dependencies {
            match dependency {
                Value::String(one) => drop(required.insert(name, json!([one]))),
                Value::Array(names) => drop(required.insert(name, Value::Array(names))),
                other => drop(schemas.insert(name, other)),
            }
        }
        also(schema, json!({"dependentRequired": required, "dependentSchemas": schemas}));
        self.changed(at, "`dependencies` are `dependentRequired` and `dependentSchemas`");
    }

    fn inner(&mut self, schema: &mut Object, at: &str) {
        for (place, inner) in inner_schemas_mut(schema) {
            self.schema(inner, &format!("{at}/{place}"));
        }
    }
}

/// As in the original, whose jobs go on with whatever else they take.
fn no_type(name: &Value) -> String {
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let types = TYPES.map(str::to_owned);
    let instead = match closest(&name, &types) {
        Some(meant) => format!("`{meant}`"),
        None => format!("one of {}", types.join(", ")),
    };
    format!("there is no type `{name}`, so it accepts nothing; write {instead} instead")
}

fn is_known_type(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| TYPES.contains(&kind))
}

/// Adds a schema that holds as well.
fn also(schema: &mut Object, other: Value) {
    match schema.get_mut("allOf").and_then(Value::as_array_mut) {
        Some(all) => all.push(other),
        None => drop(schema.insert("allOf".into(), json!([other]))),
    }
}

const NAMED: [&str; 5] = ["properties", "patternProperties", "definitions", "$defs", "dependentSchemas"];
const LISTED: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SINGLE: [&str; 11] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentSchema",
];

fn inner_schemas_mut(schema: &mut Object) -> Vec<(String, &mut Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema {
        let keyword = keyword.as_str();
        if SINGLE.contains(&keyword) {
            found.push((keyword.to_owned(), value));
        } else if NAMED.contains(&keyword) {
            let named = value.as_object_mut().into_iter().flatten();
            found.extend(named.map(|(name, inner)| (join(keyword, name), inner)));
        } else if LISTED.contains(&keyword) {
            let listed = value.as_array_mut().into_iter().flatten().enumerate();
            found.extend(listed.map(|(index, inner)| (format!("{keyword}/{index}"), inner)));
        }
    }
    found
}
