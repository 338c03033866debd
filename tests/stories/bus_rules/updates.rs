//! How documents change.

use endo::ambient::Timestamp;
use endo::bus::embedded::query::Query;
use endo::bus::embedded::update::{DataError, Update, UpdateError};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{json_values, plenty, words};

const NOW: Timestamp = Timestamp::from_millis(1_795_308_684_122);

fn apply(document: &Value, update: Value) -> Result<Value, DataError> {
    let mut changed = document.clone();
    Update::parse(&update).unwrap().apply(&mut changed, NOW, &plenty())?;
    Ok(changed)
}

#[track_caller]
fn becomes(document: Value, update: Value, expected: Value) {
    let changed = apply(&document, update).unwrap();
    assert_eq!(changed.to_string(), expected.to_string());
}

#[track_caller]
fn refused(update: Value, text: &str) {
    assert_eq!(Update::parse(&update).unwrap_err().to_string(), text, "{update}");
}

#[track_caller]
fn malformed(update: Value) {
    let refusal = Update::parse(&update).map(drop);
    assert!(
        matches!(&refusal, Err(UpdateError::Malformed(error)) if error.status == 422),
        "{update}: {refusal:?}"
    );
}

#[track_caller]
fn fails(document: Value, update: Value, status: u16, part: &str) {
    let error = apply(&document, update).unwrap_err();
    assert!(error.status == status && error.message.contains(part), "{error:?}");
}

#[test]
fn the_five_refusals_have_their_texts_and_their_order() {
    let token = "Update query may not modify the token key.";
    let uuid = "Update query may not modify the uuid key.";
    let null = "Update query may contain null value for a key that starts with '$'.";
    let unauthorized = "Update query may only contain authorized keys.";
    refused(json!({}), "Update query must contain at least one key.");
    refused(json!({"$set": null, "$unset": {"token": true}}), null);
    refused(json!({"$unset": {"uuid": true}, "$set": {"token": "x"}, "name": "x"}), token);
    refused(json!({"$rename": {"token": "x"}}), token);
    refused(json!({"$set": {"uuid": "x"}, "name": "x"}), uuid);
    for key in ["name", "$mul", "$rename", "$setOnInsert", "$query", "$where", "__proto__", "constructor"] {
        refused(json!({"$set": {"a": 1}, key: {"b": 1}}), unauthorized);
    }
    refused(json!({"name": "x"}), unauthorized);
    refused(json!([{"$set": {"a": 1}}]), unauthorized);
    refused(json!("$set"), "Update query must contain at least one key.");
}

#[test]
fn every_way_into_token_uuid_and_id_is_closed() {
    for (key, text) in [("token", "token"), ("uuid", "uuid"), ("_id", "_id")] {
        let text = format!("Update query may not modify the {text} key.");
        for operator in ["$set", "$unset", "$inc", "$addToSet", "$push", "$currentDate", "$pull", "$max"] {
            refused(json!({operator: {key: 1}}), &text);
            refused(json!({operator: {key: null}}), &text);
            refused(json!({operator: {format!("{key}.a"): 1}}), &text);
            refused(json!({operator: {format!("{key}.")  : 1}}), &text);
        }
        let properties = Map::from_iter([(format!("{key}.a"), json!(1))]);
        assert_eq!(Update::set(properties).unwrap_err().to_string(), text);
    }
    becomes(
        json!({}),
        json!({"$set": {"a.token": 1, "uuids": 2, "tokens.uuid": 3}}),
        json!({"a": {"token": 1}, "uuids": 2, "tokens": {"uuid": 3}}),
    );
}

#[test]
fn malformed_paths_and_operands_are_refused() {
    for path in ["a..b", ".a", "a.", "", ".", "$set", "a.$set", "a.$", "a.$[].b", "$ref"] {
        malformed(json!({"$set": {path: 1}}));
    }
    malformed(json!({"$set": {vec!["a"; 121].join("."): 1}}));
    for update in [
        json!({"$set": 5}),
        json!({"$set": [1]}),
        json!({"$mult": {"a": 2}}),
        json!({"$pushAll": {"a": 1}}),
        json!({"$pullAll": {"a": {"b": 1}}}),
        json!({"$addToSet": {"a": {"$each": 1}}}),
        json!({"$push": {"a": {"$each": [1], "$slice": "x"}}}),
        json!({"$push": {"a": {"$each": [1], "$where": "x"}}}),
        json!({"$addToSet": {"a": {"$each": [1], "$slice": 1}}}),
        json!({"$pop": {"a": 2}}),
        json!({"$currentDate": {"a": 5}}),
    ] {
        malformed(update);
    }
}

