//! Documents as they are served.

use serde_json::{Value, json};

use super::*;

const MERGED: &str = include_str!("../../fixtures/merged-schemas.json");

fn fixture() -> Value {
    serde_json::from_str(MERGED).unwrap()
}

/// The type that a directory's name makes.
fn job_type(name: &'static str) -> String {
    let registry = registry_of(vec![built_in(directory(name), Echo)]);
    registry.job_types()[0].job_type.to_string()
}

#[test]
fn documents_are_merged_as_recorded_to_the_order_of_their_keys() {
    let fixture = fixture();
    let own = &fixture["jobs"]["list-events-by-user"];
    let [message, form, response] = ["message", "form", "response"].map(|document| leaked(&own[document]));
    let directory = JobDirectory { name: "list-events-by-user", message, form, response };
    let registry = registry_of(vec![built_in(directory, Echo)]);
    let served = &fixture["served"];
    assert_eq!(registry.form_schema().to_string(), served["/v1/form-schema"].to_string());
    assert_eq!(registry.message_schema().to_string(), served["/v1/message-schema"].to_string());
    assert_eq!(registry.response_schema().to_string(), served["/v1/response-schema"].to_string());
}

#[test]
fn directories_are_named_as_recorded() {
    for (name, expected) in fixture()["jobTypeNames"].as_object().unwrap() {
        assert_eq!(job_type(name.clone().leak()), expected.as_str().unwrap(), "{name}");
    }
}

/// What lodash 4.17 makes of names, recorded.
const NAMES: [(&str, &str); 47] = [
    ("e\u{301}te\u{301}", "Ete"),
    ("list-events-by-user", "ListEventsByUser"),
    ("get-2nd-item", "Get2ndItem"),
    ("été", "Ete"),
    ("123go", "123Go"),
    ("LIST_EVENTS", "ListEvents"),
    ("parseXMLHttpRequest", "ParseXmlHttpRequest"),
    ("don't-stop", "DontStop"),
    ("don’t-stop", "DontStop"),
    ("__proto__", "Proto"),
    ("straße", "Strasse"),
    ("a.b c", "ABC"),
    ("ABc", "ABc"),
    ("Ære", "Aere"),
    ("1ST-thing", "1stThing"),
    ("11th", "11Th"),
    ("2th", "2Th"),
    ("4ths", "4Ths"),
    ("22ndstreet", "22Ndstreet"),
    ("x1stY", "X1stY"),
    ("AB1c", "Ab1C"),
    ("Aбв", "Aбв"),
    ("мирДа", "Мирда"),
    ("日本-go", "日本Go"),
    ("a日本", "A日本"),
    ("ĿA", "La"),
    ("ŉa", "Na"),
    ("v2beta1", "V2Beta1"),
    ("HTTP2Server", "Http2Server"),
    ("ÀÉ", "Ae"),
    ("foo bar's", "FooBars"),
    ("SAY_HELLO2you", "SayHello2You"),
    ("é1è", "E1E"),
    ("x-Ⅷ", "XⅧ"),
    ("a½b", "AB"),
    ("a²", "A"),
    ("_", ""),
    ("", ""),
    ("ǅx", "Ǆx"),
    ("fooБар", "Fooбар"),
    ("2ND", "2nd"),
    ("3rd_x", "3rdX"),
    ("13TH", "13Th"),
    ("1stA", "1stA"),
    ("1STa", "1stA"),
    ("21ST2", "21St2"),
    ("12nd", "12nd"),
];

#[test]
fn words_of_names_part_where_lodash_parts_them() {
    for (name, expected) in NAMES {
        assert_eq!(job_type(name), expected, "{name}");
    }
}

#[test]
fn members_that_are_there_keep_their_place_and_are_completed() {
    let own = json!({
        "x-form-schema": {"flow": "mine", "angular": "theirs"},
        "required": ["data", "metadata"],
        "properties": {"metadata": {"type": "string"}, "data": {}},
        "title": "Say Hello",
    });
    let registry =
        echo_with(&own, &json!({"properties": {"metadata": {}, "data": {}}, "title": "Hello"})).unwrap();
    let metadata = json!({
        "type": "object",
        "required": ["jobType"],
        "properties": {
            "jobType": {"type": "string", "enum": ["SayHello"], "default": "SayHello"},
            "respondTo": {},
        },
    });
    let expected = json!({"SayHello": {
        "x-form-schema": {"flow": "mine", "angular": "message.SayHello.angular"},
        "required": ["metadata", "data"],
        "properties": {"metadata": metadata, "data": {}},
        "title": "Say Hello",
        "x-response-schema": "SayHello",
    }});
    assert_eq!(registry.message_schema().to_string(), expected.to_string());
    let metadata = json!({
        "type": "object",
        "required": ["status", "code"],
        "properties": {"status": {"type": "string"}, "code": {"type": "integer"}},
    });
    let expected = json!({"SayHello": {"properties": {"metadata": metadata, "data": {}}, "title": "Hello"}});
    assert_eq!(registry.response_schema().to_string(), expected.to_string());
}

#[test]
fn a_job_without_message_schema_and_form_gets_a_message_schema_only() {
    let registry = registry_of(vec![built_in(directory("say-hello"), Echo)]);
    let schema = &registry.message_schema()["SayHello"];
    let keys: Vec<_> = schema.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["x-form-schema", "x-response-schema", "properties", "required"]);
    assert_eq!(schema["required"], json!(["metadata"]));
    assert_eq!(registry.form_schema(), &json!({"message": {}}));
}

#[test]
fn old_words_are_served_as_they_were_written() {
    let own = json!({"properties": {"data": {"type": "any"}}, "id": "#mine"});
    let registry = echo_with(&own, &json!({"properties": {"data": {"type": "any"}}})).unwrap();
    assert_eq!(registry.message_schema()["SayHello"]["properties"]["data"], json!({"type": "any"}));
    assert_eq!(registry.message_schema()["SayHello"]["id"], "#mine");
    assert_eq!(registry.response_schema()["SayHello"]["properties"]["data"], json!({"type": "any"}));
}

#[test]
fn job_types_are_listed_with_their_fields() {
    let message = json!({
        "title": "Say Hello",
        "description": "Says it",
        "properties": {"data": {"required": ["name"], "properties": {
            "name": {"type": "string", "description": "Whom to greet"},
            "times": {"type": ["integer", "null"], "title": "Times"},
            "more": {},
        }}},
    });
    let greetings = json!({"type": "array", "items": {"properties": {"greeting": {"type": "string"}}}});
    let registry = echo_with(&message, &json!({"properties": {"data": greetings}})).unwrap();
    let field = |name: &str, kind: &str, required: bool, description: Option<&str>| json!({"name": name, "type": kind, "required": required, "description": description});
    let expected = json!([{
        "jobType": "SayHello",
        "title": "Say Hello",
        "description": "Says it",
        "data": [
            field("name", "string", true, Some("Whom to greet")),
            field("times", "integer|null", false, Some("Times")),
            field("more", "any", false, None),
        ],
        "response": [field("greeting", "string", false, None)],
    }]);
    assert_eq!(serde_json::to_value(registry.job_types()).unwrap(), expected);
}
