//! What is let out of a response.

use endo::job::RunFailure;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What a job lets out that answers `data` under a response schema with `schema` for its data.
fn let_out(schema: &Value, data: &Value) -> Result<Value, RunFailure> {
    let response = json!({"type": "object", "properties": {"data": schema}, "definitions": definitions()});
    let registry = echo_with(&json!({}), &response).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let reply = runtime.block_on(registry.run(&say_hello(data.clone()), provisions()))?;
    Ok(reply.data.unwrap())
}

fn definitions() -> Value {
    json!({
        "named": {"type": "object", "properties": {"name": {}}},
        "tree": {"type": "object", "properties": {"leaf": {}, "kids": {"items": {"$ref": "#/definitions/tree"}}}},
    })
}

fn lets_out(schema: Value, data: Value, expected: Value) {
    assert_eq!(let_out(&schema, &data).unwrap().to_string(), expected.to_string(), "{schema}");
}

fn ab() -> Value {
    json!({"type": "object", "properties": {"a": {}, "b": {"type": "object", "properties": {"c": {}}}}})
}

#[test]
fn members_that_the_schema_does_not_know_are_taken_out_at_every_level() {
    let given = json!({"x": 1, "b": {"y": 1, "c": 2, "z": 3}, "a": 3});
    lets_out(ab(), given.clone(), json!({"b": {"c": 2}, "a": 3}));
    let list = json!({"type": "array", "items": ab()});
    lets_out(list, json!([given, {}, {"x": 1}]), json!([{"b": {"c": 2}, "a": 3}, {}, {}]));
    let pair = json!({"prefixItems": [ab()], "items": {"properties": {"x": {}}}});
    lets_out(pair, json!([{"a": 1, "x": 2}, {"a": 1, "x": 2}]), json!([{"a": 1}, {"x": 2}]));
    let old_pair = json!({"items": [ab(), {"properties": {"x": {}}}]});
    lets_out(old_pair, json!([{"a": 1, "x": 2}, {"a": 1, "x": 2}]), json!([{"a": 1}, {"x": 2}]));
}

#[test]
fn metadata_and_members_beside_data_are_stripped_too() {
    lets_out(json!(true), json!({"any": {"thing": 1}}), json!({"any": {"thing": 1}}));
    let registry = echo_with(&json!({}), &json!({"properties": {"other": {}}})).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let reply = runtime.block_on(registry.run(&say_hello(json!("x")), provisions())).unwrap();
    assert_eq!(serde_json::to_value(reply).unwrap(), json!({"metadata": {"code": 200, "status": "OK"}}));
}

#[test]
fn an_explicit_permission_keeps_what_it_permits() {
    let open = json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true});
    lets_out(open, json!({"x": {"y": 1}, "a": 1}), json!({"x": {"y": 1}, "a": 1}));
    let typed = json!({"type": "object", "additionalProperties": ab()});
    lets_out(typed, json!({"x": {"y": 1, "a": 1}}), json!({"x": {"a": 1}}));
    let unevaluated = json!({"properties": {"a": {}}, "unevaluatedProperties": {"type": "integer"}});
    lets_out(unevaluated, json!({"x": 1, "a": 1}), json!({"x": 1, "a": 1}));
    let patterned = json!({"patternProperties": {"^x-": {}}});
    lets_out(patterned, json!({"x-y": 1, "y": 1}), json!({"x-y": 1}));
}

#[test]
fn where_no_schema_speaks_of_objects_everything_stays() {
    let given = json!({"a": [{"b": 1}]});
    for schema in [json!(true), json!({}), json!({"description": "anything"})] {
        lets_out(schema, given.clone(), given.clone());
    }
    lets_out(json!({"type": "object"}), given.clone(), json!({}));
    lets_out(json!({"type": ["object", "null"]}), given, json!({}));
}

#[test]
fn branches_that_match_keep_what_they_know() {
    let text_or_number = |keyword: &str| {
        json!({"properties": {"a": {}}, keyword: [
            {"properties": {"b": {"type": "string"}}, "required": ["b"]},
            {"properties": {"b": {"type": "number"}, "c": {}}, "required": ["b"]},
        ]})
    };
    for keyword in ["anyOf", "oneOf"] {
        let given = json!({"a": 1, "b": "x", "c": 1, "d": 1});
        lets_out(text_or_number(keyword), given, json!({"a": 1, "b": "x"}));
        let given = json!({"a": 1, "b": 2, "c": 1, "d": 1});
        lets_out(text_or_number(keyword), given, json!({"a": 1, "b": 2, "c": 1}));
    }
    let all = json!({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]});
    lets_out(all, json!({"a": 1, "b": 2, "c": 3}), json!({"a": 1, "b": 2}));
    let condition = json!({
        "if": {"properties": {"a": {"const": 1}}, "required": ["a"]},
        "then": {"properties": {"b": {}}},
        "else": {"properties": {"c": {}}},
    });
    lets_out(condition.clone(), json!({"a": 1, "b": 2, "c": 3}), json!({"a": 1, "b": 2}));
    lets_out(condition, json!({"a": 2, "b": 2, "c": 3}), json!({"c": 3}));
    let dependent = json!({"properties": {"a": {}}, "dependentSchemas": {"a": {"properties": {"b": {}}}}});
    lets_out(dependent.clone(), json!({"a": 1, "b": 2, "c": 3}), json!({"a": 1, "b": 2}));
    lets_out(dependent, json!({"b": 2}), json!({}));
}

#[test]
fn what_is_only_forbidden_is_not_known() {
    let not =
        json!({"properties": {"a": {}}, "not": {"properties": {"b": {"type": "null"}}, "required": ["b"]}});
    lets_out(not, json!({"a": 1, "b": 2}), json!({"a": 1}));
}