#[test]
fn conflicting_paths_are_refused() {
    malformed(json!({"$set": {"a": 1, "a.b": 2}}));
    malformed(json!({"$set": {"a.b.c": 1}, "$unset": {"a.b": true}}));
    malformed(json!({"$set": {"a": 1}, "$inc": {"a": 1}}));
    becomes(
        json!({}),
        json!({"$set": {"a.b": 1, "a.bc": 2}, "$push": {"a.c": 3}}),
        json!({"a": {"b": 1, "bc": 2, "c": [3]}}),
    );
}

#[test]
fn more_paths_than_one_update_may_have_are_refused() {
    let many = |count| json!({"$set": (0..count).map(|n| (n.to_string(), n.into())).collect::<Map<_, _>>()});
    assert!(Update::parse(&many(1_000)).is_ok());
    malformed(many(1_001));
}

#[test]
fn setting_replaces_whole_values_and_makes_the_way() {
    becomes(json!({"a": {"b": 1, "c": 2}}), json!({"$set": {"a": {"d": 1}}}), json!({"a": {"d": 1}}));
    becomes(json!({"a": {"b": 1}}), json!({"$set": {"a.c.d": 1}}), json!({"a": {"b": 1, "c": {"d": 1}}}));
    becomes(json!({"a": [1, 2]}), json!({"$set": {"a.1": 3}}), json!({"a": [1, 3]}));
    becomes(json!({"a": [1]}), json!({"$set": {"a.3": 3}}), json!({"a": [1, null, null, 3]}));
    becomes(json!({"a": [{}]}), json!({"$set": {"a.0.b": 1}}), json!({"a": [{"b": 1}]}));
    becomes(json!({}), json!({"$set": {"a.0": 1}}), json!({"a": {"0": 1}}));
    becomes(
        json!({"a": 1, "b": 2}),
        json!({"$set": {"a": null, "c": 3}}),
        json!({"a": null, "b": 2, "c": 3}),
    );
}

#[test]
fn a_way_through_a_scalar_does_not_exist() {
    fails(json!({"a": "x"}), json!({"$set": {"a.b": 1}}), 500, "Cannot create field 'b'");
    fails(json!({"a": null}), json!({"$set": {"a.b": 1}}), 500, "Cannot create field 'b'");
    fails(json!({"a": [1]}), json!({"$push": {"a.b": 1}}), 500, "Cannot create field 'b'");
    fails(json!({"a": [1]}), json!({"$set": {"a.01": 1}}), 500, "Cannot create field '01'");
}

#[test]
fn arrays_are_not_padded_without_bound() {
    fails(json!({"a": []}), json!({"$set": {"a.10001": 1}}), 500, "backfill");
    fails(json!({"a": []}), json!({"$set": {"a.18446744073709551615": 1}}), 500, "backfill");
    fails(json!({"a": []}), json!({"$set": {"a.99999999999999999999": 1}}), 500, "Cannot create field");
    fails(json!({"a": [], "b": []}), json!({"$set": {"a.6000": 1, "b.6000": 1}}), 500, "backfill");
    assert_eq!(apply(&json!({"a": []}), json!({"$set": {"a.10000": 1}})).unwrap()["a"][10_000], 1);
}

#[test]
fn a_document_does_not_grow_deeper_than_can_be_read_back() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let path = vec!["a"; 20].join(".");
    let document = apply(&json!({}), json!({"$set": {path.clone(): deep}})).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&document.to_string()).unwrap(), document);
    fails(json!({}), json!({"$set": {path + ".a": deep}}), 422, "nesting depth");
}

