//! What is known of refresh tokens is looked for by the database, and judged by renewals: both mean the same tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use endo::message::DeviceUuid;
use endo::source::renewal::is_answer_lost;
use endo::store::{
    Moment, NewRevocation, RenewalStage, Store, StoredRecord, StoredRefreshToken, StoredRenewal,
};

use super::{NOW, fresh, read, uuid, write};

/// One refresh token in each state that the columns can be in, and by whom it is held.
fn in_every_state() -> Vec<(DeviceUuid, StoredRefreshToken)> {
    let mut all = Vec::new();
    for stage in RenewalStage::ALL {
        for (sent, is_lost) in [(0, false), (1, false), (2, false), (0, true), (1, true), (2, true)] {
            let token = [u8::try_from(all.len()).unwrap(); 32];
            let known = StoredRefreshToken { stage, sent, is_lost, ..StoredRefreshToken::new(token) };
            all.push((uuid(&format!("{stage:?} {sent} {is_lost}")), known));
        }
    }
    all
}

/// Keeps each of them in a renewal of its own.
async fn keep(store: &Store, all: &[(DeviceUuid, StoredRefreshToken)]) {
    let all = all.to_vec();
    let keep = write(store, move |transaction| {
        all.into_iter().try_for_each(|(device, known)| {
            let life = StoredRenewal::of_unknown_life(1);
            transaction.store_renewal(&device, &StoredRenewal { refresh: Some(known), ..life })
        })
    });
    keep.await.unwrap();
}

/// Who holds those of them of which this is true.
fn holders(
    all: &[(DeviceUuid, StoredRefreshToken)],
    is_so: impl Fn(&StoredRefreshToken) -> bool,
) -> BTreeSet<DeviceUuid> {
    all.iter().filter(|(_, known)| is_so(known)).map(|(device, _)| device.clone()).collect()
}

#[tokio::test]
async fn whoever_may_hold_what_was_in_a_lost_answer_is_found_and_hardly_anybody_else() {
    let (_directory, store) = fresh();
    let all = in_every_state();
    keep(&store, &all).await;
    let found = read(&store, |view| view.holders_of_lost_lines(Moment::default())).await;
    let found: BTreeSet<_> = found.into_iter().map(|holder| holder.credentials).collect();
    let lost = holders(&all, is_answer_lost);
    assert_eq!(lost.difference(&found).count(), 0, "{lost:?}");
    let besides: Vec<_> = found.difference(&lost).map(DeviceUuid::as_str).collect();
    assert_eq!(besides, ["Idle 2 false", "Refused 2 false"]);
}

/// One may be set aside in a record, where nobody looks for it, and is not to be sent again for its end.
#[tokio::test]
async fn of_tokens_that_nobody_holds_lost_answers_are_known_for_a_year_and_the_others_for_a_while() {
    let (_directory, store) = fresh();
    let all = in_every_state();
    let noted = all.clone();
    let note = write(&store, move |transaction| {
        noted.iter().try_for_each(|(_, known)| {
            transaction.store_refresh_token(&StoredRefreshToken { noted_at: NOW, ..known.clone() })
        })
    });
    note.await.unwrap();
    let known = async |known: &StoredRefreshToken| {
        let token = known.token;
        read(&store, move |view| view.refresh_token(&token)).await.is_some()
    };
    let soon = NOW.plus(Duration::from_secs(1));
    store.forget_old_refresh_tokens(soon).await.unwrap();
    for (device, state) in &all {
        if is_answer_lost(state) {
            assert!(known(state).await, "{device}");
        }
    }
    let kept = futures_util::future::join_all(all.iter().map(|(_, state)| known(state))).await;
    assert!(kept.contains(&false), "the others are forgotten");
    store.forget_old_refresh_tokens(soon.plus(Duration::from_secs(366 * 24 * 60 * 60))).await.unwrap();
    for (device, state) in &all {
        assert!(!known(state).await, "{device}");
    }
}

#[tokio::test]
async fn what_matters_to_others_of_a_token_without_a_name_of_its_own_is_found() {
    let (_directory, store) = fresh();
    let all = in_every_state();
    keep(&store, &all).await;
    let unnamed = read(&store, |view| view.holders_of_unnamed_tokens()).await;
    let matters =
        |known: &StoredRefreshToken| !matches!(known.stage, RenewalStage::Idle | RenewalStage::Spent);
    assert_eq!(BTreeSet::from_iter(unnamed), holders(&all, matters));
}

#[tokio::test]
async fn a_copy_that_waits_for_its_end_is_taken_up_while_its_refresh_token_renews() {
    for (device, known) in in_every_state() {
        let (_directory, store) = fresh();
        let copied = known.clone();
        write(&store, move |transaction| {
            let (endo, signature) = ("{}".to_owned(), String::new());
            let record = StoredRecord { generation: 1, endo, signature, source: None };
            let ends = NewRevocation::told_by(1, &device, &record, NOW).renewed_by(Some(copied.token));
            transaction.add_revocation(&ends)?;
            transaction.store_refresh_token(&copied)
        })
        .await
        .unwrap();
        let line = known.line;
        let copy = read(&store, move |view| view.copy_of_line(&line)).await;
        assert_eq!(copy.map(|copy| copy.refresh), known.renews().then_some(known));
    }
}
