//! However many devices sign in, and have codes made, whoever has few of them keeps those.

use endo::store::{Kept, Store, StoredGrant, StoredSignIn, TokenHash};
use serde_json::json;

use super::{NOW, fresh, read, uuid, write};

const KEPT: Kept = Kept { of_device: 3, in_all: 5 };

/// One person comes first and one last, and in between two devices that want as much as they can have.
const OWNERS: [&str; 8] = ["early", "a", "b", "a", "b", "a", "b", "late"];

fn hash(number: usize) -> TokenHash {
    TokenHash::of(&number.to_string(), &uuid("device"), b"pepper")
}

async fn sign_in(store: &Store, number: usize, owner: &'static str) {
    let add = move |transaction: &endo::store::Transaction<'_>| {
        let device = uuid(owner);
        transaction.add_token(&device, &hash(0), &json!({}))?;
        let token = transaction.token_seq(&device, &hash(0))?.unwrap();
        transaction.add_sign_in(&hash(number), &StoredSignIn { device, token, began_at: NOW }, KEPT)
    };
    write(store, add).await.unwrap();
}

async fn code(store: &Store, number: usize, owner: &'static str) {
    let grant = StoredGrant {
        client: uuid("client"),
        device: uuid(owner),
        proof: 1,
        target: String::new(),
        target_was_named: false,
        challenge: None,
        made_at: NOW,
    };
    write(store, move |transaction| transaction.add_code(&hash(number), &grant, KEPT)).await.unwrap();
}

#[tokio::test]
async fn of_too_many_sign_ins_those_of_whoever_has_most_end() {
    let (_directory, store) = fresh();
    for (number, owner) in OWNERS.into_iter().enumerate() {
        sign_in(&store, number, owner).await;
    }
    let is_there = read(&store, |view| {
        Ok((0..8).filter(|number| view.sign_in(&hash(*number)).unwrap().is_some()).collect::<Vec<_>>())
    });
    assert_eq!(is_there.await, [0, 4, 5, 6, 7]);
}

#[tokio::test]
async fn of_too_many_codes_used_ones_go_and_then_those_of_whoever_has_most() {
    let (_directory, store) = fresh();
    for (number, owner) in OWNERS.into_iter().enumerate() {
        code(&store, number, owner).await;
        if number == 2 {
            write(&store, |transaction| {
                let used = transaction.code(&hash(2))?.unwrap();
                transaction.use_code(used.seq, None)
            })
            .await
            .unwrap();
        }
    }
    let is_there = read(&store, |view| {
        Ok((0..8).filter(|number| view.code(&hash(*number)).unwrap().is_some()).collect::<Vec<_>>())
    });
    assert_eq!(is_there.await, [0, 4, 5, 6, 7]);
}
