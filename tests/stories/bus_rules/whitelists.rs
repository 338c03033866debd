//! Who may do what to a device.

use endo::bus::embedded::whitelist::{List, allows, let_in, visible_to};
use endo::message::DeviceUuid;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn uuid(text: &str) -> DeviceUuid {
    DeviceUuid::from(text)
}

fn granted(document: &Value, who: &str) -> Vec<List> {
    List::ALL.into_iter().filter(|list| allows(document, *list, &uuid(who))).collect()
}

fn with_list(list: List, entries: Value) -> Value {
    let (group, name) = list.place();
    json!({"uuid": "T", "meshblu": {"version": "2.0.0", "whitelists": {group: {name: entries}}}})
}

#[test]
fn a_list_of_version_2_lets_in_whom_it_names_and_for_nothing_else() {
    for list in List::ALL {
        let document = with_list(list, json!([{"uuid": "X"}]));
        assert_eq!(granted(&document, "X"), [list]);
        assert_eq!(granted(&document, "Y"), []);
        assert_eq!(granted(&with_list(list, json!([{"uuid": "*"}])), "Y"), [list]);
    }
}

#[test]
fn a_device_may_do_everything_to_itself() {
    assert_eq!(granted(&json!({"uuid": "T", "meshblu": {"version": "2.0.0"}}), "T"), List::ALL);
    assert_eq!(granted(&json!({"uuid": "T"}), "T"), List::ALL);
}

#[test]
fn an_owner_gets_nothing_by_version_2() {
    assert_eq!(granted(&json!({"uuid": "T", "owner": "X", "meshblu": {"version": "2.0.0"}}), "X"), []);
}

#[test]
fn version_1_properties_give_the_lists_of_the_table() {
    use List::*;
    let table: [(&str, &[List]); 8] = [
        ("discoverWhitelist", &[DiscoverView, ConfigureSent]),
        ("configureWhitelist", &[ConfigureUpdate, MessageSent, MessageReceived, BroadcastReceived]),
        ("receiveWhitelist", &[BroadcastSent]),
        ("sendWhitelist", &[MessageFrom]),
        ("discoverAsWhitelist", &[DiscoverAs]),
        ("configureAsWhitelist", &[ConfigureAs]),
        ("sendAsWhitelist", &[MessageAs]),
        ("receiveAsWhitelist", &[MessageReceived, BroadcastReceived]),
    ];
    for (property, lists) in table {
        for version in [json!({}), json!({"version": "1.0.0"}), json!({"version": 2})] {
            let document = json!({"uuid": "T", "meshblu": version, property: ["X"]});
            assert_eq!(granted(&document, "X"), lists, "{property}");
            assert_eq!(granted(&document, "Y"), [], "{property}");
            assert_eq!(granted(&json!({"uuid": "T", property: ["*"]}), "Y"), lists, "{property}");
        }
        let second = json!({"uuid": "T", "meshblu": {"version": "2.0.0"}, property: ["X"]});
        assert_eq!(granted(&second, "X"), [], "{property}");
    }
}

#[test]
fn an_owner_gets_everything_but_broadcast_as_by_version_1() {
    let all_but_one: Vec<_> = List::ALL.into_iter().filter(|list| *list != List::BroadcastAs).collect();
    assert_eq!(granted(&json!({"uuid": "T", "owner": "X"}), "X"), all_but_one);
}

#[test]
fn an_owner_named_star_is_nobody() {
    assert_eq!(granted(&json!({"uuid": "T", "owner": "*"}), "X"), []);
}

#[test]
fn a_version_1_device_keeps_the_version_2_lists_it_has() {
    let document = json!({"uuid": "T", "sendWhitelist": ["X"],
        "meshblu": {"whitelists": {"message": {"from": [{"uuid": "Y"}]}}}});
    assert_eq!(granted(&document, "X"), [List::MessageFrom]);
    assert_eq!(granted(&document, "Y"), [List::MessageFrom]);
}