#[test]
fn unset_takes_members_away_and_empties_elements() {
    becomes(json!({"a": 1, "b": 2, "c": 3}), json!({"$unset": {"a": ""}}), json!({"b": 2, "c": 3}));
    becomes(json!({"a": {"b": 1}}), json!({"$unset": {"a.b": true}}), json!({"a": {}}));
    becomes(json!({"a": [1, 2]}), json!({"$unset": {"a.0": true}}), json!({"a": [null, 2]}));
    for path in ["x", "a.b", "b.c.d", "c.5", "c.x"] {
        becomes(
            json!({"a": 1, "b": {}, "c": [1]}),
            json!({"$unset": {path: true}}),
            json!({"a": 1, "b": {}, "c": [1]}),
        );
    }
}

#[test]
fn the_key_order_survives_every_removal() {
    becomes(
        json!({"z": 1, "y": 2, "x": 3, "w": 4}),
        json!({"$unset": {"y": true}}),
        json!({"z": 1, "x": 3, "w": 4}),
    );
}

#[test]
fn numbers_are_increased_and_compared() {
    becomes(json!({"a": 1}), json!({"$inc": {"a": 2, "b": -1}}), json!({"a": 3, "b": -1}));
    becomes(json!({"a": 1}), json!({"$inc": {"a": 0.5}}), json!({"a": 1.5}));
    fails(json!({"a": "1"}), json!({"$inc": {"a": 1}}), 500, "non-numeric type string");
    fails(json!({"a": u64::MAX}), json!({"$inc": {"a": 1}}), 500, "overflows");
    fails(json!({"a": f64::MAX}), json!({"$inc": {"a": f64::MAX}}), 500, "overflows");
    becomes(json!({"a": 5}), json!({"$min": {"a": 3, "b": 1}}), json!({"a": 3, "b": 1}));
    becomes(json!({"a": 5}), json!({"$min": {"a": 7}}), json!({"a": 5}));
    becomes(json!({"a": 5}), json!({"$max": {"a": 7.5}}), json!({"a": 7.5}));
    becomes(json!({"a": 5}), json!({"$max": {"a": "x"}}), json!({"a": "x"}));
    becomes(json!({"a": 12}), json!({"$bit": {"a": {"and": 10}, "b": {"or": 5}}}), json!({"a": 8, "b": 5}));
    becomes(json!({"a": 1}), json!({"$bit": {"a": {"xor": 3}}}), json!({"a": 2}));
    fails(json!({"a": 1.5}), json!({"$bit": {"a": {"or": 3}}}), 500, "non-integral");
}

#[test]
fn the_current_date_is_the_time_that_was_handed_in() {
    let expected = json!({"a": "2026-11-22T00:51:24.122Z", "b": "2026-11-22T00:51:24.122Z"});
    becomes(json!({}), json!({"$currentDate": {"a": true, "b": {"$type": "date"}}}), expected);
}

#[test]
fn adding_to_a_set_makes_the_chain_and_compares_deeply() {
    let hook = json!({"type": "webhook", "url": "http://h/", "method": "POST"});
    let turned = json!({"method": "POST", "url": "http://h/", "type": "webhook"});
    let path = "meshblu.forwarders.message.received";
    let expected = json!({"meshblu": {"forwarders": {"message": {"received": [hook]}}}});
    becomes(json!({}), json!({"$addToSet": {path: hook}}), expected.clone());
    becomes(expected.clone(), json!({"$addToSet": {path: hook}}), expected.clone());
    becomes(expected.clone(), json!({"$addToSet": {path: turned}}), expected);
    becomes(
        json!({"a": ["x"]}),
        json!({"$addToSet": {"a": {"$each": ["y", "x", "y"]}}}),
        json!({"a": ["x", "y"]}),
    );
    becomes(json!({"a": [1]}), json!({"$addToSet": {"a": 1.0}}), json!({"a": [1]}));
    becomes(json!({"a": []}), json!({"$addToSet": {"a": ["x"]}}), json!({"a": [["x"]]}));
}

