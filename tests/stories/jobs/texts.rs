//! What the sender of an invalid message reads.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const TEXTS: &str = include_str!("../../fixtures/validation-texts.json");

/// Cases in which our answer is not that of version 1.2.0 of the original's library, each with its reason.
const DIFFERENCES: [(&str, &str); 3] = [
    ("wrong jobType", "the default job takes any job type, and without one the answer is 404"),
    ("additionalProperties false", "nothing but metadata and data of a message is looked at"),
    ("minLength counts characters", "a robot is one character, as its later versions have it, too"),
];

fn errors(registry: &Registry, instance: &Value) -> Vec<String> {
    match registry.check(&message(instance.clone())) {
        Ok(_) => Vec::new(),
        Err(refusal) => serde_json::from_value(refusal.reply().data.unwrap()["errors"].clone()).unwrap(),
    }
}

/// A registry whose one job is the default one, so that no message is turned away before its validation.
fn default_echo_with(message: &Value) -> Registry {
    let directory = JobDirectory { message: leaked(message), ..directory("say-hello") };
    let options = RegistryOptions { default_job_type: Some("SayHello".into()), ..options() };
    Registry::load(vec![built_in(directory, Echo)], options).unwrap().0
}

fn recorded(case: &Value) -> Vec<String> {
    let texts = case.get("errors").unwrap_or_else(|| &case["errorsByVersion"]["1.2.0"]);
    serde_json::from_value(texts.clone()).unwrap()
}

#[test]
fn every_recorded_text_is_matched_but_for_the_listed_differences() {
    let texts: Value = serde_json::from_str(TEXTS).unwrap();
    let mut differing = Vec::new();
    for case in texts["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let registry = default_echo_with(&case["schema"]);
        let (ours, theirs) = (errors(&registry, &case["instance"]), recorded(case));
        if ours != theirs {
            let listed = DIFFERENCES.iter().any(|(difference, _)| *difference == name);
            assert!(listed, "{name}: ours {ours:?}, theirs {theirs:?}");
            differing.push(name.to_owned());
        }
    }
    differing.sort_unstable();
    let mut listed = DIFFERENCES.map(|(name, _)| name.to_owned());
    listed.sort_unstable();
    assert_eq!(differing, listed, "a listed difference is none any more");
}

fn data_errors(schema: Value, data: Value) -> Vec<String> {
    let registry = echo_with(&json!({"properties": {"data": schema}}), &json!({"properties": {}})).unwrap();
    errors(&registry, &json!({"metadata": {"jobType": "SayHello"}, "data": data}))
}

