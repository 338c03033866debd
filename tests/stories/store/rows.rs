//! What the store keeps of devices, tokens, dead letters and outcomes.

use std::time::Duration;

use endo::store::{Death, Lookup, Store, StoreError, StoredRecord, StoredSubscription, TokenHash, Work};
use serde_json::{Value, json};

use super::{NOW, accept, delivery, fresh, outcome, raw, read, uuid, write};

const DAY: Duration = Duration::from_secs(86_400);

async fn dead_letters(store: &Store) -> Vec<String> {
    let letters = read(store, |view| view.dead_letters(None, 100)).await;
    letters.into_iter().map(|letter| letter.id.to_string()).collect()
}

async fn die(store: &Store, id: &'static str, died_at: endo::ambient::Timestamp) {
    accept(store, delivery(id)).await.unwrap();
    let seq = read(store, |view| view.waiting(Work::Job)).await;
    assert_eq!(seq, 1, "one at a time");
    let dying = write(store, move |transaction| {
        for seq in 1..100 {
            transaction.give_up(seq, &Death::of("expired", died_at))?;
        }
        Ok(())
    });
    dying.await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_is_listed_shown_and_replayed_under_its_own_id() {
    let (_directory, store) = fresh();
    die(&store, "a", NOW).await;
    die(&store, "b", NOW).await;
    assert_eq!(dead_letters(&store).await, ["b", "a"]);
    let letter = read(&store, |view| view.dead_letter(&"a".into())).await.unwrap();
    assert_eq!(
        (letter.reason.as_str(), letter.died_at, letter.delivery.body.as_str()),
        ("expired", NOW, "{}")
    );
    let replay = || write(&store, |transaction| transaction.replay(&"a".into(), NOW));
    assert_eq!(replay().await.unwrap().unwrap().delivery.id.as_str(), "a");
    assert!(replay().await.unwrap().is_none());
    assert_eq!(dead_letters(&store).await, ["b"]);
    assert_eq!(read(&store, |view| view.waiting(Work::Job)).await, 1);
    let again = write(&store, |transaction| {
        for seq in 1..100 {
            transaction.give_up(seq, &Death::of("again", NOW))?;
        }
        transaction.dead_letter(&"a".into())
    });
    assert_eq!(again.await.unwrap().unwrap().reason, "again");
}

#[tokio::test]
async fn dead_letters_are_listed_without_a_look_at_what_was_delivered() {
    let (directory, store) = fresh();
    die(&store, "a", NOW).await;
    raw(directory.path()).execute("UPDATE dead_letters SET body = x'ff'", []).unwrap();
    assert_eq!(dead_letters(&store).await, ["a"]);
    let shown = store.read::<_, StoreError, _>(|view| view.dead_letter(&"a".into())).await;
    assert!(shown.is_err(), "{shown:?}");
}

#[tokio::test]
async fn dead_letters_are_forgotten_by_age_and_by_number() {
    let (_directory, store) = fresh();
    die(&store, "old", NOW.minus(DAY)).await;
    for id in ["a", "b", "c", "d"] {
        die(&store, id, NOW).await;
    }
    store.forget_old(NOW.minus(DAY / 2), 100).await.unwrap();
    assert_eq!(dead_letters(&store).await, ["d", "c", "b", "a"]);
    let gap = write(&store, |transaction| {
        transaction.replay(&"c".into(), NOW)?;
        transaction.replay(&"b".into(), NOW)
    });
    gap.await.unwrap();
    store.forget_old(NOW.minus(DAY), 2).await.unwrap();
    assert_eq!(dead_letters(&store).await, ["d", "a"], "gaps do not count");
    store.forget_old(NOW.minus(DAY), 1).await.unwrap();
    assert_eq!(dead_letters(&store).await, ["d"]);
}

#[tokio::test]
async fn outcomes_are_noted_and_forgotten_by_age_and_by_number() {
    let (_directory, store) = fresh();
    let noting = write(&store, |transaction| {
        for n in 0..5000 {
            let ended_at = if n < 3000 { NOW.minus(DAY) } else { NOW };
            let noted = endo::store::Outcome { ended_at, ..outcome(Some("{}".to_owned())) };
            transaction.note_outcome(&n.to_string().as_str().into(), &noted)?;
        }
        Ok(())
    });
    noting.await.unwrap();
    let known = |id: &'static str| read(&store, move |view| view.outcomes(&id.into()));
    assert_eq!(known("4999").await, [outcome(Some("{}".to_owned()))]);
    store.forget_old(NOW, 1_000_000).await.unwrap();
    assert_eq!((known("2999").await.len(), known("3000").await.len()), (0, 1));
    store.forget_old(NOW, 10).await.unwrap();
    assert_eq!((known("4989").await.len(), known("4990").await.len()), (0, 1));
}

#[tokio::test]
async fn a_token_is_kept_as_a_hash_of_itself_its_device_and_the_pepper() {
    let (directory, store) = fresh();
    let device = uuid("device");
    let hash = TokenHash::of("canary-token", &device, b"pepper");
    write(&store, move |transaction| transaction.add_token(&uuid("device"), &hash, &json!({})))
        .await
        .unwrap();
    let others = [
        TokenHash::of("canary-tokem", &device, b"pepper"),
        TokenHash::of("canary-token", &uuid("devicf"), b"pepper"),
        TokenHash::of("canary-token", &device, b"salt"),
    ];
    let known = read(&store, move |view| {
        let others = others.iter().map(|other| view.knows_token(&uuid("device"), other));
        Ok((view.knows_token(&uuid("device"), &hash)?, others.collect::<Result<Vec<_>, _>>()?))
    });
    assert_eq!(known.await, (true, vec![false; 3]));
    drop(store);
    let file = std::fs::read(directory.path().join("endo.db")).unwrap();
    assert!(!file.windows(12).any(|bytes| bytes == b"canary-token"));
}

#[tokio::test]
async fn a_new_root_token_takes_the_place_of_the_old_and_of_no_other() {
    let (_directory, store) = fresh();
    let hash = |token| TokenHash::of(token, &uuid("device"), b"pepper");
    let (root, session, next) = (hash("root"), hash("session"), hash("next"));
    let changing = write(&store, move |transaction| {
        transaction.replace_root_token(&uuid("device"), &root)?;
        transaction.add_token(&uuid("device"), &session, &json!({"tag": "x"}))?;
        transaction.replace_root_token(&uuid("device"), &next)?;
        let known = [root, session, next].map(|hash| transaction.knows_token(&uuid("device"), &hash));
        Ok((known.into_iter().collect::<Result<Vec<_>, _>>()?, transaction.tokens(&uuid("device"), 10)?))
    });
    let (known, listed) = changing.await.unwrap();
    assert_eq!(known, [false, true, true]);
    let listed: Vec<_> = listed.into_iter().map(|token| (token.root, token.metadata)).collect();
    assert_eq!(listed, [(true, json!({})), (false, json!({"tag": "x"}))]);
}

/// The devices that an indexed look-up finds.
async fn find(store: &Store, path: &str, value: &str) -> Vec<String> {
    let lookup = Lookup::Indexed(path.to_owned(), value.to_owned());
    let look = read(store, move |view| {
        let mut found = Vec::new();
        view.visit_devices(&lookup, 1 << 20, |device| {
            found.push(device.uuid.to_string());
            true
        })?;
        Ok(found)
    });
    look.await
}

async fn add(store: &Store, name: &'static str, document: Value) {
    write(store, move |transaction| transaction.add_device(&uuid(name), &document)).await.unwrap();
}

#[tokio::test]
async fn devices_are_found_by_strings_elements_of_arrays_and_through_arrays() {
    let (_directory, store) = fresh();
    add(&store, "string", json!({"endo": {"authorizedKey": "k"}})).await;
    add(&store, "array", json!({"endo": {"authorizedKey": ["j", "k", "k", 3]}})).await;
    add(&store, "through", json!({"endo": [7, {"authorizedKey": "k"}, {"idKey": "k"}]})).await;
    add(&store, "deeper", json!({"endo": {"authorizedKey": [["k"]]}})).await;
    assert_eq!(find(&store, "endo.authorizedKey", "k").await, ["through", "array", "string"]);
    assert_eq!(find(&store, "endo.idKey", "k").await, ["through"]);
}

#[tokio::test]
async fn the_index_follows_replacement_and_removal() {
    let (_directory, store) = fresh();
    add(&store, "device", json!({"owner": "a"})).await;
    let replacing =
        write(&store, |transaction| transaction.replace_device(&uuid("device"), &json!({"owner": ["b"]})));
    replacing.await.unwrap();
    assert_eq!(find(&store, "owner", "a").await, [""; 0]);
    assert_eq!(find(&store, "owner", "b").await, ["device"]);
    let hash = TokenHash::of("token", &uuid("device"), b"pepper");
    let removing = write(&store, move |transaction| {
        transaction.add_token(&uuid("device"), &hash, &json!({}))?;
        for (emitter, subscriber) in [("device", "other"), ("other", "device"), ("other", "other")] {
            transaction.subscribe(&StoredSubscription {
                subscriber_uuid: uuid(subscriber),
                emitter_uuid: uuid(emitter),
                kind: "message.received".to_owned(),
            })?;
        }
        transaction.remove_device(&uuid("device"))?;
        transaction.clear_away(&uuid("device")).map(|is_left| assert!(!is_left))
    });
    removing.await.unwrap();
    assert_eq!(find(&store, "owner", "b").await, [""; 0]);
    let left = read(&store, move |view| {
        let listeners = view.subscribers(&uuid("other"), "message.received", 10)?;
        Ok((view.knows_token(&uuid("device"), &hash)?, listeners, view.subscriptions(&uuid("device"))?))
    });
    assert_eq!(left.await, (false, vec![uuid("other")], vec![]));
}

#[tokio::test]
async fn a_document_keeps_the_order_of_its_keys() {
    let (_directory, store) = fresh();
    let text = r#"{"z":1,"a":{"10":1,"9":[1.0,1e2]},"é":"\u2028"}"#;
    let document: Value = serde_json::from_str(text).unwrap();
    add(&store, "device", document.clone()).await;
    let stored = read(&store, |view| view.device(&uuid("device"))).await.unwrap();
    assert_eq!(stored.to_string(), document.to_string());
}

#[tokio::test]
async fn an_older_record_never_takes_the_place_of_a_newer() {
    let (_directory, store) = fresh();
    let record = |generation, endo: &str| StoredRecord {
        generation,
        endo: endo.to_owned(),
        signature: String::new(),
        source: Some(format!("https://{endo}.test")),
    };
    for (generation, endo, is_kept) in [(2, "b", true), (1, "a", false), (2, "other", false), (3, "c", true)]
    {
        let new = record(generation, endo);
        let kept = write(&store, move |transaction| transaction.store_record(&uuid("device"), &new)).await;
        assert_eq!(kept.unwrap(), is_kept, "{endo}");
    }
    let newest = read(&store, |view| view.record(&uuid("device"))).await;
    assert_eq!(newest, Some(record(3, "c")));
}