#[test]
fn a_list_that_is_not_a_list_lets_nobody_in() {
    for entries in
        [json!("X"), json!({"uuid": "X"}), json!({"X": {}}), json!(["X"]), json!([["X"]]), Value::Null]
    {
        assert_eq!(granted(&with_list(List::MessageFrom, entries), "X"), []);
    }
    assert_eq!(granted(&json!({"uuid": "T", "sendWhitelist": "X"}), "X"), []);
    assert_eq!(granted(&json!({"uuid": "T", "meshblu": 5}), "X"), []);
    assert_eq!(granted(&json!("T"), "T"), []);
}

#[test]
fn uuids_are_compared_exactly() {
    assert_eq!(granted(&with_list(List::MessageFrom, json!([{"uuid": "x"}])), "X"), []);
}

#[test]
fn a_search_finds_what_its_actor_may_see() {
    let visible = |document: Value| visible_to(&document, &uuid("X"));
    for version in [json!({}), json!({"version": null}), json!({"version": "1.0.0"})] {
        assert!(visible(json!({"uuid": "X", "meshblu": version})));
        assert!(visible(json!({"uuid": "T", "meshblu": version, "owner": "X"})));
        assert!(visible(json!({"uuid": "T", "meshblu": version, "discoverWhitelist": ["X"]})));
        assert!(visible(json!({"uuid": "T", "meshblu": version, "discoverWhitelist": ["*"]})));
        assert!(!visible(json!({"uuid": "T", "meshblu": version, "discoverWhitelist": ["Y"]})));
    }
    assert!(visible(with_list(List::DiscoverView, json!([{"uuid": "*"}]))));
    assert!(!visible(with_list(List::DiscoverAs, json!([{"uuid": "*"}]))));
    assert!(!visible(json!({"uuid": "T", "owner": "X", "meshblu": {"version": "2.0.0"}})));
}

#[test]
fn a_search_never_finds_a_device_of_an_unknown_version() {
    for version in [json!("3.0.0"), json!(2), json!(false)] {
        let document =
            json!({"uuid": "X", "owner": "X", "discoverWhitelist": ["*"], "meshblu": {"version": version}});
        assert!(!visible_to(&document, &uuid("X")));
        assert!(allows(&document, List::DiscoverView, &uuid("X")));
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let who = || prop::sample::select(vec!["X", "Y", "*"]);
    let uuids = prop::collection::vec(who(), 0..3);
    (
        prop::sample::select(vec![json!(null), json!("1.0.0"), json!("2.0.0"), json!("3.0.0")]),
        prop::option::of(who()),
        prop::option::of(uuids.clone()),
        prop::option::of(uuids),
        prop::sample::select(vec!["T", "X"]),
    )
        .prop_map(|(version, owner, old, new, uuid)| {
            let mut document = Map::from_iter([("uuid".to_owned(), json!(uuid))]);
            document.extend(owner.map(|owner| ("owner".to_owned(), json!(owner))));
            document.extend(old.map(|old| ("discoverWhitelist".to_owned(), json!(old))));
            let view: Vec<_> = new.unwrap_or_default().iter().map(|uuid| json!({"uuid": uuid})).collect();
            let meshblu = json!({"version": version, "whitelists": {"discover": {"view": view}}});
            document.insert("meshblu".to_owned(), meshblu);
            Value::Object(document)
        })
}

proptest! {
    #[test]
    fn many_are_let_in_as_each_of_them_is(document in documents()) {
        let many: Vec<_> = ["X", "Y", "T", "*", ""].map(uuid).into();
        for list in List::ALL {
            let mut let_in_together = many.clone();
            let_in(&document, list, &mut let_in_together);
            let one_by_one: Vec<_> = many.iter().filter(|who| allows(&document, list, who)).cloned().collect();
            prop_assert_eq!(let_in_together, one_by_one);
        }
    }

    #[test]
    fn whatever_a_search_finds_may_be_read(document in documents()) {
        let visible = visible_to(&document, &uuid("X"));
        let readable = allows(&document, List::DiscoverView, &uuid("X"));
        prop_assert!(!visible || readable);
        if document["meshblu"]["version"] == "2.0.0" {
            prop_assert_eq!(visible, readable);
        }
    }
}