#[test]
fn a_date_time_has_a_zone_with_a_colon_and_may_have_a_space() {
    let errors = |text: &str| data_errors(json!({"type": "string", "format": "date-time"}), json!(text));
    for good in [
        "2017-03-01T00:00:00Z",
        "2017-03-01 00:00:00z",
        "2017-03-01t00:00:00.123456+02:00",
        "2017-02-31T23:59:60-11:30",
        "2017-02-00T23:59:59Z",
    ] {
        assert_eq!(errors(good), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "",
        "2017-03-01",
        "2017-03-01T00:00:00",
        "2017-03-01T00:00:00+0200",
        "2017-03-01T00:00:00+02",
        "2017-13-01T00:00:00Z",
        "2017-00-01T00:00:00Z",
        "2017-03-01T00:00:00.Z",
        "2017-03-01T00:00Z",
        "x2017-03-01T00:00:00Z",
        "2017-03-01T00:00:00Zx",
        "２０17-03-01T00:00:00Z",
        "2017-03-01T00:00:0é",
    ] {
        assert_eq!(errors(bad), ["message.data does not conform to the \"date-time\" format"], "{bad}");
    }
}

#[test]
fn texts_name_places_as_javascript_would() {
    for (name, place) in [
        ("a", "message.data.a"),
        ("a b", "message.data[\"a b\"]"),
        ("a[0]", "message.data[\"a[0]\"]"),
        ("a\"b.c", "message.data[\"a\\\"b.c\"]"),
        ("12", "message.data[12]"),
        ("", "message.data."),
        ("__proto__", "message.data.__proto__"),
        ("été", "message.data.été"),
    ] {
        let schema = json!({"properties": {name: {"type": "string"}}});
        assert_eq!(data_errors(schema, json!({name: 1})), [format!("{place} is not of a type(s) string")]);
    }
}

#[test]
fn texts_write_values_as_javascript_would() {
    let values = json!([null, true, 1.0, 1e21, 0.1, "x", [1, [2, "y"]], {"a": 1}]);
    let expected = "message.data is not one of enum values: ,true,1,1e+21,0.1,x,1,2,y,[object Object]";
    assert_eq!(data_errors(json!({"enum": values}), json!("none")), [expected]);
    let expected = "message.data must have a minimum value of 10";
    assert_eq!(data_errors(json!({"minimum": 10.0}), json!(9.5)), [expected]);
}

#[test]
fn schemas_of_schemas_are_named_by_id_title_or_place() {
    let schema = json!({"anyOf": [{"id": "#a", "type": "null"}, {"title": "B", "type": "null"},
        {"$ref": "#/definitions/c"}, {"type": "null"}]});
    let message = json!({"properties": {"data": schema}, "definitions": {"c": {"type": "null"}}});
    let registry = echo_with(&message, &json!({"properties": {}})).unwrap();
    let errors = errors(&registry, &json!({"metadata": {"jobType": "SayHello"}, "data": 1}));
    assert_eq!(errors, ["message.data is not any of <#a>,\"B\",<#/definitions/c>,[subschema 3]"]);
}

#[test]
fn what_is_referred_to_and_what_depends_is_worded_in_its_place() {
    let schema = json!({"$ref": "#/properties/metadata/properties/respondTo", "required": ["a"],
        "dependencies": {"b": {"required": ["c"]}}, "additionalProperties": {"type": "string"}});
    let expected = [
        "message.data requires property \"a\"",
        "message.data does not meet dependency required by instance.data.b",
        "message.data.b requires property \"c\"",
        "message.data.b is not of a type(s) string",
    ];
    assert_eq!(data_errors(schema, json!({"b": 1})), expected);
}

#[test]
fn keywords_that_came_later_have_words_too() {
    for (schema, data, expected) in [
        (json!({"const": {"a": 1}}), json!(2), "does not exactly match expected constant: {\"a\":1}"),
        (json!({"contains": {"type": "string"}}), json!([1]), "must contain an item matching given schema"),
        (json!({"propertyNames": {"maxLength": 1}}), json!({"ab": 1}), "does not satisfy \"propertyNames\""),
        (
            json!({"dependentRequired": {"a": ["b"]}}),
            json!({"a": 1}),
            "property b not found, required by instance.data.a",
        ),
        (
            json!({"if": {"type": "string"}, "then": {"minLength": 2}}),
            json!("a"),
            "does not meet minimum length of 2",
        ),
        (json!({"exclusiveMinimum": 3}), json!(3), "must have a value greater than 3"),
        (
            json!({"properties": {"a": {}}, "unevaluatedProperties": false}),
            json!({"b": 1}),
            "is not allowed to have the property b",
        ),
        (json!({"uniqueItems": true}), json!([1, 1.0]), "contains duplicate item"),
        (json!(false), json!(1), "is not allowed"),
    ] {
        assert_eq!(data_errors(schema.clone(), data), [format!("message.data {expected}")], "{schema}");
    }
}

#[test]
fn a_flood_of_errors_and_endless_names_are_cut() {
    let many = json!(vec![1; 100_000]);
    assert_eq!(data_errors(json!({"items": {"type": "string"}}), many).len(), 100);
    let name = "n".repeat(10_000_000);
    let texts = data_errors(json!({"additionalProperties": false}), json!({name: 1}));
    assert!(texts[0].starts_with("message.data additionalProperty \"nnn") && texts[0].len() < 2_000);
}

#[test]
fn values_as_deep_as_a_parser_lets_them_be_are_checked() {
    let schema = json!({"properties": {"data": {"$ref": "#/definitions/list"}},
        "definitions": {"list": {"anyOf": [{"type": "array", "items": {"$ref": "#/definitions/list"}}, {"type": "null"}]}}});
    let registry = echo_with(&schema, &json!({"properties": {}})).unwrap();
    let nested = |innermost: &str| -> Value {
        let text = format!("{}{innermost}{}", "[".repeat(120), "]".repeat(120));
        json!({"metadata": {"jobType": "SayHello"}, "data": serde_json::from_str::<Value>(&text).unwrap()})
    };
    assert_eq!(errors(&registry, &nested("null")), Vec::<String>::new());
    assert_eq!(errors(&registry, &nested("1")), ["message.data is not any of [subschema 0],[subschema 1]"]);
}

#[test]
fn a_walk_that_would_never_end_is_cut_short() {
    let branches = vec![json!({"items": {"$ref": "#/definitions/list"}}); 8];
    let schema = json!({"properties": {"data": {"$ref": "#/definitions/list"}},
        "definitions": {"list": {"type": "array", "allOf": branches}}});
    let registry = echo_with(&schema, &json!({"properties": {}})).unwrap();
    let instance = json!({"metadata": {"jobType": "SayHello"}, "data": [[[[[1]]]]]});
    assert!(!errors(&registry, &instance).is_empty());
}

proptest! {
    #[test]
    fn no_value_makes_the_walk_panic_and_only_invalid_ones_have_texts(data in any_value()) {
        let schema = json!({"type": ["object", "array"], "minProperties": 1, "items": {"type": "string", "pattern": "^a"},
            "properties": {"a": {"enum": [1, "x"]}, "b": {"format": "email"}}, "patternProperties": {"^c": {"minimum": 2}},
            "additionalProperties": {"not": {"type": "null"}}, "oneOf": [{"required": ["a"]}, {"type": "array"}]});
        let valid = jsonschema::options().should_validate_formats(true).build(&schema).unwrap().is_valid(&data);
        prop_assert_eq!(data_errors(schema, data).is_empty(), valid);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-d@.]{0,5}".prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d ]{0,2}", inner, 0..4).prop_map(|members| json!(members))
        ]
    })
}
