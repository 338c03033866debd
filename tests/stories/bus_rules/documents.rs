//! What a new device looks like, what a change leaves on it, and what answers show of it.

use endo::ambient::Timestamp;
use endo::bus::embedded::document_limits::is_too_deep;
use endo::bus::embedded::projection::{Projection, ProjectionError};
use endo::bus::embedded::registration::{public, register, touch};
use endo::message::DeviceUuid;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::json_values;

const NOW: Timestamp = Timestamp::from_millis(1_795_308_684_122);

fn registered(body: Value) -> Value {
    register(body, &DeviceUuid::from("D"), NOW)
}

/// The document without the marks of the bus, whose values are opaque.
fn own(body: Value) -> String {
    let mut document = registered(body);
    document.as_object_mut().unwrap().shift_remove("meshblu");
    document.to_string()
}

#[test]
fn a_version_2_device_is_registered_as_it_says() {
    let body = json!({"type": "endo", "meshblu": {"version": "2.0.0", "whitelists": {}}, "name": "x",
        "schemas": {"form": {"$ref": "http://h"}}, "dotted.key": 1});
    let expected = r#"{"online":false,"type":"endo","name":"x","schemas":{"form":{"$ref":"http://h"}},"dotted.key":1,"uuid":"D"}"#;
    assert_eq!(own(body.clone()), expected);
    let document = registered(body);
    let keys: Vec<_> = document["meshblu"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["version", "whitelists", "createdAt", "hash"]);
    assert_eq!(document["meshblu"]["createdAt"], "2026-11-22T00:51:24.122Z");
    assert_eq!(document["meshblu"]["hash"].as_str().unwrap().len(), 44);
}

