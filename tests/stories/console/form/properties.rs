//! What holds for every schema.

use endo::job::Fault;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// A schema with a default that it accepts.
fn with_default() -> impl Strategy<Value = (Value, Value)> {
    let text = prop_oneof![any::<String>(), "[a-z \n<>&\"']{0,12}"];
    let texts = prop::collection::vec(text.clone(), 0..4);
    let number = any::<f64>().prop_filter("JSON has no other numbers", |number| number.is_finite());
    prop_oneof![
        (text.clone(), prop_oneof![Just("date-time"), Just("uri"), Just("other")])
            .prop_map(|(text, format)| (json!({"type": "string", "format": format}), json!(text))),
        any::<i64>().prop_map(|number| (json!({"type": "integer"}), json!(number))),
        number.prop_map(|number| (json!({"type": ["number", "null"]}), json!(number))),
        any::<bool>().prop_map(|truth| (json!({"type": "boolean"}), json!(truth))),
        texts.clone().prop_map(|texts| (json!({"type": "array", "items": {"type": "string"}}), json!(texts))),
        prop::collection::vec(any::<i8>(), 0..4)
            .prop_map(|numbers| (json!({"type": "array", "items": {"type": "integer"}}), json!(numbers))),
        (prop::collection::btree_set(text.clone(), 1..5), any::<prop::sample::Index>()).prop_map(
            |(choices, index)| {
                let default = json!(choices.iter().nth(index.index(choices.len())));
                (json!({"enum": choices}), default)
            }
        ),
        prop::collection::btree_set(text, 1..5)
            .prop_map(|choices| (json!({"type": "array", "items": {"enum": choices}}), json!(choices))),
        any_value().prop_map(|value| (json!({}), value)),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "string",
            "object",
            "array",
            "null",
            "#",
            "#/properties/data",
            "data.a",
            "date-time",
            "\r\n"
        ])
        .prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    let keyword = prop_oneof![
        prop::sample::select(
            "type properties items enum oneOf const default required title description format $ref data a \
             angular key titleMap helpvalue minimum value name notitle enumNames"
                .split(' ')
                .collect::<Vec<_>>()
        )
        .prop_map(str::to_owned),
        any::<String>()
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keyword.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
        ]
    })
}

proptest! {
    #[test]
    fn a_form_that_nobody_touches_posts_the_schema_s_defaults(
        members in prop::collection::btree_map("[a-z/~\\[\\]. \"]{0,6}", (with_default(), any::<bool>()), 0..6),
        nested in any::<bool>(),
    ) {
        let mut properties = Map::new();
        let mut expected = Map::new();
        let mut required = Vec::new();
        for (key, ((mut schema, default), is_required)) in members {
            schema["default"] = default.clone();
            properties.insert(key.clone(), schema);
            required.extend(is_required.then(|| key.clone()));
            expected.insert(key, default);
        }
        let mut schema = json!({"type": "object", "properties": properties, "required": required});
        let mut expected = Value::Object(expected);
        if nested && !properties.is_empty() {
            schema = json!({"type": "object", "properties": {"in": schema}, "required": ["in"]});
            expected = json!({"in": expected});
        }
        let form = form(schema.clone());
        let data = untouched(&form).unwrap().unwrap_or_else(|| json!({}));
        prop_assert!(jsonschema::is_valid(&schema, &data), "{schema} {data}");
        prop_assert_eq!(data, expected);
    }

    #[test]
    fn no_schema_no_form_and_nothing_posted_makes_it_panic(
        schema in any_value(), data in any_value(), document in any_value(),
        fields in prop::collection::vec((prop_oneof![Just("/data/a".to_owned()), any::<String>()], any::<String>()), 0..4),
        text in any::<String>(),
    ) {
        for message in [schema, message_schema(data)] {
            let form = JobForm::of(&message, &document);
            let posted = Posted::new(fields.clone());
            let faults = read(&form, &posted).err().unwrap_or_default();
            let fault = |place: String, keyword: &str| Fault {
                place,
                keyword: keyword.to_owned(),
                argument: text.clone(),
                choices: vec![text.clone()],
                by: Some(text.clone()),
                words: text.clone(),
            };
            let refused =
                form.refused(&[fault(format!("/data/a{text}"), "required"), fault(text.clone(), &text)]);
            for faults in [faults, refused] {
                let page = form.filled(&posted, &faults).into_string();
                prop_assert!(page.contains("role=\"alert\"") != faults.is_empty());
            }
            let untouched = untouched(&form);
            prop_assert!(untouched.is_ok() || form.blank().into_string().contains("required"));
        }
    }
}
