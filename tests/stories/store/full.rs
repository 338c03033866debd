//! A full file refuses what is new, and lets what was accepted end.

use endo::store::{Binding, Death, NewDelivery, Store, StoreError, TokenHash, Work};
use serde_json::json;

use super::{NOW, accept, delivery, open_with, outcome, read, uuid, write};

const PAGES: u32 = 300;

fn large(id: usize) -> NewDelivery {
    NewDelivery { body: "x".repeat(9000), ..delivery(&id.to_string()) }
}

/// Accepts work until the store refuses; answers how much it took.
async fn fill(store: &Store) -> usize {
    for id in 0.. {
        match accept(store, large(id)).await {
            Ok(()) => {}
            Err(error) => {
                assert!(matches!(error, StoreError::Full), "{error:?}");
                return id;
            }
        }
    }
    unreachable!("a bounded file takes a bounded number")
}

async fn waiting(store: &Store) -> u64 {
    read(store, |view| view.waiting(Work::Job)).await
}

fn full() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = open_with(directory.path(), Some(PAGES));
    (directory, store)
}

#[tokio::test]
async fn what_was_accepted_before_the_file_was_full_can_end_and_makes_room() {
    let (_directory, store) = full();
    let accepted = fill(&store).await;
    assert!(accepted > 50);
    assert_eq!(waiting(&store).await, accepted as u64);
    for seq in 1..=accepted as i64 {
        let ended = write(&store, move |transaction| {
            assert!(transaction.finish(seq)?);
            // The reply is new work for its receiver, and as large as what it answers.
            transaction.accept(&large(1000), NOW)?;
            transaction.note_outcome(&"reply".into(), &outcome(None))
        });
        ended.await.unwrap();
    }
    assert_eq!(waiting(&store).await, accepted as u64);
    assert!(matches!(accept(&store, large(0)).await, Err(StoreError::Full)));
    let free = write(&store, |transaction| {
        for seq in 1..2000 {
            transaction.finish(seq)?;
        }
        Ok(())
    });
    free.await.unwrap();
    accept(&store, large(0)).await.unwrap();
}

#[tokio::test]
async fn rights_can_be_taken_away_while_nothing_new_is_let_in() {
    let (_directory, store) = full();
    let hash = TokenHash::of("token", &uuid("device"), b"pepper");
    let setup = write(&store, move |transaction| {
        transaction.add_device(&uuid("device"), &json!({"note": "a rather long note"}))?;
        transaction.add_token(&uuid("device"), &hash, &json!({}))
    });
    setup.await.unwrap();
    fill(&store).await;
    let grow = json!({"note": "a rather long note that has become longer still"});
    let growing = write(&store, move |transaction| transaction.replace_device(&uuid("device"), &grow)).await;
    let adding = write(&store, |transaction| transaction.add_device(&uuid("new"), &json!({}))).await;
    let token = write(&store, move |transaction| {
        let other = TokenHash::of("other", &uuid("device"), b"pepper");
        transaction.add_token(&uuid("device"), &other, &json!({}))
    });
    for refused in [growing, adding, token.await] {
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    }
    let taking_away = write(&store, move |transaction| {
        transaction.remove_token(&uuid("device"), &hash)?;
        transaction.replace_device(&uuid("device"), &json!({"note": "short"}))?;
        let binding = Binding { credentials: uuid("credentials"), user_device: uuid("device") };
        transaction.revoke(&binding, NOW)
    });
    assert!(taking_away.await.unwrap());
    let seen = read(&store, move |view| {
        let binding = Binding { credentials: uuid("credentials"), user_device: uuid("device") };
        Ok((view.knows_token(&uuid("device"), &hash)?, view.is_revoked(&binding)?))
    });
    assert_eq!(seen.await, (false, true));
}

#[tokio::test]
async fn what_was_accepted_gets_the_token_that_it_lends() {
    let (_directory, store) = full();
    write(&store, |transaction| transaction.add_device(&uuid("device"), &json!({}))).await.unwrap();
    fill(&store).await;
    let hash = TokenHash::of("lent", &uuid("device"), b"pepper");
    let work = NewDelivery { device: uuid("device"), ..delivery("work") };
    write(&store, move |transaction| transaction.lend_token(&work, &hash, &json!({}))).await.unwrap();
    assert!(read(&store, move |view| view.knows_token(&uuid("device"), &hash)).await);
}

#[tokio::test]
async fn nobody_is_told_that_something_was_kept_when_the_last_page_is_used_up() {
    let (_directory, store) = full();
    accept(&store, delivery("old")).await.unwrap();
    let too_large = "x".repeat(2 * 4096 * PAGES as usize);
    let ending = write(&store, move |transaction| {
        transaction.finish(1)?;
        transaction.remember_fact("half", b"x")?;
        let error = transaction.note_outcome(&"old".into(), &outcome(Some(too_large))).unwrap_err();
        assert!(matches!(error, StoreError::Full), "{error:?}");
        // As if it had not noticed: nothing may be kept by itself now.
        transaction.remember_fact("alone", b"x")
    });
    assert!(matches!(ending.await, Err(StoreError::Undone | StoreError::Full)));
    assert_eq!(waiting(&store).await, 1);
    for name in ["half", "alone"] {
        assert!(!super::has_fact(&store, name).await, "{name}");
    }
    write(&store, |transaction| transaction.finish(1)).await.unwrap();
    assert_eq!(waiting(&store).await, 0);
}

#[tokio::test]
async fn a_full_file_opens_again() {
    let (directory, store) = full();
    let accepted = fill(&store).await;
    drop(store);
    let store = open_with(directory.path(), Some(PAGES));
    assert_eq!(waiting(&store).await, accepted as u64);
    assert!(matches!(accept(&store, large(0)).await, Err(StoreError::Full)));
    write(&store, |transaction| transaction.give_up(1, &Death::of("expired", NOW))).await.unwrap();
}