#[test]
fn references_are_followed_also_to_themselves() {
    lets_out(json!({"$ref": "#/definitions/named"}), json!({"name": 1, "x": 2}), json!({"name": 1}));
    let both = json!({"$ref": "#/definitions/named", "properties": {"age": {}}});
    lets_out(both, json!({"name": 1, "age": 2, "x": 2}), json!({"name": 1, "age": 2}));
    let tree = json!({"leaf": 1, "x": 1, "kids": [{"kids": [{"leaf": 2, "x": 1}], "x": 1}]});
    let stripped = json!({"leaf": 1, "kids": [{"kids": [{"leaf": 2}]}]});
    lets_out(json!({"$ref": "#/definitions/tree"}), tree, stripped);
}

#[test]
fn names_of_prototypes_are_names_like_any_other() {
    let schema = json!({"type": "object", "properties": {"constructor": {}, "__proto__": {}}});
    let given = json!({"constructor": 1, "toString": 2, "__proto__": {"x": 3}});
    lets_out(schema, given, json!({"constructor": 1, "__proto__": {"x": 3}}));
}

#[test]
fn a_branch_that_applied_by_what_is_taken_out_is_left_again() {
    let schema = json!({"type": "object", "if": {"required": ["x"]}, "then": {"properties": {"a": {}}}});
    lets_out(schema, json!({"a": 1, "x": 1}), json!({}));
}

#[test]
fn a_schema_that_demands_what_it_does_not_know_lets_nothing_out() {
    let failed = let_out(&json!({"type": "object", "required": ["a"]}), &json!({"a": 1})).unwrap_err();
    assert_eq!((failed.failure.code, &*failed.failure.message), (502.into(), "response_invalid"));
}

/// Schemas in which no two schemas speak of the same member.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(json!({"type": "string"})), Just(json!({"type": "integer"})), Just(json!({}))];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let object = (prop::collection::btree_map("[ab]", inner.clone(), 0..3), inner.clone(), any::<[bool; 3]>());
        let object = object.prop_map(|(properties, other, [all, any, open])| {
            let mut schema = json!({"type": "object", "properties": properties});
            if all {
                schema["allOf"] = json!([{"properties": {"c": other}}]);
            }
            if any {
                let branch = |name: &str, kind: &str| json!({"properties": {name: {"type": kind}}, "required": [name]});
                schema["anyOf"] = json!([branch("d", "string"), branch("e", "integer"), {}]);
            }
            if open {
                schema["additionalProperties"] = other;
            }
            schema
        });
        prop_oneof![object, inner.prop_map(|items| json!({"type": "array", "items": items}))]
    })
}

/// Values that mostly satisfy `schema`, with members that it does not know.
fn values(schema: &Value) -> BoxedStrategy<Value> {
    match schema["type"].as_str() {
        Some("string") => "[a-c]{0,2}".prop_map(Value::from).boxed(),
        Some("integer") => any::<i8>().prop_map(Value::from).boxed(),
        Some("array") => prop::collection::vec(values(&schema["items"]), 0..3).prop_map(Value::from).boxed(),
        Some(_) => {
            let mut members: Vec<BoxedStrategy<(String, Value)>> = Vec::new();
            let known = [&schema["properties"], &schema["allOf"][0]["properties"]];
            for (name, member) in known.into_iter().filter_map(Value::as_object).flatten() {
                members.push((Just(name.clone()), values(member)).boxed());
            }
            for name in ["d", "e", "x"] {
                let any = prop_oneof![Just(json!("d")), Just(json!(5)), Just(json!({"a": {"x": 1}}))];
                members.push((Just(name.to_owned()), any).boxed());
            }
            let count = members.len();
            (members, prop::collection::vec(any::<bool>(), count))
                .prop_map(|(members, there)| {
                    let there =
                        members.into_iter().zip(there).filter_map(|(member, there)| there.then_some(member));
                    Value::Object(there.collect())
                })
                .boxed()
        }
        None => Just(json!({"x": [1, {"y": 2}]})).boxed(),
    }
}

/// `schema` with `unevaluatedProperties: false` at every object level.
fn strict(schema: &Value) -> Value {
    let mut schema = schema.clone();
    for properties in ["/properties", "/allOf/0/properties"] {
        let inner = schema.pointer_mut(properties).and_then(Value::as_object_mut);
        inner.into_iter().flatten().for_each(|(_, member)| *member = strict(member));
    }
    for other in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(other) {
            *inner = strict(inner);
        }
    }
    if schema["type"] == "object" {
        schema["unevaluatedProperties"] = json!(false);
    }
    schema
}

proptest! {
    #[test]
    fn stripping_leaves_what_the_strict_schema_accepts_and_no_less(
        (schema, data) in schemas().prop_flat_map(|schema| {
            let values = values(&schema);
            (Just(schema), values)
        })
    ) {
        let is_valid = |schema: &Value, data: &Value| jsonschema::is_valid(schema, data);
        prop_assume!(is_valid(&schema, &data));
        let stripped = let_out(&schema, &data).unwrap();
        let strict = strict(&schema);
        prop_assert!(is_valid(&schema, &stripped), "{} is invalid under {}", stripped, schema);
        prop_assert!(is_valid(&strict, &stripped), "{} keeps strangers under {}", stripped, schema);
        prop_assert_eq!(&let_out(&schema, &stripped).unwrap(), &stripped);
        if is_valid(&strict, &data) {
            prop_assert_eq!(stripped, data);
        }
    }
}
