//! What a job refuses, as its form tells it.

use endo::job::{JobDirectory, Refusal, Registry, RegistryOptions, built_in};
use endo::message::Message;
use serde_json::{Value, json};

use super::*;
use crate::jobs::{ANYTHING, Echo};

/// The page of the form of a job whose `data` have this schema, after it was asked to take these.
fn refused(schema: Value, data: Value) -> String {
    let document = message_schema(schema.clone()).to_string();
    let message = Box::leak(document.into_boxed_str());
    let directory = JobDirectory { name: "say-hello", message, form: "", response: ANYTHING };
    let options = RegistryOptions {
        default_job_type: None,
        fallback: None,
        time_limit: std::time::Duration::from_secs(30),
    };
    let (registry, _) = Registry::load(vec![built_in(directory, Echo)], options).unwrap();
    let sent: Message =
        serde_json::from_value(json!({"metadata": {"jobType": "SayHello"}, "data": data})).unwrap();
    let Err(Refusal::Invalid(found)) = registry.check(&sent) else { panic!("{schema} takes {data}") };
    let form = form(schema);
    form.filled(&posted(&[]), &form.refused(&found)).into_string()
}

#[test]
fn the_numbers_that_are_taken_are_told_by_the_hint_and_by_the_refusal_in_the_same_words() {
    for (schema, wanted) in [
        (json!({"type": "number", "minimum": 0}), "number, 0 or more"),
        (json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}), "number, more than 0"),
        (json!({"type": "number", "minimum": 0, "exclusiveMinimum": false}), "number, 0 or more"),
        (json!({"type": "number", "exclusiveMinimum": 0}), "number, more than 0"),
        (json!({"type": "number", "maximum": 0.5, "exclusiveMaximum": true}), "number, less than 0.5"),
        (json!({"type": "integer", "exclusiveMaximum": 10}), "whole number, less than 10"),
        (json!({"type": "integer", "minimum": 1, "maximum": 9}), "whole number from 1 to 9"),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 10}),
            "whole number, 1 or more and less than 10",
        ),
        (
            json!({"type": "number", "exclusiveMinimum": -1, "exclusiveMaximum": 1}),
            "number, more than -1 and less than 1",
        ),
        // Of two limits on one side, the narrower one counts.
        (json!({"type": "number", "minimum": 2, "exclusiveMinimum": 1}), "number, 2 or more"),
        (json!({"type": "number", "minimum": 1, "exclusiveMinimum": 1}), "number, more than 1"),
        (json!({"type": "number", "maximum": 2, "exclusiveMaximum": 3}), "number, 2 or less"),
        (json!({"type": "number", "maximum": 3, "exclusiveMaximum": 3}), "number, less than 3"),
    ] {
        let form = form(object(json!({"n": schema})));
        let html = form.blank().into_string();
        assert!(html.contains(&format!("-hint\">A {wanted}.</p>")), "{schema}: {html}");
        let data = json!({"n": if wanted.contains("less") { 99 } else { -99 }});
        let page = refused(object(json!({"n": schema})), data);
        assert!(page.contains(&format!("Write a {wanted}.")), "{schema}: {page}");
    }
}

#[test]
fn the_end_of_the_numbers_that_is_not_among_them_is_refused_as_what_lies_beyond() {
    for schema in [json!({"minimum": 0, "exclusiveMinimum": true}), json!({"exclusiveMinimum": 0})] {
        let mut schema = schema;
        schema["type"] = json!("number");
        let page = refused(object(json!({"n": schema})), json!({"n": 0}));
        assert!(page.contains("</a>: Write a number, more than 0.</li>"), "{page}");
    }
}

#[test]
fn what_is_needed_beside_something_else_is_asked_for_in_a_sentence_at_its_own_field() {
    let members =
        json!({"street": {"type": "string", "title": "Street"}, "city": {"type": "string", "title": "City"}});
    for keyword in ["dependencies", "dependentRequired"] {
        let mut schema = json!({"type": "object", "properties": members});
        schema[keyword] = json!({"street": ["city"]});
        let page = refused(schema.clone(), json!({"street": "Main"}));
        let says = "<a href=\"#f3\">City</a>: Fill this in too: the job needs it beside “Street”.</li>";
        assert!(page.contains(says), "{keyword}: {page}");
        // A member that the form does not ask for.
        schema[keyword] = json!({"street": ["zip"]});
        let page = refused(schema, json!({"street": "Main"}));
        assert!(
            page.contains("<li>The job needs “zip” beside “Street”, and this form does not ask for it.</li>"),
            "{keyword}: {page}"
        );
    }
}

