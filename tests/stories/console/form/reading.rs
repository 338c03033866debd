//! What comes back.

use endo::job::Fault;
use serde_json::{Value, json};

use super::*;

/// `data` of one member `x` with this schema, from one posted text.
fn one(schema: Value, text: &str) -> Result<Value, String> {
    let form = form(object(json!({"x": schema})));
    let posted = posted(&[("/data/x", text)]);
    match read(&form, &posted) {
        Ok(data) => Ok(data.unwrap()["x"].clone()),
        Err(_) => Err(fault(&page_of(&form, &posted))),
    }
}

fn fault(page: &str) -> String {
    let start = page.find("-fault\">").expect("no fault on the page") + "-fault\">".len();
    page[start..].split('<').next().unwrap().trim().to_owned()
}

#[test]
fn texts_become_values_of_the_schema_s_types() {
    for (schema, text, value) in [
        (json!({"type": "string"}), " a\r\nb", json!(" a\nb")),
        (json!({"type": "string", "format": "email"}), " a@b.example ", json!("a@b.example")),
        (json!({"type": "integer"}), "042", json!(42)),
        (json!({"type": "integer"}), "18446744073709551615", json!(u64::MAX)),
        (json!({"type": "integer"}), "1e3", json!(1000)),
        (json!({"type": "integer"}), "12e1", json!(120)),
        (json!({"type": "integer"}), "-0", json!(0)),
        (json!({"type": "integer"}), "-7.0", json!(-7)),
        (json!({"type": "integer"}), "9007199254740991.0", json!(9_007_199_254_740_991_i64)),
        (json!({"type": "number"}), " -0.5 ", json!(-0.5)),
        (json!({"type": ["integer", "null"]}), "", json!(null)),
        (json!({"type": "boolean"}), "true", json!(true)),
        (json!({"type": "boolean"}), "", json!(false)),
        (json!({"enum": [1, "1", null]}), "\"1\"", json!("1")),
        (json!({"enum": [1, "1", null]}), "null", json!(null)),
        (json!({"oneOf": [{"const": 7, "title": "Seven"}, {"const": 8}]}), "7", json!(7)),
        (json!({"const": {"a": 1}}), "anything", json!({"a": 1})),
        (json!({"enum": ["only"]}), "other", json!("only")),
        (json!({"type": "array", "items": {"type": "string"}}), "a \r\n\r\n b", json!(["a ", " b"])),
        (json!({"type": "array", "items": {"type": "integer"}}), "1\n 2 \n-0\n3e0", json!([1, 2, 0, 3])),
        (json!({"type": "array", "items": {"type": "string"}}), "", json!([])),
        (json!({"type": "array", "items": {"enum": ["a", "b"]}}), "\"b\"", json!(["b"])),
        (json!({}), "{\"a\": [1, null]}", json!({"a": [1, null]})),
    ] {
        assert_eq!(one(schema.clone(), text), Ok(value), "{schema} {text:?}");
    }
}

#[test]
fn what_cannot_be_read_is_answered_with_a_sentence_that_says_what_to_do() {
    for (schema, text, sentence) in [
        (json!({"type": "string"}), "", "Fill this in: the job needs it."),
        (json!({"type": "integer"}), "1.5", "Write a whole number, without a fraction."),
        (json!({"type": "integer"}), "1e30", "Write a whole number that is not as long."),
        (json!({"type": "integer"}), "36893488147419103232", "Write a whole number that is not as long."),
        (json!({"type": "integer"}), "many", "Write a whole number, like 12."),
        (json!({"type": "number"}), "NaN", "Write a number, like 12 or 0.5."),
        (json!({"type": "number"}), "1e999", "Write a number, like 12 or 0.5."),
        (json!({"enum": ["a", "b"]}), "", "Choose one."),
        (json!({"enum": ["a", "b"]}), "a", "Choose one of these."),
        (json!({"type": "boolean"}), "maybe", "Tick this, or leave it empty."),
        (
            json!({"type": "array", "items": {"type": "number"}}),
            "1\n\ntwo",
            "Value 2: Write a number, like 12 or 0.5.",
        ),
        (json!({}), "{\"a\": }", "Write JSON. What is here cannot be read beyond line 1, column 7."),
    ] {
        assert_eq!(one(schema.clone(), text), Err(sentence.to_owned()), "{schema} {text:?}");
    }
}

#[test]
fn what_somebody_wrote_is_still_there_when_something_is_wrong_except_secrets() {
    let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}, "s": {"type": "string", "default": "d"},
        "secret": {"type": "string", "format": "password"}, "b": {"type": "boolean", "default": true}, "c": {"enum": ["x", "y"]}}});
    let posted =
        posted(&[("/data/n", "<3"), ("/data/s", "mine"), ("/data/secret", "hunter2"), ("/data/c", "\"y\"")]);
    let page = page_of(&form(schema), &posted);
    assert!(page.contains("value=\"&lt;3\"") && page.contains("value=\"mine\""), "{page}");
    assert!(page.contains("aria-describedby=\"f2-hint f2-fault\" aria-invalid=\"true\""), "{page}");
    assert!(page.contains("<a href=\"#f2\">n</a>: Write a whole number, like 12.</li>"), "{page}");
    assert!(page.contains("<option value=\"&quot;y&quot;\" selected>"), "{page}");
    assert!(!page.contains("hunter2") && !page.contains("checked"), "{page}");
}

