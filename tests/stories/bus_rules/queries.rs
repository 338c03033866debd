//! Which documents a query finds.

use endo::bus::embedded::query::{Query, QueryError, Wanted};
use endo::bus::embedded::whitelist::{LOOKED_AT, visible_to};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{json_values, plenty, words};

fn matches(query: &Query, document: &Value) -> bool {
    query.matches(document, &plenty()).unwrap()
}

#[track_caller]
fn finds(query: Value, document: Value) {
    assert!(matches(&Query::parse(&query).unwrap(), &document), "{query} {document}");
}

#[track_caller]
fn misses(query: Value, document: Value) {
    assert!(!matches(&Query::parse(&query).unwrap(), &document), "{query} {document}");
}

#[test]
fn values_are_compared_by_value() {
    finds(json!({}), json!({"a": 1}));
    finds(json!({"a": 1}), json!({"a": 1.0}));
    finds(json!({"a": 9_007_199_254_740_993_i64}), json!({"a": 9_007_199_254_740_993_i64}));
    misses(json!({"a": 9_007_199_254_740_993_i64}), json!({"a": 9_007_199_254_740_992.0}));
    misses(json!({"a": 1}), json!({"a": "1"}));
    misses(json!({"a": "x"}), json!({"a": "X"}));
    finds(json!({"a": "a+b/c=="}), json!({"a": "a+b/c=="}));
    finds(json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}));
    misses(json!({"a": 1, "b": 3}), json!({"b": 2, "a": 1}));
    finds(
        json!({"$ref": 1}).as_object().map(|reference| json!({"a": reference})).unwrap(),
        json!({"a": {"$ref": 1}}),
    );
}

#[test]
fn dotted_paths_go_through_objects_and_arrays_of_objects() {
    let document = json!({"meshblu": {"whitelists": {"message": {"from": [{"uuid": "A"}, {"uuid": "B"}]}}}});
    finds(json!({"meshblu.whitelists.message.from.uuid": "B"}), document.clone());
    finds(json!({"meshblu.whitelists.message.from.1.uuid": "B"}), document.clone());
    finds(json!({"meshblu.whitelists.message.from": {"uuid": "A"}}), document.clone());
    finds(json!({"meshblu.whitelists.message.from": [{"uuid": "A"}, {"uuid": "B"}]}), document.clone());
    misses(json!({"meshblu.whitelists.message.from.0.uuid": "B"}), document.clone());
    misses(json!({"meshblu.whitelists.message.from": {"uuid": "C"}}), document.clone());
    misses(json!({"meshblu.whitelists.message": {"uuid": "A"}}), document);
    finds(json!({"endo.authorizedKey": "k"}), json!({"endo": {"authorizedKey": ["j", "k"]}}));
    misses(json!({"a.b": 1}), json!({"a.b": 1}));
    misses(json!({"a..b": 1}), json!({"a": {"b": 1}}));
}

#[test]
fn null_finds_what_is_absent() {
    finds(json!({"a": null}), json!({}));
    finds(json!({"a.b": null}), json!({"a": {}}));
    finds(json!({"a.b": null}), json!({"a": 5}));
    finds(json!({"a.b": null}), json!({"a": [{"b": 1}, {}]}));
    finds(json!({"a": {"$in": [null, 1]}}), json!({}));
    finds(json!({"a": null}), json!({"a": [1, null]}));
    finds(json!({"a": {"$lte": null}}), json!({}));
    misses(json!({"a": null}), json!({"a": false}));
    misses(json!({"a": {"$ne": null}}), json!({}));
    misses(json!({"a.b": null}), json!({"a": [{"b": 1}]}));
}

#[test]
fn comparisons_stay_within_a_kind() {
    finds(json!({"a": {"$gt": 1, "$lt": 3}}), json!({"a": 2.5}));
    finds(json!({"a": {"$gte": 2, "$lte": 2}}), json!({"a": 2}));
    misses(json!({"a": {"$gt": 2}}), json!({"a": 2}));
    misses(json!({"a": {"$lt": 5}}), json!({"a": "1"}));
    misses(json!({"a": {"$gt": 1}}), json!({}));
    finds(json!({"a": {"$gt": "a"}}), json!({"a": "b"}));
    finds(json!({"a": {"$gt": 5}}), json!({"a": [1, 9]}));
    finds(json!({"a": {"$gt": [1, 2]}}), json!({"a": [1, 3]}));
    finds(json!({"a": {"$lt": {"x": 2}}}), json!({"a": {"x": 1}}));
}