#[test]
fn what_does_not_fit_schemas_made_of_schemas_is_told_in_sentences() {
    let titled = json!([{"title": "One", "type": "string"}, {"title": "Two", "type": "integer"}]);
    let part = json!({"type": "object", "properties": {"q": {"type": "string"}}});
    for (schema, value, says) in [
        (
            json!({"oneOf": titled}),
            json!(true),
            "fit one of the forms that the job takes here, and no more than one: One, Two.",
        ),
        (
            json!({"oneOf": [{}, {}]}),
            json!(1),
            "fit one of the forms that the job takes here, and no more than one.",
        ),
        (json!({"anyOf": titled}), json!(true), "fit one of the forms that the job takes here: One, Two."),
        (
            json!({"anyOf": [{"title": "Street, town", "type": "string"}, {"title": "Place", "type": "integer"}]}),
            json!(true),
            "fit one of the forms that the job takes here: Street, town, Place.",
        ),
        (
            json!({"anyOf": [{"title": "One", "type": "string"}, {"type": "integer"}]}),
            json!(true),
            "fit one of the forms that the job takes here.",
        ),
        (json!({"allOf": [part, {"required": ["q"]}]}), json!({}), "it requires property &quot;q&quot;"),
        (json!({"not": {"type": "boolean"}}), json!(true), "anything here but what this is."),
        (
            json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
            json!([[1], [2, "x"]]),
            "At [1][1]: Write a whole number.",
        ),
        (
            json!({"type": "array", "items": {"type": "object", "properties": {"a/b": {"type": ["boolean", "null"]}}}}),
            json!([{"a/b": "x"}]),
            "At [0].a/b: Write true or false, or null.",
        ),
    ] {
        let page = refused(object(json!({"v": schema})), json!({"v": value}));
        assert!(page.contains(says), "{schema}: {page}");
        for raw in ["subschema", "error[s]", "type(s)", "message.data"] {
            assert!(!page.contains(raw), "{raw}: {page}");
        }
    }
}

#[test]
fn too_few_and_too_many_values_are_told_in_the_words_of_their_control() {
    for (items, values, too_few, too_many) in [
        (
            json!({"enum": ["a", "b", "c"]}),
            json!("a"),
            "Tick at least 2 of these.",
            "Tick at most 1 of these.",
        ),
        (
            json!({"type": "string"}),
            json!("a"),
            "Write at least 2 values, one a line.",
            "Write at most 1 value, one a line.",
        ),
        (
            json!({"type": "object"}),
            json!({}),
            "Write a list of at least 2 values.",
            "Write a list of at most 1 value.",
        ),
    ] {
        let list =
            |bound: &str, count: u8| object(json!({"v": {"type": "array", "items": items, bound: count}}));
        let page = refused(list("minItems", 2), json!({"v": [values]}));
        assert!(page.contains(&format!("v</a>: {too_few}</li>")), "{page}");
        let page = refused(list("maxItems", 1), json!({"v": [values, values]}));
        assert!(page.contains(&format!("v</a>: {too_many}</li>")), "{page}");
    }
}

#[test]
fn every_format_that_is_checked_is_told_with_an_example_of_it_by_the_hint_and_by_the_refusal() {
    let checked = "date-time date time duration email hostname ipv4 ip-address ipv6 uri iri \
                   uri-reference iri-reference uri-template uuid json-pointer relative-json-pointer regex";
    for format in checked.split_whitespace() {
        let schema = object(json!({"v": {"type": "string", "format": format}}));
        let html = form(schema.clone()).blank().into_string();
        let (_, hint) = html.split_once("-hint\">").unwrap_or_else(|| panic!("{format}: {html}"));
        let hint = hint.split_once("</p>").unwrap().0;
        let (_, example) = hint.split_once(", like ").unwrap_or_else(|| panic!("{format}: {hint}"));
        let example = example.split(' ').next().unwrap().trim_end_matches('.');
        let is_taken = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
            .is_valid(&json!({"v": example}));
        assert!(is_taken, "{format}: {example}");
        // This is none of any of them.
        let page = refused(schema, json!({"v": "[ %\u{0}{("}));
        let wanted = format!("Write {}{}", hint[..1].to_ascii_lowercase(), &hint[1..]);
        assert!(page.contains(&format!("</a>: {wanted}</li>")), "{format}: {page}");
    }
}

#[test]
fn blanks_around_a_text_of_a_format_are_left_out_where_they_mean_nothing() {
    for (format, kept) in [("uuid", false), ("time", false), ("regex", true), ("json-pointer", true)] {
        let form = form(object(json!({"v": {"type": "string", "format": format}})));
        let data = read(&form, &posted(&[("/data/v", " x ")]));
        assert_eq!(data, Ok(Some(json!({"v": if kept { " x " } else { "x" }}))), "{format}");
    }
}

#[test]
fn a_pattern_is_told_as_whoever_writes_patterns_writes_it() {
    let schema = object(json!({"v": {"type": "string", "pattern": "^\\d{3}/[^\"]$"}}));
    let page = refused(schema, json!({"v": "12"}));
    assert!(page.contains("it matches the pattern “^\\d{3}/[^&quot;]$”.</li>"), "{page}");
}