#[test]
fn an_object_that_need_not_be_there_is_left_out_until_somebody_fills_it_in() {
    let schema = json!({"type": "object", "properties": {"at": {"type": "object", "required": ["city", "by"], "properties": {
        "city": {"type": "string"}, "by": {"const": "form"}, "exact": {"type": "boolean", "default": false}}}}});
    let form = form(schema);
    assert_eq!(read(&form, &posted(&[("/data/at/city", "")])), Ok(Some(json!({}))));
    let whole = json!({"at": {"city": "Rome", "by": "form", "exact": false}});
    assert_eq!(read(&form, &posted(&[("/data/at/city", "Rome")])), Ok(Some(whole)));
    let page = page_of(&form, &posted(&[("/data/at/city", ""), ("/data/at/exact", "true")]));
    assert_eq!(fault(&page), "Fill this in: the job needs it.");
    assert!(form.blank().into_string().contains("<fieldset><legend>at<span class=\"optional\"> (optional)"));
}

#[test]
fn a_value_that_can_only_be_one_is_sent_where_it_must_be_and_else_where_somebody_chooses_it() {
    let constant = json!({"const": true, "title": "Purge all"});
    let must = form(object(json!({"purge": constant})));
    assert_eq!(untouched(&must), Ok(Some(json!({"purge": true}))));
    let may = form(json!({"type": "object", "properties": {"purge": constant}}));
    assert_eq!(untouched(&may), Ok(Some(json!({}))));
    let html = may.blank().into_string();
    assert!(html.contains("Purge all<span class=\"optional\"> (optional)"), "{html}");
    assert!(html.contains("<option value=\"true\">Yes</option>"), "{html}");
    assert_eq!(read(&may, &posted(&[("/data/purge", "true")])), Ok(Some(json!({"purge": true}))));
    let default =
        form(json!({"type": "object", "properties": {"mode": {"const": "hard", "default": "hard"}}}));
    assert_eq!(untouched(&default), Ok(Some(json!({"mode": "hard"}))));
    assert_eq!(read(&default, &posted(&[("/data/mode", "")])), Ok(Some(json!({}))));
}

#[test]
fn an_object_or_a_list_that_may_be_null_is_null_where_nothing_is_said_of_it() {
    let member = json!({"a": {"type": "string"}});
    for schema in [
        json!({"type": ["object", "null"], "properties": member}),
        json!({"type": ["object", "null"], "properties": member, "required": ["a"]}),
        json!({"type": ["object", "null"]}),
        json!({"type": ["array", "null"], "items": {"type": "string"}}),
        json!({"type": ["array", "null"], "items": {"enum": ["a", "b"]}}),
    ] {
        let form = form(object(json!({"x": schema})));
        let html = form.blank().into_string();
        assert!(html.contains("Leave it empty to say null.</p>"), "{schema}: {html}");
        assert!(!html.contains(" required"), "browsers send it empty: {schema}: {html}");
        assert_eq!(untouched(&form), Ok(Some(json!({"x": null}))), "{schema}");
    }
    let of = |schema: Value, said: &[(&str, &str)]| {
        let form = form(object(json!({"x": schema})));
        read(&form, &posted(said)).map(|data| data.unwrap()["x"].clone())
    };
    let group = json!({"type": ["object", "null"], "properties": member, "required": ["a"]});
    assert_eq!(of(group, &[("/data/x/a", "b")]), Ok(json!({"a": "b"})));
    let lines = json!({"type": ["array", "null"], "items": {"type": "string"}});
    assert_eq!(of(lines.clone(), &[("/data/x", "b")]), Ok(json!(["b"])));
    let of_none = json!({"type": ["array", "null"], "items": {"type": "string"}, "default": []});
    assert_eq!(of(of_none, &[("/data/x", "")]), Ok(json!([])), "as the form held it at first");
}

