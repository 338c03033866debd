//! The same at the terminal, with a gateway running and with none.

use std::collections::HashSet;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use endo::ambient::Timestamp;
use endo::cli::Exit;
use endo::source::renewal::begin_life;
use endo::store::{RenewalStage, StoreError, StoredRefreshToken};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::bus::WithJson;
use crate::support::desk::fixture_key;
use crate::support::fake_api::{Answer, FakeApi};
use crate::support::meshblu::vectors;
use crate::support::shell::{Shell, ended, stderr, stdout};
use crate::support::store;

/// A shell with credentials of an account, a user device, and their names.
fn with_account() -> (Shell, String, String) {
    with_account_at("https://api.github.com")
}

/// The same, for an API at this URL.
fn with_account_at(api: &str) -> (Shell, String, String) {
    let shell = Shell::with_key();
    std::fs::write(shell.data().join("endo.toml"), format!("[source]\nbase_url = \"{api}\"\n")).unwrap();
    let added =
        shell.run_with(&["credentials", "add", "--id", "583231", "--username", "octocat"], "canary-token\n");
    assert!(ended(&added, Exit::Ok), "{}", stderr(&added));
    let credentials = last_word(&added);
    let device = shell.run(&["devices", "add"]);
    let device = stdout(&device).lines().next().unwrap().split_whitespace().last().unwrap().to_owned();
    (shell, credentials, device)
}

fn last_word(output: &Output) -> String {
    stdout(output).split_whitespace().last().unwrap().to_owned()
}