#[test]
fn pushing_with_a_slice_keeps_the_last() {
    let entries: Vec<_> = (0..99).collect();
    let update = json!({"$push": {"status.errors": {"$each": [99], "$slice": -99}}});
    becomes(
        json!({"status": {"errors": entries}}),
        update.clone(),
        json!({"status": {"errors": (1..100).collect::<Vec<_>>()}}),
    );
    becomes(json!({}), update, json!({"status": {"errors": [99]}}));
    becomes(json!({"a": [1]}), json!({"$push": {"a": {"$each": [2, 3], "$slice": 2}}}), json!({"a": [1, 2]}));
    becomes(json!({"a": [1]}), json!({"$push": {"a": {"$each": [2], "$slice": 0}}}), json!({"a": []}));
    becomes(
        json!({"a": [1]}),
        json!({"$push": {"a": {"$each": [2], "$slice": i64::MIN}}}),
        json!({"a": [1, 2]}),
    );
    becomes(json!({"a": [1]}), json!({"$push": {"a": [2]}}), json!({"a": [1, [2]]}));
    becomes(
        json!({"a": [1]}),
        json!({"$pushAll": {"a": [1, 2], "b": ["x"]}}),
        json!({"a": [1, 1, 2], "b": ["x"]}),
    );
}

#[test]
fn pushing_to_what_is_no_array_says_so_in_words_that_clients_know() {
    let document = json!({"uuid": "D", "secret": "hidden", "status": {"errors": {"0": "x"}}});
    let update = json!({"$push": {"status.errors": {"$each": [1], "$slice": -99}}});
    let error = apply(&document, update).unwrap_err();
    assert_eq!(error.status, 500);
    let expected = "The field 'errors' must be an array but is of type object in document {uuid: \"D\"}";
    assert_eq!(error.message, expected);
}

#[test]
fn pulling_matches_parts_of_objects() {
    let hooks =
        json!([{"name": "nanocyte-flow-deploy", "url": "a"}, {"name": "other"}, "nanocyte-flow-deploy", 5]);
    let document = json!({"hooks": hooks});
    let update = json!({"$pull": {"hooks": {"name": "nanocyte-flow-deploy"}, "gone.missing": {"name": "x"}}});
    becomes(document.clone(), update, json!({"hooks": [{"name": "other"}, "nanocyte-flow-deploy", 5]}));
    becomes(json!({"a": [1, 5, 9]}), json!({"$pull": {"a": {"$gte": 5}}}), json!({"a": [1]}));
    becomes(json!({"a": ["x", "y"]}), json!({"$pull": {"a": {"$in": ["x"]}}}), json!({"a": ["y"]}));
    becomes(json!({"a": ["x", null]}), json!({"$pull": {"a": null}}), json!({"a": ["x"]}));
    becomes(
        json!({"a": [{"b": [{"c": 1}]}, {"b": []}]}),
        json!({"$pull": {"a": {"b": {"$elemMatch": {"c": 1}}}}}),
        json!({"a": [{"b": []}]}),
    );
    becomes(json!({"a": [1, 2, 1.0]}), json!({"$pullAll": {"a": [1, 7], "b": [1]}}), json!({"a": [2]}));
    fails(json!({"a": "x"}), json!({"$pull": {"a": "x"}}), 500, "must be an array but is of type string");
}

#[test]
fn popping_takes_an_end() {
    becomes(json!({"a": [1, 2, 3]}), json!({"$pop": {"a": 1}}), json!({"a": [1, 2]}));
    becomes(json!({"a": [1, 2, 3]}), json!({"$pop": {"a": -1}}), json!({"a": [2, 3]}));
    becomes(json!({"a": []}), json!({"$pop": {"a": -1, "b.c": 1}}), json!({"a": []}));
    fails(json!({"a": 5}), json!({"$pop": {"a": 1}}), 500, "must be an array");
}