#[test]
fn a_version_1_device_is_open_where_it_says_nothing() {
    let open = r#""discoverWhitelist":["*"],"configureWhitelist":["*"],"sendWhitelist":["*"],"receiveWhitelist":["*"],"uuid":"D"}"#;
    assert_eq!(own(json!({})), format!(r#"{{"online":false,{open}"#));
    assert_eq!(own(json!({"meshblu": {"version": "1.0.0"}})), own(json!({})));
    let body = json!({"sendWhitelist": ["X"], "a": 1});
    let expected = r#"{"online":false,"sendWhitelist":["X"],"a":1,"discoverWhitelist":["*"],"configureWhitelist":["*"],"receiveWhitelist":["*"],"uuid":"D"}"#;
    assert_eq!(own(body), expected);
}

#[test]
fn an_owned_version_1_device_is_its_owners() {
    let lists = |body| {
        let document = registered(body);
        ["discoverWhitelist", "configureWhitelist", "sendWhitelist", "receiveWhitelist"]
            .map(|list| document[list].clone())
    };
    assert_eq!(lists(json!({"owner": "U"})), [json!(["U"]), json!(["U"]), json!(["*"]), json!(["*"])]);
    assert_eq!(lists(json!({"owner": "U", "discoverWhitelist": ["*"]}))[0], json!(["*"]));
    assert_eq!(lists(json!({"owner": "U", "discoverWhitelist": ["X"]}))[0], json!(["X", "U"]));
    assert_eq!(lists(json!({"owner": "U", "configureWhitelist": ["U"]}))[1], json!(["U", "U"]));
    assert_eq!(lists(json!({"owner": 5}))[0], json!(["*"]));
}

#[test]
fn a_client_chooses_neither_uuid_nor_token() {
    let body = json!({"uuid": "other", "a": 1, "token": "x", "_id": 5, "b": 2, "online": true, "c": 3, "d": 4,
        "meshblu": {"version": "2.0.0", "createdAt": "never", "hash": "x", "updatedAt": "never", "updatedBy": "me"}});
    assert_eq!(own(body.clone()), r#"{"online":true,"a":1,"b":2,"c":3,"d":4,"uuid":"D"}"#);
    let document = registered(body);
    assert_eq!(document["meshblu"]["createdAt"], "2026-11-22T00:51:24.122Z");
    assert_eq!(document["meshblu"].get("updatedBy"), None);
}

#[test]
fn a_body_that_is_no_object_counts_as_empty() {
    for body in [Value::Null, json!([1]), json!("x"), json!(5)] {
        assert_eq!(registered(body), registered(json!({})));
    }
    assert_eq!(registered(json!({"meshblu": 5}))["meshblu"], registered(json!({"meshblu": {}}))["meshblu"]);
}

#[test]
fn a_change_leaves_its_marks_and_keeps_the_order() {
    let mut document = registered(json!({"meshblu": {"version": "2.0.0"}, "z": 1, "a": 2}));
    let before = document.clone();
    touch(&mut document, &DeviceUuid::from("U"), NOW.plus(std::time::Duration::from_secs(1)));
    assert_eq!(document["meshblu"]["updatedAt"], "2026-11-22T00:51:25.122Z");
    assert_eq!(document["meshblu"]["updatedBy"], "U");
    assert_ne!(document["meshblu"]["hash"], before["meshblu"]["hash"]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&document), keys(&before));
    assert_eq!(keys(&document["meshblu"]), ["version", "createdAt", "hash", "updatedAt", "updatedBy"]);
}

#[test]
fn no_answer_shows_a_stored_token() {
    let shown = public(json!({"a": 1, "token": "$2a$08$", "b": 2, "c": {"token": "kept"}}));
    assert_eq!(shown.to_string(), r#"{"a":1,"b":2,"c":{"token":"kept"}}"#);
}

fn shown(projection: Value, document: Value) -> String {
    Projection::parse(&projection).unwrap().apply(&document).to_string()
}

#[test]
fn an_inclusive_projection_shows_its_paths_and_the_uuid() {
    let document =
        json!({"b": {"c": 1, "d": 2}, "uuid": "D", "a": 1, "x": [{"y": 1, "z": 2}, 5, {"z": 3}], "_id": 1});
    assert_eq!(shown(json!({"a": true, "b.c": true}), document.clone()), r#"{"b":{"c":1},"uuid":"D","a":1}"#);
    assert_eq!(shown(json!({"x.y": 1}), document.clone()), r#"{"uuid":"D","x":[{"y":1},{}]}"#);
    assert_eq!(shown(json!({"a.b": true, "_id": true}), document.clone()), r#"{"uuid":"D"}"#);
    assert_eq!(shown(json!({"b": true, "b.c": true}), document.clone()), r#"{"b":{"c":1,"d":2},"uuid":"D"}"#);
    assert_eq!(shown(json!({"b.c": true, "b": true}), document), r#"{"b":{"c":1,"d":2},"uuid":"D"}"#);
}

#[test]
fn an_exclusive_projection_shows_all_but_its_paths() {
    let document = json!({"b": {"c": 1, "d": 2}, "uuid": "D", "a": 1, "x": [{"y": 1, "z": 2}, 5], "_id": 1});
    let expected = r#"{"b":{"d":2},"a":1,"x":[{"z":2},5]}"#;
    assert_eq!(shown(json!({"b.c": false, "uuid": false, "x.y": 0}), document.clone()), expected);
    assert_eq!(shown(json!({}), json!({"a": 1, "_id": 1})), r#"{"a":1}"#);
    assert_eq!(shown(json!({"_id": false, "a": true}), document.clone()), r#"{"uuid":"D","a":1}"#);
    let but_a = r#"{"b":{"c":1,"d":2},"uuid":"D","x":[{"y":1,"z":2},5]}"#;
    assert_eq!(shown(json!({"b": true, "a": false}), document), but_a);
}

#[test]
fn what_is_no_projection_is_refused() {
    let refusal = |projection: Value| Projection::parse(&projection).unwrap_err();
    assert_eq!(refusal(json!(["a"])), ProjectionError::NotAnObject);
    assert_eq!(refusal(json!({"a": "x"})), ProjectionError::NotATruthValue);
    assert_eq!(refusal(json!({"a": {"$slice": 1}})), ProjectionError::NotATruthValue);
    assert!(matches!(refusal(json!({"a.".repeat(200): true})), ProjectionError::Path(_)));
}

#[test]
fn a_document_that_could_not_be_read_back_is_too_deep() {
    let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert!(!is_too_deep(&nested(120)));
    assert!(is_too_deep(&nested(121)));
}

proptest! {
    #[test]
    fn an_inclusive_projection_keeps_the_uuid(projection in json_values(), document in json_values()) {
        if let Ok(parsed) = Projection::parse(&projection) {
            let shown = parsed.apply(&document);
            prop_assert_eq!(shown.get("_id"), None);
            let includes = projection.as_object().unwrap().iter().any(|(path, shows)| path != "_id" && (shows == true || shows.as_f64().is_some_and(|n| n != 0.0)));
            if includes {
                prop_assert_eq!(shown.get("uuid"), document.get("uuid"));
            }
        }
    }

    #[test]
    fn every_body_registers(body in json_values()) {
        let mut document = registered(body);
        touch(&mut document, &DeviceUuid::from("U"), NOW);
        prop_assert_eq!(&document["uuid"], "D");
        prop_assert_eq!(document.get("token"), None);
    }
}
