//! What comparing costs, and that it ends.

use endo::ambient::Timestamp;
use endo::bus::embedded::effort::{Effort, Spent};
use endo::bus::embedded::query::Query;
use endo::bus::embedded::update::Update;
use serde_json::{Value, json};

fn is_found(query: Value, document: &Value, steps: u64) -> Result<bool, Spent> {
    Query::parse(&query).unwrap().matches(document, &Effort::of(steps))
}

#[test]
fn each_operand_is_compared_with_each_element() {
    let document = json!({"a": vec![0; 1_000]});
    let operands: Vec<_> = (1..=900).collect();
    for query in [
        json!({"a": {"$nin": operands}}),
        json!({"a": {"$not": {"$in": operands}}}),
        json!({"$nor": operands.iter().map(|n| json!({"a": n})).collect::<Vec<_>>()}),
        json!({"a": {"$not": {"$elemMatch": {"$in": operands}}}}),
    ] {
        assert_eq!(is_found(query.clone(), &document, 800_000), Err(Spent));
        assert_eq!(is_found(query, &document, 2_000_000), Ok(true));
    }
    assert_eq!(is_found(json!({"a": 0}), &document, 100), Ok(true));
}

#[test]
fn what_compares_nothing_costs_its_time_too() {
    let document = json!({"a": vec![json!({"b": 1}); 1_000], "n": vec![0; 1_000]});
    for query in [
        json!({"$and": vec![json!({}); 1_000]}),
        json!({"a.b": {"$exists": true}}),
        json!({"n.b": {"$exists": false}}),
        json!({"n": {"$not": {"$elemMatch": {"b": 1}}}}),
        json!({"n": {"$not": {"$regex": "x"}}}),
        json!({"a.b": 2}),
        json!({"c": {"$in": vec![1; 1_000]}}),
    ] {
        assert_eq!(is_found(query.clone(), &document, 900), Err(Spent), "{query}");
        assert!(is_found(query, &document, 20_000).is_ok());
    }
}

#[test]
fn large_values_cost_more_than_small_ones() {
    let (text, list) = ("x".repeat(100_000), vec![1; 1_000]);
    let object: Value = list.iter().enumerate().map(|(n, value)| (n.to_string(), json!(value))).collect();
    for value in [json!(text), json!(list), object] {
        let document = json!({"a": value});
        assert_eq!(is_found(document.clone(), &document, 900), Err(Spent));
        assert_eq!(is_found(document.clone(), &document, 9_000), Ok(true));
    }
    let pattern = json!({"a": {"$regex": "y"}});
    assert_eq!(is_found(pattern, &json!({"a": text}), 90_000), Err(Spent));
    assert!(is_found(json!({"a".repeat(100_000): 1}), &json!({}), 900).is_err());
}

#[test]
fn an_expression_costs_its_size_wherever_a_text_leads_it_to_something_new() {
    let document = json!({"a": "ab".repeat(1_000)});
    let pattern = |pattern: &str| json!({"a": {"$regex": pattern}});
    assert_eq!(is_found(pattern("a[ab]{5000}[^ab]"), &document, 3_000_000), Err(Spent));
    assert_eq!(is_found(pattern("a[ab]{5000}[^ab]"), &document, 10_000_000), Ok(false));
    assert_eq!(is_found(pattern("^(ab)+$"), &document, 3_000), Ok(true));
    assert_eq!(is_found(pattern(r"^\w+$"), &document, 3_000), Ok(true));
    let letters = json!({"a": "ä".repeat(1_000_000)});
    assert_eq!(is_found(pattern(r"\bx\b"), &letters, u64::MAX), Err(Spent));
}