#[test]
fn what_real_clients_send_works() {
    let hook =
        json!({"type": "webhook", "url": "http://h/v2/messages", "method": "POST", "signRequest": true});
    let received = "meshblu.forwarders.message.received";
    let doctor = json!({"$set": {"meshblu.forwarders.version": "2.0.0"}, "$addToSet": {received: hook}});
    let wired = json!({"meshblu": {"forwarders": {"version": "2.0.0", "message": {"received": [hook]}}}});
    becomes(json!({}), doctor, wired.clone());
    let unwired = json!({"meshblu": {"forwarders": {"version": "2.0.0", "message": {"received": []}}}});
    becomes(wired, json!({"$pull": {received: hook}}), unwired);
    let endo = json!({"authorizedKey": "a", "idKey": "b", "credentialsDeviceUuid": "c", "version": "1.0.0", "encrypted": "d"});
    becomes(
        json!({"name": "x", "endo": {"encrypted": "old", "more": 1}}),
        json!({"$set": {"endo": endo, "endoSignature": "s"}}),
        json!({"name": "x", "endo": endo, "endoSignature": "s"}),
    );
    becomes(
        json!({}),
        json!({"$addToSet": {"meshblu.whitelists.discover.as": {"uuid": "svc"}}}),
        json!({"meshblu": {"whitelists": {"discover": {"as": [{"uuid": "svc"}]}}}}),
    );
    becomes(
        json!({"discoverWhitelist": ["U"]}),
        json!({"$addToSet": {"discoverWhitelist": "*"}}),
        json!({"discoverWhitelist": ["U", "*"]}),
    );
    becomes(
        json!({"meshblu": {"forwarders": {"broadcast": []}}}),
        json!({"$unset": {"meshblu.forwarders.broadcast": true}}),
        json!({"meshblu": {"forwarders": {}}}),
    );
    becomes(
        json!({}),
        json!({"$set": {"schemas": {"form": {"angular": {"$ref": "http://h"}}}}}),
        json!({"schemas": {"form": {"angular": {"$ref": "http://h"}}}}),
    );
}

#[test]
fn a_patch_sets_paths_and_leaves_out_uuid_and_token() {
    let properties = json!({"uuid": "other", "token": "x", "nested.path": 1, "name": "n"});
    let update = Update::set(properties.as_object().unwrap().clone()).unwrap();
    let mut document = json!({"uuid": "D", "name": "o"});
    assert_eq!(update.apply(&mut document, NOW, &plenty()), Ok(true));
    assert_eq!(document.to_string(), r#"{"uuid":"D","name":"n","nested":{"path":1}}"#);
    let nothing = Update::set(Map::from_iter([("token".to_owned(), json!("x"))])).unwrap();
    assert_eq!(nothing.apply(&mut document, NOW, &plenty()), Ok(false));
    for property in ["$set", "a..b", "$ref"] {
        let refusal = Update::set(Map::from_iter([(property.to_owned(), json!(1))]));
        assert!(matches!(refusal, Err(UpdateError::Malformed(_))), "{property}");
    }
}

#[test]
fn an_update_without_effect_says_so() {
    let document = json!({"a": {"x": 1, "y": 2}, "b": [1], "n": 5});
    let changes =
        |update: Value| Update::parse(&update).unwrap().apply(&mut document.clone(), NOW, &plenty()).unwrap();
    assert!(!changes(
        json!({"$set": {"a": {"x": 1, "y": 2}}, "$addToSet": {"b": 1}, "$pull": {"c": 1}, "$inc": {"n": 0}})
    ));
    assert!(changes(json!({"$set": {"a": {"y": 2, "x": 1}}})), "the order of keys is part of a document");
    assert!(changes(json!({"$set": {"a.x": 1.0}})), "so is the form of a number");
}

#[test]
fn prototype_names_are_names() {
    for name in ["__proto__", "constructor", "toString", "hasOwnProperty"] {
        becomes(
            json!({}),
            json!({"$set": {name: {"a": 1}}, "$inc": {"x.constructor": 1}}),
            json!({name: {"a": 1}, "x": {"constructor": 1}}),
        );
    }
}

#[test]
fn the_texts_of_errors_stay_short() {
    let name = "é".repeat(1_000_000);
    let Err(UpdateError::Malformed(error)) = Update::parse(&json!({"$set": {format!("{name}."): 1}})) else {
        panic!()
    };
    assert!(error.message.len() < 2_000);
    let error = apply(&json!({name.clone(): 1}), json!({"$push": {name: 1}})).unwrap_err();
    assert!(error.message.len() < 2_000 && error.message.contains("must be an array but is of type"));
}

fn documents() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec((words(), json_values()), 0..8);
    members.prop_map(|members| Value::Object(Map::from_iter(members)))
}