#[test]
fn a_browser_can_say_null_wherever_null_is_an_answer() {
    for schema in [
        json!({"type": ["string", "null"]}),
        json!({"type": ["integer", "null"], "default": null}),
        json!({"type": ["object", "string", "null"]}),
    ] {
        let form = form(object(json!({"x": schema})));
        let html = form.blank().into_string();
        assert!(!html.contains(" required"), "{schema}: {html}");
        assert!(html.contains("Leave it empty to say null.</p>"), "{schema}: {html}");
        assert_eq!(untouched(&form), Ok(Some(json!({"x": null}))), "{schema}");
    }
    for schema in [
        json!({"type": ["boolean", "null"]}),
        json!({"type": ["boolean", "null"], "default": null}),
        json!({"type": ["string", "null"], "enum": ["a", null], "default": null}),
        json!({"enum": ["a", null], "default": null}),
    ] {
        let form = form(object(json!({"x": schema})));
        let html = form.blank().into_string();
        assert!(html.contains(">Nothing (null)</option>"), "{schema}: {html}");
        assert!(!html.contains("to say null"), "{schema}: {html}");
        assert_eq!(one(schema.clone(), "null"), Ok(json!(null)), "{schema}");
        assert_eq!(one(schema.clone(), ""), Err("Choose one.".to_owned()), "{schema}");
        let is_default = schema.get("default").is_some();
        assert_eq!(untouched(&form).is_ok(), is_default, "{schema}");
    }
    assert_eq!(one(json!({"type": ["boolean", "null"]}), "false"), Ok(json!(false)));
    let may = form(json!({"type": "object", "properties": {"x": {"type": ["boolean", "null"]}}}));
    assert_eq!(untouched(&may), Ok(Some(json!({}))));
    assert_eq!(read(&may, &posted(&[("/data/x", "null")])), Ok(Some(json!({"x": null}))));
}

#[test]
fn a_list_that_is_needed_and_may_be_empty_can_be_left_empty_in_a_browser() {
    let form = form(object(json!({"list": {"type": "array", "items": {"type": "string"}}})));
    assert!(!form.blank().into_string().contains(" required"));
    assert_eq!(untouched(&form), Ok(Some(json!({"list": []}))));
}

#[test]
fn data_that_need_not_be_there_are_left_out() {
    let schema =
        json!({"properties": {"data": {"type": "object", "properties": {"n": {"type": "integer"}}}}});
    let form = JobForm::of(&schema, &Value::Null);
    assert_eq!(untouched(&form), Ok(None));
    assert_eq!(read(&form, &posted(&[("/data/n", "1")])), Ok(Some(json!({"n": 1}))));
    assert_eq!(untouched(&JobForm::of(&json!({}), &Value::Null)), Ok(None));
}

#[test]
fn what_the_schema_refuses_stands_at_the_field_it_is_about() {
    let schema = json!({"type": "object", "properties": {"startTime": {"type": "string"}, "start": {"type": "string"}, "a b": {"type": "integer"},
        "in": {"type": "object", "properties": {"x": {"type": "string"}}}, "list": {"type": "array", "items": {"type": "string"}}}});
    let form = form(schema);
    let refusals = [
        (
            ["/data/startTime", "format", "date-time", ""],
            "<a href=\"#f2\">startTime</a>: Write a date and time with its zone",
        ),
        (
            ["/data/start", "minLength", "3", ""],
            "<a href=\"#f3\">start</a>: This is too short. The least is 3.",
        ),
        (["/data/a b", "minimum", "2", ""], "<a href=\"#f4\">a b</a>: Write a number that is at least 2."),
        (["/data/in", "required", "x", ""], "<a href=\"#f6\">x</a>: Fill this in"),
        (
            ["/data/list/1", "pattern", "^a", "is odd"],
            "<a href=\"#f7\">list</a>: At [1]: Write it so that it matches the pattern “^a”.",
        ),
        (
            ["/data", "odd", "", "is odd"],
            "<li>“Data” is refused. The job does not take this: it is odd.</li>",
        ),
        (["", "not", "", "is odd"], "<li>The job refuses the message: instance is odd.</li>"),
    ];
    for (fault, expected) in refusals {
        let [place, keyword, argument, words] = fault.map(str::to_owned);
        let faults = form.refused(&[Fault { place, keyword, argument, choices: vec![], by: None, words }]);
        let page = form.filled(&posted(&[]), &faults).into_string();
        assert!(page.contains(expected), "{fault:?}: {page}");
    }
}

#[test]
fn a_value_that_is_none_of_the_choices_is_refused_also_beside_one_that_is_and_where_nothing_need_be_said() {
    let schema =
        json!({"type": "object", "properties": {"x": {"type": "array", "items": {"enum": ["a", "b"]}}}});
    let form = form(schema);
    assert_eq!(read(&form, &posted(&[])), Ok(Some(json!({}))));
    for fields in [&[("/data/x", "zzz")][..], &[("/data/x", "\"a\""), ("/data/x", "zzz")]] {
        let posted = posted(fields);
        assert!(read(&form, &posted).is_err(), "{fields:?}");
        let page = page_of(&form, &posted);
        assert!(page.contains("<a href=\"#f2-0\">x</a>: Choose among these.</li>"), "{page}");
    }
}

#[test]
fn a_text_that_is_needed_and_may_be_empty_is_sent_empty() {
    let may = form(object(json!({"st": {"type": "string", "minLength": 0}})));
    assert_eq!(untouched(&may), Ok(Some(json!({"st": ""}))));
    assert!(!may.blank().into_string().contains(" required"));
    let must = form(object(json!({"st": {"type": "string"}})));
    assert!(untouched(&must).is_err() && must.blank().into_string().contains(" required"));
}