fn json(output: &Output) -> Vec<Value> {
    assert!(ended(output, Exit::Ok), "{}", stderr(output));
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_file_that_can_go_is_the_one_that_the_key_is_in_whatever_its_name() {
    let (shell, ..) = with_account();
    let rotated = shell.run(&["keys", "rotate"]);
    let newest = stdout(&rotated).split(' ').next().unwrap();
    let [first, old] = ["records.pem", "records-old.pem"].map(|name| shell.data().join(name));
    std::fs::rename(&first, &old).unwrap();
    std::fs::rename(shell.data().join(format!("records-{newest}.pem")), &first).unwrap();
    let migrated = shell.run(&["keys", "migrate"]);
    let free = format!("and {} can go\n", old.display());
    assert!(stdout(&migrated).ends_with(&free), "{migrated:?}");
    let rows = json(&shell.run(&["keys", "ls", "--json"]));
    let files = [first.to_str().unwrap(), old.to_str().unwrap()];
    assert_eq!([&rows[0]["file"], &rows[1]["file"]], files);
}

#[test]
fn keys_are_listed_rotated_and_freed() {
    let (shell, credentials, _) = with_account();
    let first = json(&shell.run(&["keys", "ls", "--json"]));
    assert_eq!(first.len(), 1);
    let old = first[0]["kid"].as_str().unwrap();
    let rotated = shell.run(&["keys", "rotate"]);
    assert!(stdout(&rotated).contains(" seals from now on"), "{}", stderr(&rotated));
    let newest = stdout(&rotated).split(' ').next().unwrap();
    let file = shell.data().join(format!("records-{newest}.pem"));
    assert!(file.exists() && stdout(&rotated).contains(&format!("\nback up {}: ", file.display())));
    let listed = shell.run(&["keys", "ls"]);
    let needed = format!("{old}  1        needed by {credentials}");
    assert!(stdout(&listed).contains(&needed), "{}", stdout(&listed));
    let migrated = shell.run(&["keys", "migrate"]);
    let file = shell.data().join("records.pem");
    let free = format!("free: no record needs it, and {} can go", file.display());
    let freed = format!("1 of 1: 1 sealed anew\n{old}: {free}\n");
    assert_eq!(stdout(&migrated), freed, "{}", stderr(&migrated));
    assert_eq!(stdout(&shell.run(&["keys", "migrate"])), freed.replace("1 sealed", "0 sealed"));
    std::fs::remove_file(shell.data().join("records.pem")).unwrap();
    let shown = json(&shell.run(&["credentials", "ls", "--json"]));
    assert_eq!(shown[0]["state"], "Works");
    let newest = json(&shell.run(&["keys", "ls", "--json"]))[0]["kid"].as_str().unwrap().to_owned();
    std::fs::remove_file(shell.data().join(format!("records-{newest}.pem"))).unwrap();
    let lost = shell.run(&["keys", "ls"]);
    let says = format!("put its file back, which is records-{newest}.pem");
    assert!(ended(&lost, Exit::WrongKey) && stderr(&lost).contains(&says), "{}", stderr(&lost));
}

#[test]
fn a_key_of_the_settings_that_did_not_seal_what_is_here_is_named_with_its_variable() {
    let (shell, ..) = with_account();
    let with =
        |key: &str| shell.command(&["keys", "ls"]).env("ENDO_RECORDS_PRIVATE_KEY", key).output().unwrap();
    let refused = with(vectors()["servicePrivateKeyPem"].as_str().unwrap());
    let said = stderr(&refused);
    assert!(ended(&refused, Exit::WrongKey), "{said}");
    for part in ["ENDO_RECORDS_PRIVATE_KEY: ", "records.private_key is another key than ", "ENDO_DATA_DIR"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(ended(&with(&fixture_key()), Exit::Ok), "the right key is taken from there, too");
}

#[tokio::test]
async fn how_a_secret_stands_is_told_in_the_words_of_the_pages() {
    let (shell, credentials, _) = with_account();
    for (stage, words) in [
        (
            RenewalStage::InDoubt,
            "In doubt: a renewal is not answered, and is not tried again. The secret is used until the API refuses it, then you \
             need to sign in again",
        ),
        (
            RenewalStage::Refused,
            "Needs you to sign in again: the provider does not take the refresh token any more",
        ),
    ] {
        let over = (stage == RenewalStage::Refused).then_some(Duration::ZERO);
        let life = begin_life(1, Timestamp::from_millis(0), over, 0.5);
        let device = credentials.as_str().into();
        let refresh = StoredRefreshToken { stage, ..StoredRefreshToken::new([1; 32]) };
        let renewal = life.renewed_by(Some(refresh));
        let store = store::open(&shell.data());
        let know = store.write::<_, StoreError, _>(move |tx| tx.store_renewal(&device, &renewal));
        know.await.unwrap();
        drop(store);
        let listed = shell.run(&["credentials", "ls"]);
        assert!(stdout(&listed).ends_with(&format!("  {words}\n")), "{}", stdout(&listed));
        let shown = shell.run(&["credentials", "show", &credentials]);
        let shown: Value = serde_json::from_str(stdout(&shown)).unwrap();
        assert_eq!(shown["state"], words);
    }
}

#[test]
fn of_a_key_that_a_setting_holds_no_file_can_go() {
    let (shell, ..) = with_account();
    let key = std::fs::read_to_string(shell.data().join("records.pem")).unwrap();
    let endo = |words: &[&str]| shell.command(words).env("ENDO_RECORDS_PRIVATE_KEY", &key).output().unwrap();
    assert!(ended(&endo(&["keys", "rotate"]), Exit::Ok));
    let migrated = endo(&["keys", "migrate"]);
    let says = stdout(&migrated);
    assert!(
        says.ends_with(": free: no record needs it, and a setting holds it\n"),
        "{says}{}",
        stderr(&migrated)
    );
    let files: Vec<_> =
        json(&endo(&["keys", "ls", "--json"])).iter().map(|row| row["file"].is_string()).collect();
    assert_eq!(files, [true, false]);
}

#[test]
fn what_was_forgotten_is_not_counted_among_what_moves() {
    let (shell, credentials, _) = with_account();
    let other = shell.run_with(&["credentials", "add", "--id", "2"], "canary-token\n");
    assert!(ended(&other, Exit::Ok), "{}", stderr(&other));
    assert!(ended(&shell.run(&["credentials", "forget", &credentials]), Exit::Ok));
    let migrated = shell.run(&["keys", "migrate"]);
    assert_eq!(stdout(&migrated), "1 of 1: 0 sealed anew\n", "{}", stderr(&migrated));
}

#[test]
fn credentials_are_listed_shown_and_forgotten() {
    let (shell, credentials, device) = with_account();
    let listed = shell.run(&["credentials", "ls"]);
    let row = format!("{credentials}  octocat  583231  1        -         Works\n");
    assert!(stdout(&listed).contains(&row), "{}", stdout(&listed));
    let shown = shell.run(&["credentials", "show", &credentials]);
    let shown: Value = serde_json::from_str(stdout(&shown)).unwrap();
    assert_eq!((&shown["account"], &shown["format"]), (&583_231.into(), &2.into()));
    assert_eq!(shown["userDevices"][0]["uuid"], device);
    assert!(!shown.to_string().contains("canary"));
    let forgotten = shell.run(&["credentials", "forget", &credentials]);
    assert!(ended(&forgotten, Exit::Ok), "{}", stderr(&forgotten));
    let said = stdout(&forgotten);
    assert!(said.contains("forgotten") && said.contains("by operator"), "{said}");
    assert!(said.contains(&format!("the right of {device} ended")), "{said}");
    let stays = "the API cannot be told: a secret that ended here stays good there until you end it there";
    assert!(said.contains(stays), "{said}");
    assert_eq!(stdout(&shell.run(&["receipts"])), said);
    assert_eq!(json(&shell.run(&["receipts", "--json", "--credentials", &credentials])).len(), 1);
    assert!(json(&shell.run(&["credentials", "ls", "--json"])).is_empty());
    for act in ["forget", "show"] {
        let again = shell.run(&["credentials", act, &credentials]);
        assert!(ended(&again, Exit::Failure));
        let says = format!("`endo receipts --credentials {credentials}` says what became of them");
        let says = format!("endo: {credentials} keeps no credentials any more: {says}\n");
        assert_eq!(stderr(&again), says);
        let unknown = shell.run(&["credentials", act, "nope"]);
        assert_eq!(stderr(&unknown), "endo: nope keeps no credentials\n");
    }
}

#[test]
fn an_account_s_name_is_never_acted_on_and_answered_with_the_uuids_that_it_may_stand_for() {
    let (shell, first, device) = with_account();
    let asked: [&[&str]; 5] = [
        &["credentials", "forget", "octocat"],
        &["credentials", "show", "octocat"],
        &["devices", "add", "--credentials", "octocat"],
        &["devices", "revoke", "--credentials", "octocat"],
        &["receipts", "--credentials", "octocat"],
    ];
    let says = |is: &str| {
        for words in asked {
            let refused = shell.run(words);
            assert!(ended(&refused, Exit::Failure), "{words:?}");
            let says = format!("endo: octocat keeps no credentials: it is the name of {is}\n");
            assert_eq!(stderr(&refused), says, "{words:?}");
        }
    };
    says(&format!("an account, whose credentials are kept by {first}; name that if you mean it"));
    let add = ["credentials", "add", "--id", "6", "--username", "octocat"];
    let mut both = [first, last_word(&shell.run_with(&add, "canary-token\n"))];
    both.sort();
    let [one, other] = &both;
    says(&format!("several accounts, whose credentials are kept by {one}, {other}; name the one you mean"));
    let rows = json(&shell.run(&["devices", "ls", "--json"]));
    assert!(rows.len() == 1 && rows[0]["uuid"] == *device && rows[0]["revoked"].is_null(), "{rows:?}");
    assert_eq!(json(&shell.run(&["credentials", "ls", "--json"])).len(), 2);
}

#[tokio::test]
async fn a_long_name_that_a_stranger_chose_keeps_no_column_out_of_sight_and_is_whole_in_json() {
    let (shell, _, device) = with_account();
    let long = "ä".repeat(5000);
    let add = ["credentials", "add", "--id", &long];
    assert!(ended(&shell.run_with(&add, "canary-token\n"), Exit::Ok));
    let served = shell.serve(&[]);
    let owner: Value =
        serde_json::from_slice(&std::fs::read(shell.data().join("owner.json")).unwrap()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let rename = client.put(format!("{}/v2/devices/{device}", served.told("bus")));
    let rename = rename.basic_auth(owner["uuid"].as_str().unwrap(), owner["token"].as_str());
    let rename = rename.json(&serde_json::json!({"$set": {"name": long}}));
    assert!(rename.send().await.unwrap().status().is_success());
    drop(served);
    for (list, of_long) in [("credentials", "account"), ("devices", "name")] {
        let listed = shell.run(&[list, "ls"]);
        let widest = stdout(&listed).lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest < 300, "{widest}: {}", stdout(&listed));
        let shown = format!(" {}… ", "ä".repeat(80));
        assert!(stdout(&listed).contains(&shown), "{}", stdout(&listed));
        let rows = json(&shell.run(&[list, "ls", "--json"]));
        assert!(rows.iter().any(|row| row[of_long] == *long), "{rows:?}");
    }
}

#[test]
fn all_devices_of_an_account_are_cut_off_at_once() {
    let (shell, credentials, device) = with_account();
    let other = json(&shell.run(&["devices", "add", "--json"]))[0]["uuid"].as_str().unwrap().to_owned();
    let all = ["devices", "revoke", "--credentials", &credentials];
    let cut = shell.run(&all);
    assert!(ended(&cut, Exit::Ok), "{}", stderr(&cut));
    for uuid in [device, other] {
        assert!(stdout(&cut).contains(&format!("the right of {uuid} ended")), "{}", stdout(&cut));
    }
    let rows = json(&shell.run(&["devices", "ls", "--json"]));
    assert!(rows.len() == 2 && rows.iter().all(|row| row["revoked"].is_string()), "{rows:?}");
    let again = shell.run(&all);
    assert_eq!(stdout(&again), format!("no device uses the credentials of {credentials}\n"));
    let neither = shell.run(&["devices", "revoke"]);
    assert!(ended(&neither, Exit::Usage));
    let usage = "Usage: endo devices revoke <UUID|--credentials <UUID>>\n";
    assert!(stderr(&neither).contains(usage), "{}", stderr(&neither));
    assert!(ended(&shell.run(&["devices", "revoke", "a", "--credentials", "b"]), Exit::Usage));
}

#[test]
fn an_account_s_id_is_an_integer_digit_for_digit_or_text_but_no_blank() {
    let (shell, ..) = with_account();
    for id in ["9007199254740993", "1180591620717411303424", "007", "octocat"] {
        let added = shell.run_with(&["credentials", "add", "--id", id], "canary-token\n");
        assert!(ended(&added, Exit::Ok), "{}", stderr(&added));
        let shown = shell.run(&["credentials", "show", &last_word(&added)]);
        let shown: Value = serde_json::from_str(stdout(&shown)).unwrap();
        assert_eq!(shown["account"], id);
    }
    let listed = shell.run(&["credentials", "ls"]);
    let ids: HashSet<_> =
        stdout(&listed).lines().skip(1).map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    let all = ["583231", "9007199254740993", "1180591620717411303424", "007", "octocat"];
    assert_eq!(ids, all.into());
    for blank in ["", " "] {
        let refused = shell.run_with(&["credentials", "add", "--id", blank], "canary-token\n");
        assert!(ended(&refused, Exit::Failure));
        assert_eq!(stderr(&refused), "endo: a blank cannot be an account's id\n");
    }
    for around in [" 803", "803 ", "\tocto cat"] {
        let refused = shell.run_with(&["credentials", "add", "--id", around], "canary-token\n");
        assert!(ended(&refused, Exit::Failure));
        let says =
            format!("endo: an account's id has no blanks around it: write it as {:?}\n", around.trim());
        assert_eq!(stderr(&refused), says);
    }
}

#[test]
fn a_secret_that_a_newer_one_took_the_place_of_is_what_its_receipt_says_has_ended() {
    let (shell, credentials, _) = with_account();
    let add = ["credentials", "add", "--id", "583231", "--username", "octocat"];
    let newer = shell.run_with(&add, "canary-newer\n");
    assert!(ended(&newer, Exit::Ok), "{}", stderr(&newer));
    let receipts = shell.run(&["receipts"]);
    let said = stdout(&receipts);
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].contains(&format!("  replaced  {credentials} (octocat), by ")), "{said}");
    assert_eq!(lines[1], format!("  the earlier secret of {credentials} ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_runs_does_the_same_and_goes_on_answering() {
    let api = FakeApi::answering(Answer::new(200, &["content-type: application/json"], "[]")).await;
    let (shell, credentials, device) = with_account_at(&api.url(""));
    let served = shell.serve(&[]);
    let send = || shell.run(&["send", "ListEventsByUser", "username=octocat"]);
    assert!(ended(&send(), Exit::Ok), "{}", stderr(&send()));
    assert!(ended(&shell.run(&["keys", "rotate"]), Exit::Ok));
    assert!(ended(&shell.run(&["keys", "migrate"]), Exit::Ok));
    assert!(ended(&send(), Exit::Ok), "{}", stderr(&send()));
    let rows = json(&shell.run(&["keys", "ls", "--json"]));
    let needed: Vec<_> = rows.iter().map(|row| row["neededBy"].as_array().unwrap().len()).collect();
    assert_eq!(needed, [1, 0]);
    let listed = json(&shell.run(&["credentials", "ls", "--json"]));
    assert!(listed[0]["lastUse"].is_string(), "{listed:?}");
    assert!(ended(&shell.run(&["devices", "revoke", &device]), Exit::Ok));
    let receipts = json(&shell.run(&["receipts", "--json"]));
    assert_eq!((&receipts[0]["act"], &receipts[0]["by"]), (&"cut-off".into(), &"operator".into()));
    assert_eq!(receipts[0]["credentials"], credentials);
    let after = json(&shell.run(&["credentials", "ls", "--json"]));
    assert_eq!((&after[0]["devices"], &after[0]["lastUse"]), (&0.into(), &listed[0]["lastUse"]));
    let shown: Value =
        serde_json::from_str(stdout(&shell.run(&["credentials", "show", &credentials]))).unwrap();
    assert_eq!(shown["lastUse"], listed[0]["lastUse"], "a secret was used that no device may use any more");
    drop(served);
}

#[test]
fn receipts_are_those_of_credentials_that_are_kept_or_were() {
    let (shell, credentials, _) = with_account();
    assert!(ended(&shell.run(&["receipts", "--credentials", &credentials]), Exit::Ok));
    assert!(ended(&shell.run(&["credentials", "forget", &credentials]), Exit::Ok));
    let forgotten = shell.run(&["receipts", "--credentials", &credentials]);
    assert!(ended(&forgotten, Exit::Ok) && stdout(&forgotten).contains("forgotten"), "{forgotten:?}");
    let unknown = shell.run(&["receipts", "--credentials", "nope"]);
    assert!(ended(&unknown, Exit::Failure));
    assert_eq!(stderr(&unknown), "endo: nope keeps no credentials\n");
}

#[test]
fn a_gateway_that_hangs_is_told_by_the_exit_code() {
    let (shell, ..) = with_account();
    let served = shell.serve(&[]);
    served.signal("STOP");
    let listed = shell.run(&["credentials", "ls"]);
    assert!(ended(&listed, Exit::Unreachable), "{}", stderr(&listed));
    let says = format!("endo: the gateway that runs on {} does not answer: ", shell.data().display());
    assert!(stderr(&listed).starts_with(&says), "{}", stderr(&listed));
}

/// A gateway that ends after it was asked, and before it answers.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_and_not_answered_may_be_done_and_the_command_says_how_to_look() {
    let shell = Arc::new(Shell::with_key());
    let gateway = tokio::net::UnixListener::bind(shell.data().join("endo.sock")).unwrap();
    let answering = tokio::spawn(async move {
        loop {
            let (mut stream, _) = gateway.accept().await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }
    });
    for (words, look) in [
        (&["devices", "add"][..], Some("endo devices ls")),
        (&["devices", "revoke", "x"], Some("endo devices ls")),
        (&["keys", "rotate", "--yes"], Some("endo keys ls")),
        (&["devices", "ls"], None),
    ] {
        let at = Arc::clone(&shell);
        let asked = tokio::task::spawn_blocking(move || at.run(words)).await.unwrap();
        assert!(ended(&asked, Exit::Unreachable), "{asked:?}");
        let says = look.map(|look| {
            format!("may be done all the same, or still be done: once it answers, `{look}` says")
        });
        match says {
            Some(says) => assert!(stderr(&asked).contains(&says), "{words:?}: {asked:?}"),
            None => assert!(!stderr(&asked).contains("done all the same"), "{asked:?}"),
        }
    }
    answering.abort();
}

/// A gateway that works on one answer for longer than it may be silent.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_waits_for_as_long_as_the_gateway_says_that_it_works() {
    let shell = Shell::with_key();
    let gateway = tokio::net::UnixListener::bind(shell.data().join("endo.sock")).unwrap();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = gateway.accept().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        let mut ticks = tokio::time::interval(Duration::from_secs(4));
        for _ in 0..4 {
            ticks.tick().await;
            stream.write_all(b" ").await.unwrap();
        }
        stream.write_all(b"{\"Ok\": []}").await.unwrap();
    });
    let listing = tokio::task::spawn_blocking(move || shell.run(&["credentials", "ls", "--json"]));
    let listed = listing.await.unwrap();
    assert!(ended(&listed, Exit::Ok) && stdout(&listed).is_empty(), "{}", stderr(&listed));
    answering.await.unwrap();
}

#[test]
fn a_name_that_is_cut_in_a_flag_gets_no_mark_for_what_nobody_hid() {
    let shell = Shell::with_key();
    let (long, england) = ("a".repeat(78), "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}");
    let whole = format!("{}{england}", &long[10..]);
    for (id, name) in [("1", &format!("{long}{england}")), ("2", &whole)] {
        let add = ["credentials", "add", "--id", id, "--username", name];
        assert!(ended(&shell.run_with(&add, "canary-token\n"), Exit::Ok));
    }
    let output = shell.run(&["credentials", "ls"]);
    let listed = stdout(&output);
    assert!(listed.contains(&format!(" {long}\u{1f3f4}… ")) && listed.contains(&whole), "{listed}");
    assert!(!listed.contains('?'), "{listed}");
}
