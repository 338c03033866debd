//! What is refused, and what is mended, when jobs are loaded.

use std::path::{Path, PathBuf};

use endo::ambient::{Clock, Random};
use endo::egress::{Egress, EgressSettings, Lookup};
use endo::job::{Handlers, LoadNotice, SchemaError};
use endo::signature::Ed25519PrivateKey;
use serde_json::{Value, json};

use super::*;
use crate::support::jobs;

fn load(directory: JobDirectory) -> Result<(Registry, Vec<LoadNotice>), LoadError> {
    Registry::load(vec![built_in(directory, Echo)], options())
}

fn refusal(directory: JobDirectory) -> String {
    load(directory).expect_err("it is to be refused").to_string()
}

fn refused_schema(message: Value) -> SchemaError {
    match echo_with(&message, &json!({"properties": {}})) {
        Err(LoadError::Schema { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_of_this_program_without_response_schema_is_refused() {
    for response in ["", "  ", "{}"] {
        let refused = refusal(JobDirectory { response, ..directory("say-hello") });
        assert_eq!(
            refused,
            "the job `say-hello` has no schema of what it may answer: response.json is missing or empty"
        );
    }
}

#[test]
fn documents_that_are_no_objects_are_refused_by_name() {
    let broken = JobDirectory { form: "{", ..directory("say-hello") };
    assert_eq!(refusal(broken), "form.json of the job `say-hello` is no JSON");
    let list = JobDirectory { message: "[]", ..directory("say-hello") };
    assert_eq!(refusal(list), "message.json of the job `say-hello` is no JSON object");
    let truth = JobDirectory { response: "true", ..directory("say-hello") };
    assert_eq!(refusal(truth), "response.json of the job `say-hello` is no JSON object");
}

#[test]
fn a_schema_that_is_none_is_refused() {
    let refused = refused_schema(json!({"properties": {"data": {"minLength": "3"}}}));
    assert!(matches!(refused, SchemaError::Invalid(_)));
    assert_eq!(refused.to_string(), "it is no JSON Schema at #/properties/data/minLength");
}

#[test]
fn a_type_that_is_none_is_told_where_it_stands_with_what_to_write() {
    let told = |schema: Value| {
        let documents = JobDirectory { message: leaked(&schema), ..directory("say-hello") };
        let (_, notices) = load(documents).unwrap();
        notices.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for (schema, place, name, instead) in [
        (json!({"type": "objct"}), "#", "objct", "`object`"),
        (
            json!({"properties": {"data": {"type": ["null", "strng"]}}}),
            "#/properties/data",
            "strng",
            "`string`",
        ),
        (
            json!({"properties": {"a/b": {"items": {"type": 5}}}}),
            "#/properties/a~1b/items",
            "5",
            "one of string, number, integer, boolean, null, array, object",
        ),
    ] {
        let sentence = format!("there is no type `{name}`, so it accepts nothing; write {instead} instead");
        assert_eq!(told(schema), [format!("message.json of the job `say-hello`: {place}: {sentence}")]);
    }
    let of_schemas = told(json!({"type": ["null", {"type": "object"}]}));
    assert_eq!(of_schemas, ["message.json of the job `say-hello`: #: schemas in `type` are `anyOf`"]);
}

#[test]
fn references_that_leave_the_document_are_refused() {
    for reference in [
        "https://example.com/schema.json",
        "file:///etc/passwd",
        "other.json#/x",
        "#/definitions/none",
        "#none",
    ] {
        let schema = json!({"properties": {"data": {"$ref": reference}}});
        let refused = refused_schema(schema);
        assert!(matches!(&refused, SchemaError::ForeignReference(found) if found == reference), "{refused}");
    }
}

#[test]
fn references_without_end_are_refused() {
    for schema in [
        json!({"properties": {"data": {"$ref": "#/properties/data"}}}),
        json!({"properties": {"data": {"anyOf": [{"type": "null"}, {"$ref": "#/properties/data"}]}}}),
        json!({"properties": {"data": {"$ref": "#/definitions/a"}},
            "definitions": {"a": {"allOf": [{"$ref": "#/definitions/b"}]}, "b": {"not": {"$ref": "#/definitions/a"}}}}),
    ] {
        let refused = refused_schema(schema);
        assert!(matches!(refused, SchemaError::EndlessReference(_)), "{refused}");
    }
}

#[test]
fn names_and_data_that_look_like_keywords_are_left_alone() {
    let schema = json!({"properties": {"data": {
        "properties": {"$ref": {"type": "string"}, "type": {"type": "string"}, "id": {"type": "integer"}},
        "required": ["id"],
        "enum": [{"$ref": "https://example.com", "type": "any", "id": 1}],
    }}});
    let registry = echo_with(&schema, &json!({"properties": {"data": {}}})).unwrap();
    let good = say_hello(json!({"$ref": "https://example.com", "type": "any", "id": 1}));
    assert!(registry.check(&good).is_ok());
}

#[test]
fn two_directories_of_one_job_type_are_refused() {
    let jobs = vec![built_in(directory("say-hello"), Echo), built_in(directory("sayHello"), Echo)];
    let refused = Registry::load(jobs, options()).unwrap_err();
    assert!(matches!(refused, LoadError::Duplicate(job_type) if job_type.as_str() == "SayHello"));
}

#[test]
fn a_default_job_type_that_is_none_is_refused() {
    let options = RegistryOptions { default_job_type: Some("SayBye".into()), ..options() };
    let refused = Registry::load(vec![built_in(directory("say-hello"), Echo)], options).unwrap_err();
    assert_eq!(refused.to_string(), "the default job type `SayBye` is none of the job types");
}

fn jobs_in(directory: &Path) -> Result<Vec<DescribedJob>, LoadError> {
    let egress = Egress::new(EgressSettings::default(), Lookup::system()).unwrap();
    let key = Ed25519PrivateKey::generate(&Random::system());
    Handlers::new(egress, key, Clock::system(), false).jobs_in(directory)
}

#[test]
fn a_directory_with_a_job_that_nothing_runs_is_refused_by_name() {
    let directory = jobs::directory("say-bye", &[("message.json", "{}")]);
    let refused = jobs_in(directory.path()).unwrap_err();
    assert!(matches!(refused, LoadError::NoCode(path) if path == directory.path().join("say-bye")));
}

#[test]
fn a_directory_that_is_not_there_is_refused_and_an_empty_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    assert!(jobs_in(directory.path()).is_ok_and(|jobs| jobs.is_empty()));
    let missing: PathBuf = directory.path().join("none");
    let refused = jobs_in(&missing).unwrap_err();
    assert!(matches!(refused, LoadError::Unreadable { directory, .. } if directory == missing));
}

/// A schema in words of drafts 3 and 4.
fn old_words() -> Value {
    json!({"$schema": "http://json-schema.org/draft-03/schema#", "id": "http://x/y", "properties": {
        "any": {"type": "any"},
        "some": {"type": ["string", {"type": "object", "properties": {"a": {"required": true}}}]},
        "must": {"type": "string", "required": true},
        "may": {"required": false},
        "over": {"minimum": 3, "exclusiveMinimum": true},
        "upTo": {"maximum": 3, "exclusiveMaximum": false},
        "even": {"divisibleBy": 2},
        "noText": {"disallow": "string"},
        "more": {"extends": {"minLength": 2}},
        "pair": {"items": [{"type": "string"}, {"type": "number"}], "additionalItems": false},
        "needs": {"dependencies": {"a": "b", "c": ["d"], "e": {"required": ["f"]}}},
        "named": {"id": "#named", "type": "string"},
        "same": {"$ref": "#named"},
    }})
}

fn load_old_words() -> (Registry, Vec<LoadNotice>) {
    let message = leaked(&json!({"properties": {"data": old_words()}}));
    load(JobDirectory { message, ..directory("say-hello") }).unwrap()
}

#[test]
fn words_of_old_drafts_are_reported() {
    let told: Vec<_> = load_old_words().1.into_iter().map(|notice| notice.text).collect();
    for what in [
        "#/properties/data: `id` is ignored",
        "#/properties/data/properties/any: type `any` is left out",
        "#/properties/data: boolean `required` of `must` is a list in the object",
        "#/properties/data/properties/over: boolean `exclusiveMinimum` is a limit",
        "#/properties/data/properties/even: `divisibleBy` is `multipleOf`",
        "#/properties/data/properties/noText: `disallow` is `not`",
        "#/properties/data/properties/more: `extends` is `allOf`",
        "#/properties/data/properties/pair: a list of `items` is `prefixItems`",
        "#/properties/data/properties/needs: `dependencies` are `dependentRequired` and `dependentSchemas`",
    ] {
        assert!(told.iter().any(|text| text == what), "{what}: {told:#?}");
    }
}

#[test]
fn words_of_old_drafts_mean_what_they_meant() {
    let (registry, _) = load_old_words();
    let accepts = |name: &str, value: &Value| {
        let mut data = json!({"must": ""});
        data[name] = value.clone();
        registry.check(&say_hello(data)).is_ok()
    };
    assert!(registry.check(&say_hello(json!({}))).is_err(), "`must` is required");
    for (name, good, bad) in [
        ("some", json!({"a": 1}), json!({})),
        ("over", json!(3.1), json!(3)),
        ("upTo", json!(3), json!(4)),
        ("even", json!(4), json!(5)),
        ("noText", json!(1), json!("x")),
        ("more", json!("ab"), json!("a")),
        ("pair", json!(["a", 1]), json!(["a", 1, 2])),
        ("needs", json!({"a": 1, "b": 1}), json!({"a": 1})),
        ("needs", json!({"e": 1, "f": 1}), json!({"e": 1})),
        ("same", json!("x"), json!(1)),
    ] {
        assert!(accepts(name, &good), "{name}: {good}");
        assert!(!accepts(name, &bad), "{name}: {bad}");
    }
}

#[test]
fn notices_name_job_and_document() {
    let message = leaked(&json!({"type": "any"}));
    let (_, notices) = load(JobDirectory { message, ..directory("say-hello") }).unwrap();
    let texts: Vec<_> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["message.json of the job `say-hello`: #: type `any` is left out"]);
}
