//! What a form shows.

use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn html(data: Value) -> String {
    form(data).blank().into_string()
}

#[test]
fn every_job_that_comes_with_the_gateway_has_a_form_that_asks_what_its_message_needs() {
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    let directories =
        jobs.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let document = |path: &Path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
    let mut count = 0;
    for directory in directories {
        let form =
            JobForm::of(&document(&directory.join("message.json")), &document(&directory.join("form.json")));
        let html = form.blank().into_string();
        assert!(html.contains("<label for=\"f2\">Username</label>"), "{html}");
        assert!(html.contains("GitHub user or organization."), "{html}");
        let data = read(&form, &posted(&[("/data/username", "octocat")])).unwrap();
        assert_eq!(data, Some(json!({"username": "octocat"})));
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn a_control_has_its_label_its_hint_and_says_whether_it_must_be_filled_in() {
    let html = html(object(
        json!({"when": {"type": "string", "format": "date-time", "description": "Begin here"}, "n": {"type": "integer"}}),
    ));
    assert!(
        html.contains(
            "<label for=\"f2\">when</label><p class=\"hint\" id=\"f2-hint\">Begin here. A date and time"
        ),
        "{html}"
    );
    assert!(
        html.contains("id=\"f2\" name=\"/data/when\"")
            && html.contains("required aria-describedby=\"f2-hint\""),
        "{html}"
    );
    assert!(
        html.contains("<label for=\"f3\">n<span class=\"optional\"> (optional)</span></label>"),
        "{html}"
    );
    assert_eq!(html.matches("required").count(), 1);
}

#[test]
fn the_form_document_orders_names_and_explains() {
    let schema = message_schema(json!({"type": "object", "properties": {
        "a": {"type": "string", "title": "A"}, "b": {"type": "string"}, "c": {"enum": ["x", "y"]},
        "d e": {"type": "string"}, "f": {"type": "object", "properties": {"g": {"type": "string"}}}}}));
    let document = json!({"angular": [
        {"key": "data.c", "type": "radios", "titleMap": [{"value": "x", "name": "The first"}]},
        {"type": "help", "helpvalue": "<b>Mind</b> the &lt;gap&gt;"},
        {"type": "fieldset", "title": "Texts", "items": ["data.f.g", {"key": "data['d e']", "title": "Spaced", "notitle": true}]},
        {"key": "data.b", "type": "textarea", "placeholder": "Write"}
    ]});
    let html = JobForm::of(&schema, &document).blank().into_string();
    let order = [
        "The first",
        "Mind the &lt;gap&gt;",
        "<h2>Texts</h2>",
        "/data/f/g",
        "class=\"unseen\">Spaced",
        "<textarea",
        ">A<",
    ];
    let places: Vec<_> =
        order.iter().map(|text| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"))).collect();
    assert!(places.is_sorted(), "{places:?} {html}");
    assert!(html.contains("type=\"radio\"") && html.contains("placeholder=\"Write\""));
}

#[test]
fn what_a_schema_says_is_text_on_the_page_and_nothing_else() {
    let evil = "</textarea><script>alert(1)</script>\"'&";
    let member = json!({"type": "string", "title": evil, "description": evil, "default": evil});
    let html = html(json!({"type": "object", "properties": {
        evil: member, "lines": {"type": "array", "items": {"type": "string"}, "default": [evil]},
        "one": {"enum": [evil, "b"]}, "any": {"default": {evil: evil}}}}));
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    assert_eq!(html.matches("</textarea>").count(), 2);
}

#[test]
fn a_value_without_a_control_of_its_own_is_asked_for_as_json() {
    for odd in [
        json!({"oneOf": [{"type": "string"}, {"type": "object"}]}),
        json!(true),
        json!({}),
        json!({"type": ["string", "object"]}),
        json!({"type": "array", "items": {"type": "object"}}),
        json!({"type": "object"}),
        json!({"$ref": "#/nowhere"}),
        json!({"$ref": "https://elsewhere.example/"}),
    ] {
        let html = html(object(json!({"odd": odd})));
        assert!(html.contains("As JSON") && html.contains("<textarea"), "{odd}: {html}");
    }
    assert!(html(json!({"type": "array", "items": {}})).contains("name=\"/data\""));
}

#[test]
fn what_is_required_and_not_described_is_asked_for_as_json() {
    let schema = json!({"type": "object", "required": ["a", "ghost", "ghost"], "properties": {"a": {"type": "string"}}});
    let form = form(schema);
    let html = form.blank().into_string();
    assert!(html.contains("<textarea id=\"f3\" name=\"/data/ghost\"") && html.contains("As JSON"), "{html}");
    let data = read(&form, &posted(&[("/data/a", "x"), ("/data/ghost", "[1]")])).unwrap();
    assert_eq!(data, Some(json!({"a": "x", "ghost": [1]})));
}

#[test]
fn choices_that_look_the_same_say_which_value_each_is() {
    let html = html(object(json!({"c": {"enum": ["1", 1, true, "true", "x", "", " "]}})));
    for title in [
        "1 (the text &quot;1&quot;)",
        "1 (the number 1)",
        "Yes (true)",
        "true (the text &quot;true&quot;)",
        "x",
        "(empty) (the text &quot; &quot;)",
    ] {
        assert!(html.contains(&format!(">{title}</option>")), "{title}: {html}");
    }
    let named = json!({"c": {"enum": [1, 2, 3], "enumNames": ["a", "a", "b"]}});
    let html = self::html(object(named));
    assert!(html.contains(">a (the number 2)<") && html.contains(">b<"), "{html}");
}

#[test]
fn a_schema_that_contains_itself_has_a_form_that_ends() {
    let schema = json!({"properties": {"data": {"$ref": "#/definitions/tree"}}, "definitions": {"tree": {
        "type": "object", "properties": {"left": {"$ref": "#/definitions/tree"}, "right": {"$ref": "#/definitions/tree"}}}}});
    let form = JobForm::of(&schema, &Value::Null);
    assert!(form.blank().into_string().contains("<legend>left<span"));
    let data = read(&form, &posted(&[("/data/left/right/left/left/left/left", "{\"left\": {}}")]));
    assert!(data.unwrap().unwrap().pointer("/left/right/left/left/left/left/left").is_some());
}

#[test]
fn references_within_the_document_are_followed() {
    let schema = json!({"required": ["data"], "properties": {"data": {"$ref": "#/definitions/a%20b"}},
        "definitions": {"a b": {"type": "object", "properties": {"n": {"$ref": "#/definitions/n", "title": "Count"}}}, "n": {"type": "integer"}}});
    let form = JobForm::of(&schema, &Value::Null);
    assert!(form.blank().into_string().contains("Count"));
    assert_eq!(read(&form, &posted(&[("/data/n", " 12 ")])), Ok(Some(json!({"n": 12}))));
}
