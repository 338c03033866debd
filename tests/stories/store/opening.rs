//! What a data directory may hold, and what each thing it must not hold is called.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use endo::ambient::Timestamp;
use endo::source::Retry;
use endo::source::renewal::{Health, Standing};
use endo::store::{FormKey, Moment, RenewalStage, SentForm, Store, StoreError, View};
use futures_util::FutureExt;

use super::{accept, delivery, fresh, has_fact, open, raw, try_open, write};

fn database(directory: &Path) -> std::path::PathBuf {
    directory.join("endo.db")
}

/// A directory whose closed store has some pages.
async fn used() -> tempfile::TempDir {
    let (directory, store) = fresh();
    for n in 0..40 {
        let mut new = delivery(&n.to_string());
        new.body = "x".repeat(3000);
        accept(&store, new).await.unwrap();
    }
    drop(store);
    directory
}

fn refusal(directory: &Path) -> StoreError {
    try_open(directory, None).map(drop).unwrap_err()
}

#[tokio::test]
async fn a_second_opener_is_told_that_the_directory_is_in_use() {
    let (directory, store) = fresh();
    assert!(matches!(refusal(directory.path()), StoreError::InUse(_)));
    let clone = store.clone();
    drop(store);
    assert!(matches!(refusal(directory.path()), StoreError::InUse(_)));
    drop(clone);
    open(directory.path());
}

#[tokio::test]
async fn the_directory_stays_locked_while_a_store_that_was_dropped_still_writes() {
    let (directory, store) = fresh();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (told, tell) = std::sync::mpsc::channel();
    let (last, path) = (store.clone(), directory.path().to_owned());
    let writing = write(&store, move |transaction| {
        wait.recv().unwrap();
        transaction.after_commit(move || {
            drop(last);
            told.send(refusal(&path)).unwrap();
        });
        Ok(())
    });
    assert!(writing.now_or_never().is_none());
    drop(store);
    go.send(()).unwrap();
    assert!(matches!(tell.recv().unwrap(), StoreError::InUse(_)));
}

#[tokio::test]
async fn what_was_kept_is_there_after_the_next_start() {
    let (directory, store) = fresh();
    write(&store, |transaction| transaction.remember_fact("a", b"x")).await.unwrap();
    drop(store);
    assert!(has_fact(&open(directory.path()), "a").await);
    assert!(!directory.path().join("endo.db-wal").exists(), "the log was not taken into the database");
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_kill() {
    let (directory, store) = fresh();
    write(&store, |transaction| transaction.remember_fact("a", b"x")).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    // The log first: what the store takes from it into the database meanwhile is in both then, never in neither.
    for name in ["endo.db-wal", "endo.db"] {
        fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
    }
    assert!(has_fact(&open(copy.path()), "a").await);
}

#[tokio::test]
async fn a_file_with_other_contents_is_called_damaged() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(database(directory.path()), "Dear diary, ".repeat(1000)).unwrap();
    assert!(matches!(refusal(directory.path()), StoreError::Corrupt { .. }));
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    for setup in ["CREATE TABLE songs (title TEXT)", "PRAGMA user_version = 1", "PRAGMA application_id = 7"] {
        let _ = fs::remove_file(database(directory.path()));
        raw(directory.path()).execute_batch(setup).unwrap();
        let before = fs::read(database(directory.path())).unwrap();
        assert!(matches!(refusal(directory.path()), StoreError::Corrupt { .. }), "{setup}");
        assert_eq!(fs::read(database(directory.path())).unwrap(), before, "{setup}");
    }
}

#[tokio::test]
async fn a_file_cut_short_is_called_damaged() {
    for length in [100, 4096, 5 * 4096 + 17] {
        let directory = used().await;
        let file = fs::OpenOptions::new().write(true).open(database(directory.path())).unwrap();
        assert!(file.metadata().unwrap().len() > length);
        file.set_len(length).unwrap();
        assert!(matches!(refusal(directory.path()), StoreError::Corrupt { .. }), "{length} bytes");
    }
}

#[tokio::test]
async fn damage_is_found_on_every_page() {
    let pages = fs::metadata(database(used().await.path())).unwrap().len() / 4096;
    for page in [1, 2, pages / 2, pages - 1] {
        let directory = used().await;
        let mut file = fs::OpenOptions::new().write(true).open(database(directory.path())).unwrap();
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xa5; 4096]).unwrap();
        drop(file);
        assert!(matches!(refusal(directory.path()), StoreError::Corrupt { .. }), "page {page} of {pages}");
    }
}

#[tokio::test]
async fn a_directory_of_a_newer_version_is_refused_in_one_sentence() {
    let (directory, store) = fresh();
    drop(store);
    raw(directory.path()).execute_batch("PRAGMA user_version = 99").unwrap();
    let error = refusal(directory.path());
    let StoreError::Newer { found: 99, known } = error else { panic!("{error}") };
    assert_eq!(
        error.to_string(),
        format!(
            "the data directory holds format 99, this version knows only up to {known}: use the newer endo"
        )
    );
}

#[tokio::test]
async fn a_start_that_was_killed_before_its_first_write_can_be_repeated() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(database(directory.path()), "").unwrap();
    open(directory.path());
}

/// The statements that made what a database holds.
fn schema(directory: &Path) -> String {
    let connection = raw(directory);
    let sql = "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|row| row.unwrap() + "\n").collect()
}

