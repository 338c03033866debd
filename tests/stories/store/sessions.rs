//! How many sessions are kept, and whose end for whom.

use endo::store::{
    FormKey, MostSessions, SentForm, Store, StoreError, StoredRecord, StoredSession, Transaction, View,
};

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

/// Which of these sessions, begun one after the other, are there in the end; nothing where one of them is refused.
async fn left(store: &Store, owners: &[&str]) -> Option<Vec<u8>> {
    for (line, owner) in (0..).zip(owners) {
        let new = session(owner, line);
        let begun = write(store, move |transaction| transaction.add_session(&[line; 32], &new, MOST)).await;
        match begun {
            Err(StoreError::Full) => return None,
            begun => begun.unwrap(),
        }
    }
    let lines = 0..u8::try_from(owners.len()).unwrap();
    let is_there = |view: &View<'_>, line: u8| view.session(&[line; 32]).unwrap().is_some();
    Some(read(store, move |view| Ok(lines.filter(|line| is_there(view, *line)).collect())).await)
}

/// These owners proved control of accounts whose secrets are kept.
async fn keeps(store: &Store, owners: &[&'static str]) {
    let owners = owners.to_vec();
    let keep = move |transaction: &Transaction<'_>| {
        for owner in owners {
            let record =
                StoredRecord { generation: 1, endo: "{}".to_owned(), signature: String::new(), source: None };
            transaction.store_record(&uuid(&format!("credentials of {owner}")), &record)?;
            transaction.note_proof(&uuid(owner), &uuid(&format!("credentials of {owner}")), NOW)?;
        }
        Ok(())
    };
    write(store, keep).await.unwrap();
}

#[tokio::test]
async fn of_owners_who_keep_nothing_here_the_sessions_that_began_last_are_kept() {
    let (_directory, store) = fresh();
    assert_eq!(left(&store, &["a", "b", "c", "d", "e", "f", "g"]).await.unwrap(), [2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn however_many_strangers_come_an_owner_who_keeps_something_stays_signed_in() {
    let (_directory, store) = fresh();
    keeps(&store, &["owner"]).await;
    let owners = ["owner", "a", "b", "owner", "c", "d", "e", "f", "g"];
    assert_eq!(left(&store, &owners).await.unwrap(), [0, 3, 6, 7, 8]);
}

#[tokio::test]
async fn where_all_keep_something_nobody_s_oldest_session_ends() {
    let (_directory, store) = fresh();
    keeps(&store, &["a", "b", "c", "d", "e", "f"]).await;
    assert_eq!(left(&store, &["a", "b", "a", "c", "d", "e"]).await.unwrap(), [0, 1, 3, 4, 5]);
    let (_directory, store) = fresh();
    keeps(&store, &["a", "b", "c", "d", "e", "f"]).await;
    assert_eq!(left(&store, &["a", "b", "c", "d", "e", "f"]).await, None);
}

#[tokio::test]
async fn a_form_that_is_under_way_while_its_session_gets_another_pass_is_known_by_what_it_came_to() {
    let (_directory, store) = fresh();
    let [before, after] = [[1; 32], [2; 32]];
    let forms = [FormKey { line: before, form: [7; 32] }, FormKey { line: before, form: [8; 32] }];
    write(&store, move |transaction| transaction.add_session(&before, &session("owner", 1), MOST))
        .await
        .unwrap();
    let known = write(&store, move |transaction| {
        let sent = forms.iter().map(|form| transaction.send_form(form, 9)).collect::<Result<Vec<_>, _>>()?;
        assert_eq!(sent, [SentForm::New, SentForm::New]);
        assert!(transaction.renew_session(&before, &after, b"sealed anew")?);
        assert_eq!(transaction.send_form(&forms[0], 9)?, SentForm::Open);
        transaction.settle_form(&forms[0], Some("/there"))?;
        transaction.settle_form(&forms[1], None)?;
        forms.iter().map(|form| transaction.send_form(form, 9)).collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(known.await.unwrap(), [SentForm::Settled("/there".to_owned()), SentForm::New]);
    // They end with the session.
    let left = write(&store, move |transaction| {
        transaction.take_session(&after)?;
        transaction.add_session(&before, &session("owner", 1), MOST)?;
        transaction.send_form(&forms[0], 9)
    });
    assert_eq!(left.await.unwrap(), SentForm::New);
}