fn paths() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "x", "0", "1"]), 1..4)
        .prop_map(|segments| segments.join("."))
}

fn updates() -> impl Strategy<Value = Value> {
    let known = prop::sample::select(vec![
        "$inc",
        "$set",
        "$unset",
        "$min",
        "$max",
        "$currentDate",
        "$addToSet",
        "$pop",
        "$pullAll",
        "$pull",
        "$pushAll",
        "$push",
        "$bit",
    ]);
    let number = (-2..3i64).prop_map(Value::from);
    let operands =
        prop::collection::vec((paths(), prop_oneof![json_values(), number, Just(json!(true))]), 0..3);
    prop::collection::vec((known, operands), 1..3).prop_map(|operators| {
        let member =
            |(key, operands): (&str, Vec<_>)| (key.to_owned(), Value::Object(Map::from_iter(operands)));
        Value::Object(operators.into_iter().map(member).collect())
    })
}

/// The keys of the first document that are still there, in the order of the second.
fn kept<'a>(before: &Value, after: &'a Value) -> Vec<&'a String> {
    after.as_object().unwrap().keys().filter(|key| before.get(key.as_str()).is_some()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nothing_that_is_sent_as_an_update_makes_the_bus_stumble(update in json_values(), document in documents()) {
        if let Ok(update) = Update::parse(&update) {
            let _ = update.apply(&mut document.clone(), NOW, &plenty());
        }
        if let Value::Object(properties) = update
            && let Ok(update) = Update::set(properties)
        {
            let _ = update.apply(&mut document.clone(), NOW, &plenty());
        }
    }

    #[test]
    fn a_failed_update_leaves_the_document_as_it_was(update in updates(), document in documents()) {
        if let Ok(update) = Update::parse(&update) {
            let mut changed = document.clone();
            let outcome = update.apply(&mut changed, NOW, &plenty());
            let (before, after) = (document.to_string(), changed.to_string());
            prop_assert_eq!(outcome == Ok(true), after != before);
        }
    }

    #[test]
    fn the_order_of_keys_survives_every_update(update in updates(), document in documents()) {
        let mut changed = document.clone();
        if Update::parse(&update).is_ok_and(|update| update.apply(&mut changed, NOW, &plenty()).is_ok()) {
            let before: Vec<_> = document.as_object().unwrap().keys().filter(|key| changed.get(key.as_str()).is_some()).collect();
            prop_assert_eq!(kept(&document, &changed), before);
        }
    }

    #[test]
    fn what_is_set_is_read_and_found(path in paths(), value in json_values(), document in documents()) {
        if let Ok(changed) = apply(&document, json!({"$set": {path.clone(): value}})) {
            let pointer = format!("/{}", path.replace('.', "/"));
            prop_assert_eq!(changed.pointer(&pointer), Some(&value));
            let query = Query::parse(&json!({path: {"$eq": value}})).unwrap();
            prop_assert!(query.matches(&changed, &plenty()).unwrap());
        }
    }

    #[test]
    fn adding_twice_is_adding_once(path in paths(), value in json_values(), document in documents()) {
        let update = json!({"$addToSet": {path: {"$each": [value]}}});
        if let Ok(once) = apply(&document, update.clone()) {
            prop_assert_eq!(apply(&once, update).unwrap().to_string(), once.to_string());
        }
    }

    #[test]
    fn pulling_what_was_added_restores_the_array(items in prop::collection::vec(json_values(), 0..5), value in json_values()) {
        let document = json!({"a": items});
        let added = apply(&document, json!({"$addToSet": {"a": {"$each": [value]}}})).unwrap();
        if added != document {
            let pulled = apply(&added, json!({"$pullAll": {"a": [value]}})).unwrap();
            prop_assert_eq!(pulled.to_string(), document.to_string());
        }
    }
}