#[tokio::test]
async fn a_directory_of_format_1_becomes_what_a_new_one_is() {
    let (new, store) = fresh();
    drop(store);
    let old = tempfile::tempdir().unwrap();
    let connection = raw(old.path());
    connection.execute_batch(include_str!("../../fixtures/store-format-1.sql")).unwrap();
    connection.execute_batch("PRAGMA application_id = 0x456e646f; PRAGMA user_version = 1").unwrap();
    drop(connection);
    drop(open(old.path()));
    assert_eq!(schema(old.path()), schema(new.path()));
}

#[tokio::test]
async fn what_is_known_of_a_refresh_token_moves_from_its_credentials_to_the_token_itself() {
    let (spent, last) = ([1; 32], [2; 32]);
    let old = tempfile::tempdir().unwrap();
    let connection = raw(old.path());
    connection.execute_batch(include_str!("../../fixtures/store-format-31.sql")).unwrap();
    connection.execute_batch("PRAGMA application_id = 0x456e646f; PRAGMA user_version = 31").unwrap();
    let sql = "INSERT INTO renewals VALUES ('device', 3, 5000, 4000, 2, 1, 'somebody', 7, 8, 'why', 9, 6, 1, 2, ?1, ?1)";
    connection.execute(sql, [[spent, last].concat()]).unwrap();
    drop(connection);

    let store = open(old.path());
    let look = move |view: &View<'_>| {
        let renewal = view.renewal(&"device".into())?.unwrap();
        Ok((renewal, view.refresh_token(&spent)?.unwrap(), view.line_of(&last)?))
    };
    let (renewal, spent, line) = store.read::<_, StoreError, _>(look).await.unwrap();
    assert_eq!((renewal.generation, renewal.secret_since), (3, 2));
    assert_eq!(renewal.expires_at.map(Timestamp::as_millis), Some(5000));
    let refresh = renewal.refresh.unwrap();
    assert_eq!((refresh.stage, refresh.sent, refresh.failures), (RenewalStage::InDoubt, 1, 9));
    assert_eq!(refresh.holder.as_str(), "somebody");
    assert_eq!((spent.stage, spent.line), (RenewalStage::Spent, refresh.line));
    let from_the_beginning = Moment::default();
    assert_eq!((refresh.line_since, refresh.first_sent), (from_the_beginning, from_the_beginning));
    let line: Vec<_> = line.into_iter().map(|known| known.token).collect();
    assert!([spent.token, last, refresh.token].iter().all(|token| line.contains(token)), "{line:?}");
    let holders = store.read::<_, StoreError, _>(move |view| view.holders_of_line(&last)).await.unwrap();
    let held: Vec<_> = holders.iter().map(|holder| holder.credentials.as_str()).collect();
    assert_eq!(held, ["device"], "what its credentials hold by now came of it");
}

#[tokio::test]
async fn why_a_secret_is_not_renewed_any_more_is_told_as_before() {
    let old = tempfile::tempdir().unwrap();
    let connection = raw(old.path());
    connection.execute_batch(include_str!("../../fixtures/store-format-31.sql")).unwrap();
    connection.execute_batch("PRAGMA application_id = 0x456e646f; PRAGMA user_version = 31").unwrap();
    let plainly = "the provider does not take the refresh token any more";
    let none = "the API refused the secret, and there is no refresh token";
    let lost = "nobody knows what came of a renewal, and the provider takes no refresh token twice";
    let refused =
        "nobody knows what came of a renewal, and the provider does not take the refresh token again";
    let told = [
        (plainly, plainly),
        (none, none),
        (lost, lost),
        (refused, refused),
        ("the answer to a renewal was lost, and the provider takes no refresh token twice", lost),
        ("the answer to a renewal was lost, and the provider does not take the refresh token again", refused),
    ];
    let sql =
        "INSERT INTO renewals VALUES (?1, 1, NULL, NULL, 3, 1, '', 0, 0, ?1, 0, NULL, 1, 1, NULL, NULL)";
    for (before, _) in told {
        connection.execute(sql, [before]).unwrap();
    }
    drop(connection);

    let store = open(old.path());
    for (before, reason) in told {
        let look = move |view: &View<'_>| view.renewal(&before.into());
        let renewal = store.read::<_, StoreError, _>(look).await.unwrap().unwrap();
        let health = Standing::of(Some(&renewal), 1, Timestamp::from_millis(0), Some(Retry::Never)).health;
        assert_eq!(health, Health::Dead { reason }, "{renewal:?}");
    }
}

#[tokio::test]
async fn forms_that_were_sent_under_the_pass_of_a_session_belong_to_its_line() {
    let (line, pass, form) = ([1; 32], [2; 32], [3; 32]);
    let old = tempfile::tempdir().unwrap();
    let connection = raw(old.path());
    connection.execute_batch(include_str!("../../fixtures/store-format-31.sql")).unwrap();
    connection.execute_batch("PRAGMA application_id = 0x456e646f; PRAGMA user_version = 31").unwrap();
    let sql = "INSERT INTO sessions (fingerprint, owner, login, began_at, seen_at, line) VALUES (?1, 'owner', x'', 1, 1, ?2)";
    connection.execute(sql, [pass, line]).unwrap();
    let sql = "INSERT INTO sent_forms (session, form, came_to) VALUES (?1, ?2, '/there')";
    connection.execute(sql, [pass, form]).unwrap();
    drop(connection);

    let store = open(old.path());
    let sent =
        write(&store, move |transaction| transaction.send_form(&FormKey { line, form }, 9)).await.unwrap();
    assert_eq!(sent, SentForm::Settled("/there".to_owned()));
}

#[tokio::test]
async fn opening_again_changes_no_table() {
    let (directory, store) = fresh();
    drop::<Store>(store);
    let before = schema(directory.path());
    drop(open(directory.path()));
    assert_eq!(schema(directory.path()), before);
}