#[test]
fn sets_existence_and_elements() {
    finds(json!({"a": {"$in": [1, 2]}}), json!({"a": 2}));
    finds(json!({"a": {"$nin": [1, 2]}}), json!({"a": 3}));
    misses(json!({"a": {"$nin": [1, 2]}}), json!({"a": [5, 2]}));
    finds(json!({"a": {"$exists": true}}), json!({"a": null}));
    misses(json!({"a": {"$exists": true}}), json!({}));
    finds(json!({"a.b": {"$exists": false}}), json!({"a": [1]}));
    finds(json!({"a": {"$all": [1, 2]}}), json!({"a": [2, 3, 1]}));
    misses(json!({"a": {"$all": [1, 4]}}), json!({"a": [2, 3, 1]}));
    misses(json!({"a": {"$all": []}}), json!({"a": []}));
    finds(json!({"a": {"$all": [{"$elemMatch": {"b": 1}}]}}), json!({"a": [{"b": 1}]}));
    finds(json!({"a": {"$elemMatch": {"b": 1, "c": 2}}}), json!({"a": [{"b": 1, "c": 2}]}));
    misses(json!({"a": {"$elemMatch": {"b": 1, "c": 2}}}), json!({"a": [{"b": 1}, {"c": 2}]}));
    finds(json!({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}), json!({"a": [0, 2, 5]}));
    misses(json!({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}), json!({"a": [0, 5]}));
    finds(json!({"a": {"$elemMatch": {"$or": [{"b": 1}, {"b": 2}]}}}), json!({"a": [{"b": 2}]}));
    misses(json!({"a": {"$elemMatch": {"b": 1}}}), json!({"a": {"b": 1}}));
}

#[test]
fn queries_combine() {
    finds(json!({"$or": [{"a": 1}, {"b": 2}], "c": 3}), json!({"b": 2, "c": 3}));
    misses(json!({"$or": [{"a": 1}, {"b": 2}], "c": 3}), json!({"b": 2}));
    misses(json!({"$and": [{"a": 1}, {"a": 2}]}), json!({"a": 1}));
    finds(json!({"$and": [{"a": 1}, {"a": 2}]}), json!({"a": [1, 2]}));
    finds(json!({"$nor": [{"a": 1}, {"b": 1}]}), json!({"a": 2}));
    finds(json!({"a": {"$not": {"$gt": 5}}}), json!({}));
    misses(json!({"a": {"$not": {"$gt": 5}}}), json!({"a": 6}));
}

#[test]
fn expressions_match_texts() {
    finds(json!({"a": {"$regex": "^endo"}}), json!({"a": "endo-github"}));
    misses(json!({"a": {"$regex": "^ENDO"}}), json!({"a": "endo-github"}));
    finds(json!({"a": {"$regex": "^ENDO", "$options": "i"}}), json!({"a": "endo-github"}));
    finds(json!({"a": {"$options": "m", "$regex": "^b$"}}), json!({"a": "a\nb"}));
    finds(json!({"a": {"$regex": "a.b", "$options": "s"}}), json!({"a": "a\nb"}));
    finds(json!({"a": {"$regex": "a b", "$options": "x"}}), json!({"a": "ab"}));
    finds(json!({"a": {"$regex": "x"}}), json!({"a": [1, "x"]}));
    misses(json!({"a": {"$regex": "5"}}), json!({"a": 5}));
}

#[test]
fn what_can_not_be_asked_is_refused() {
    let refusal = |query: Value| Query::parse(&query).unwrap_err();
    let unknown = |operator: &str| QueryError::UnknownOperator(operator.to_owned());
    assert_eq!(refusal(json!({"$where": "1"})), unknown("$where"));
    assert_eq!(refusal(json!({"a": {"$where": "1"}})), unknown("$where"));
    assert_eq!(refusal(json!({"a": {"$gt": 1, "b": 2}})), unknown("b"));
    assert_eq!(refusal(json!({"$not": {"a": 1}})), unknown("$not"));
    assert_eq!(refusal(json!({"a": {"$options": "i"}})), unknown("$options"));
    assert_eq!(refusal(json!([])), QueryError::NotAnObject);
    for query in [
        json!({"$or": []}),
        json!({"$and": {"a": 1}}),
        json!({"a": {"$in": 1}}),
        json!({"a": {"$all": 1}}),
        json!({"a": {"$not": 1}}),
        json!({"a": {"$elemMatch": 1}}),
        json!({"a": {"$regex": 1}}),
        json!({"a": {"$regex": "a", "$options": "g"}}),
    ] {
        assert!(matches!(refusal(query), QueryError::BadOperand { .. }));
    }
    for pattern in ["(", "(?=a)", r"(a)\1", "(\\w{100}){100}", &"a".repeat(1_001), &"(".repeat(500)] {
        assert_eq!(refusal(json!({"a": {"$regex": pattern}})), QueryError::BadRegex, "{pattern}");
    }
}