#[test]
fn ordinary_expressions_take_little() {
    let found = [
        (r"^\w+@\w+\.\w+$", "", "someone@example.com"),
        (r"(?i)^küche\b.*\blampe$", "", "KÜCHE: große Lampe"),
        (r"\bé\w+\b", "i", "une École"),
        (r"^[a-z0-9-]+$", "", "living-room-lamp-17"),
        (r"^\p{Lu}\p{L}{1,20}$", "", "Ärztin"),
        (r"^b$", "m", "a\nb\nc"),
        (r"a.b", "s", "a\nb"),
        (r"", "", ""),
        (r"\d{4}-\d{2}-\d{2}T", "", "at 2026-11-30T08:00:00Z"),
    ];
    for (pattern, options, text) in found {
        let query = json!({"a": {"$regex": pattern, "$options": options}});
        assert_eq!(is_found(query, &json!({"a": text}), 40_000), Ok(true), "{pattern}");
    }
    for (pattern, text) in [(r"^\w+$", "a b"), (r"\bé\b", "cité"), (r"^a$", "a\n"), (r"[^a]", "aaa")] {
        assert_eq!(is_found(json!({"a": {"$regex": pattern}}), &json!({"a": text}), 40_000), Ok(false));
    }
}

#[test]
fn the_expressions_of_a_query_or_an_update_are_few_or_small() {
    let many = |pattern: &str, count: usize| {
        let queries: Vec<_> = (0..count).map(|_| json!({"a": {"$regex": pattern}})).collect();
        let pulled = (0..count).map(|n| (format!("a{n}"), json!({"$regex": pattern})));
        let update = json!({"$pull": pulled.collect::<serde_json::Map<_, _>>()});
        (Query::parse(&json!({"$or": queries})).is_ok(), Update::parse(&update).is_ok())
    };
    assert_eq!(many("^device-", 30), (true, true));
    assert_eq!(many("^device-", 50), (false, false));
    assert_eq!(many(r"^\w{1,30}$", 1), (true, true));
    assert_eq!(many(r"^\w{1,30}$", 4), (false, false));
}

#[test]
fn taking_a_member_away_costs_as_much_as_there_are() {
    let members: serde_json::Map<_, _> = (0..1_000).map(|n| (n.to_string(), json!(n))).collect();
    let before = json!({"a": members});
    let gone: serde_json::Map<_, _> = (0..100).map(|n| (format!("a.{n}"), json!(true))).collect();
    let update = Update::parse(&json!({"$unset": gone})).unwrap();
    let apply = |steps: u64| {
        let mut document = before.clone();
        let outcome = update.apply(&mut document, Timestamp::from_millis(0), &Effort::of(steps));
        (outcome.map_err(|refusal| refusal.status), document["a"].as_object().unwrap().len())
    };
    assert_eq!(apply(50_000), (Err(503), 1_000));
    assert_eq!(apply(100_000), (Ok(true), 900));
}

#[test]
fn an_update_that_compares_too_much_is_refused_and_changes_nothing() {
    let before = json!({"a": vec![1; 1_000], "b": 1});
    let operands: Vec<_> = (2..1_000).collect();
    let object = json!({"$nor": operands.iter().map(|n| json!({"c": n})).collect::<Vec<_>>()});
    let objects = json!({"a": vec![json!({"c": 1}); 1_000], "b": 1});
    for (before, pulled) in [(before, json!({"$not": {"$in": operands}})), (objects, object)] {
        let update = json!({"$set": {"b": 2}, "$pull": {"a": pulled}});
        let update = Update::parse(&update).unwrap();
        let apply = |steps: u64| {
            let mut document = before.clone();
            let outcome = update.apply(&mut document, Timestamp::from_millis(0), &Effort::of(steps));
            (outcome, document)
        };
        let (refused, kept) = apply(900_000);
        let refusal = refused.unwrap_err();
        assert_eq!((refusal.status, &*refusal.message), (503, "The update took too long"));
        assert_eq!(kept, before);
        assert_eq!(apply(20_000_000), (Ok(true), json!({"a": [], "b": 2})));
    }
}
