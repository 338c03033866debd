//! How many sessions are kept, and whose end for whom.

use endo::store::{MostSessions, StoredSession};

use super::{NOW, fresh, read, uuid, write};

const MOST: MostSessions = MostSessions { oldest: 1, newest: 2, in_all: 5 };

fn session(owner: &str, line: u8) -> StoredSession {
    StoredSession {
        owner: uuid(owner),
        line: [line; 32],
        login: Vec::new(),
        is_granted: false,
        token: None,
        began_at: NOW,
        seen_at: NOW,
    }
}

#[tokio::test]
async fn whoever_signs_in_ever_again_ends_no_session_but_their_own() {
    let (_directory, store) = fresh();
    for (owner, line) in [("settled", 0)].into_iter().chain((1..20).map(|line| ("busy", line))) {
        let new = session(owner, line);
        write(&store, move |transaction| transaction.add_session(&[line; 32], &new, MOST)).await.unwrap();
    }
    let left = read(&store, |view| {
        let is_there = |line: &u8| view.session(&[*line; 32]).unwrap().is_some();
        Ok((0..20).filter(is_there).collect::<Vec<_>>())
    });
    assert_eq!(left.await, [0, 1, 18, 19]);
}

#[tokio::test]
async fn of_all_owners_the_sessions_that_began_last_are_kept() {
    let (_directory, store) = fresh();
    for line in 0..7 {
        let new = session(&format!("owner {line}"), line);
        write(&store, move |transaction| transaction.add_session(&[line; 32], &new, MOST)).await.unwrap();
    }
    let left = read(&store, |view| {
        let is_there = |line: &u8| view.session(&[*line; 32]).unwrap().is_some();
        Ok((0..7).filter(is_there).collect::<Vec<_>>())
    });
    assert_eq!(left.await, [2, 3, 4, 5, 6]);
}