#[test]
fn a_query_has_bounds() {
    let mut deep = json!({"a": 1});
    for _ in 0..50 {
        deep = json!({"$and": [deep]});
    }
    assert_eq!(Query::parse(&deep).unwrap_err(), QueryError::TooComplex);
    let wide = json!({"a": {"$in": vec![1; 10_000]}});
    assert_eq!(Query::parse(&wide).unwrap_err(), QueryError::TooComplex);
    let expressions: Vec<_> = (0..100).map(|_| json!({"a": {"$regex": "x"}})).collect();
    assert_eq!(Query::parse(&json!({ "$or": expressions })).unwrap_err(), QueryError::TooComplex);
    assert!(matches!(Query::parse(&json!({"a.".repeat(200): 1})).unwrap_err(), QueryError::Path(_)));
}

#[test]
fn a_path_of_indexes_is_followed_without_doubling_its_ways() {
    let mut document = json!(1);
    for _ in 0..60 {
        document = json!([{"0": document}]);
    }
    misses(json!({vec!["0"; 119].join("."): 2}), json!({"0": document}));
}

#[test]
fn a_query_tells_which_values_it_demands() {
    let query = json!({"uuid": "U", "a": {"$eq": 1}, "b": {"$gt": 1}, "c": null, "d": {"$in": ["x"]},
        "$and": [{"endo.idKey": "k"}], "$or": [{"e": 1}], "$nor": [{"f": 1}], "g": {"$ne": 1}, "h": {"$in": [1, 2]}});
    let query = Query::parse(&query).unwrap();
    let expected = [("uuid", json!("U")), ("a", json!(1)), ("endo.idKey", json!("k")), ("d", json!("x"))];
    for (path, value) in expected {
        assert_eq!(query.exact(path), Some(&value), "{path}");
    }
    for path in ["b", "c", "e", "f", "g", "h", "endo", "idKey", ""] {
        assert_eq!(query.exact(path), None, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_query_makes_the_bus_stumble(query in json_values(), document in json_values()) {
        if let Ok(query) = Query::parse(&query) {
            matches(&query, &document);
        }
    }

    #[test]
    fn not_and_nor_find_what_a_query_misses(
        path in words(),
        operator in prop::sample::select(vec!["$eq", "$gt", "$lte", "$ne", "$exists", "$elemMatch"]),
        operand in json_values(),
        document in json_values(),
    ) {
        let plain = json!({path.clone(): {operator: operand}});
        if let Ok(query) = Query::parse(&plain) {
            let not = Query::parse(&json!({path: {"$not": {operator: operand}}})).unwrap();
            let nor = Query::parse(&json!({"$nor": [plain]})).unwrap();
            prop_assert_eq!(matches(&not, &document), !matches(&query, &document));
            prop_assert_eq!(matches(&nor, &document), !matches(&query, &document));
        }
    }

    #[test]
    fn whatever_is_demanded_exactly_is_in_every_document_found(value in json_values(), document in json_values()) {
        let Ok(query) = Query::parse(&json!({"a": {"$in": [value]}})) else { return Ok(()) };
        if let Some(value) = query.exact("a") && matches(&query, &document) {
            let equal = Query::parse(&json!({"a": {"$eq": value}})).unwrap();
            prop_assert!(matches(&equal, &document));
            prop_assert!(document.get("a").is_some());
        }
    }
}

proptest! {
    #[test]
    fn what_a_search_reads_of_a_document_is_all_it_needs(
        document in json_values(),
        query in json_values(),
        more in json_values(),
    ) {
        let document = json!({"a": document, "b": [more, document]});
        for query in [query, json!({"a.b": more}), json!({"b.a": document, "b.0": {"$exists": true}})] {
            let Ok(query) = Query::parse(&query) else { continue };
            let mut wanted = Wanted::default();
            query.look(&mut wanted);
            let excerpt = wanted.read(&document.to_string(), &"D".into()).unwrap();
            prop_assert_eq!(matches(&query, &excerpt.document), matches(&query, &document), "{:?}", excerpt);
        }
    }

    #[test]
    fn what_a_search_reads_of_whitelists_decides_as_all_of_them(
        list in prop::collection::vec(prop_oneof![json_values(), Just(json!("D")), Just(json!({"uuid": "D"}))], 0..4),
        version in prop_oneof![Just(json!("2.0.0")), Just(json!("1.0.0")), Just(Value::Null), json_values()],
    ) {
        let meshblu = json!({"version": version, "whitelists": {"discover": {"view": list}}});
        let document = json!({"uuid": "T", "discoverWhitelist": list, "meshblu": meshblu});
        let mut wanted = Wanted::default();
        LOOKED_AT.0.iter().for_each(|path| wanted.add(path));
        LOOKED_AT.1.iter().for_each(|path| wanted.add_entries(path));
        let excerpt = wanted.read(&document.to_string(), &"D".into()).unwrap().document;
        prop_assert_eq!(visible_to(&excerpt, &"D".into()), visible_to(&document, &"D".into()), "{}", excerpt);
    }
}
